//! Decides which event of a payload counts, and how far to trust it: the event says *when*, two witnesses say *who*. Pure.

use serde::Serialize;

use super::confirm::{Requester, settled_writer};
use super::doubt::Doubt;
use super::memory::{LastActedOn, Memory};
use crate::cluster::{ClusterView, InstanceId};
use crate::config::SwitchOn;
use crate::error::Error;
use crate::event::failover::{FailoverEvent, FailoverKind};

/// Who named the writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Evidence {
    #[serde(rename = "event")]
    Event,
    #[serde(rename = "event+rds")]
    EventAndRds,
    /// RDS alone: the same at two looks if the group was changed.
    #[serde(rename = "rds")]
    Rds,
    /// An event, and the DNS of one DB instance.
    #[serde(rename = "event+dns")]
    EventAndDns,
    /// DNS alone: the same at two lookups if the group was changed.
    #[serde(rename = "dns")]
    Dns,
}

/// Which event of a payload decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The newest event that may move the target.
    pub decides: Option<FailoverEvent>,
    /// Why each other event does not decide.
    pub others: Vec<String>,
}

/// Chooses among all events of a payload, newest first. An ignored event does not compete for being the newest.
///
/// Without RDS (`rds_known` false) an event from an archive cannot be verified, however recent it looks.
pub fn choose(events: Vec<FailoverEvent>, switch_on: SwitchOn, rds_known: bool) -> Choice {
    let mut choice = Choice { decides: None, others: vec![] };
    for event in events {
        let reason = if event.kind.is_started() && switch_on == SwitchOn::Completed {
            format!("{} only starts a failover, and SWITCH_ON is completed", event.kind.event_id())
        } else if event.is_replay && !rds_known {
            format!("{} comes from an EventBridge archive, and there is no RDS to ask: set DB_CLUSTER_ID", event.kind.event_id())
        } else if choice.decides.is_some() {
            format!("{} {:?}: superseded", event.kind.event_id(), event.message)
        } else {
            choice.decides = Some(event);
            continue;
        };
        choice.others.push(reason);
    }
    choice
}

/// How to find the writer, given an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approach {
    /// Take the event's word at once.
    Trust(InstanceId),
    /// Take the event's word unless RDS goes on to contradict it.
    Verify(InstanceId),
    /// As RDS says.
    AskRds(Requester),
    /// Do nothing, for this reason.
    Ignore(String),
}

/// The table of decisions: which events are trusted, which are verified, which only say that it is time to ask RDS.
///
/// A fresh "started" is trusted, because RDS still shows the old writer and every second counts. An event that is late, by its age
/// or because this process has acted on a newer one, only says *when*. Without RDS (`rds_known` false) there is no second witness.
///
/// # Errors
/// Without RDS, [`Error::MalformedEvent`] for an event that should name an instance but does not.
pub fn approach(event: &FailoverEvent, memory: &Memory, rds_known: bool) -> Result<Approach, Error> {
    use FailoverKind::Failed;
    let overtaken_by = memory.overtaken_by(event);
    let is_fresh = event.is_fresh() && overtaken_by.is_none();
    Ok(match (&event.instance, event.kind) {
        (_, Failed) if is_fresh => Approach::AskRds(Requester::FailedFailover),
        (_, Failed) => Approach::AskRds(Requester::LateEvent),
        (None, _) if !rds_known => return Err(malformed(event)),
        (Some(writer), _) if !rds_known => {
            overtaken_by.map_or_else(|| Approach::Trust(writer.clone()), |newest| Approach::Ignore(overtaken(event, newest)))
        }
        _ if !is_fresh => Approach::AskRds(Requester::LateEvent),
        (Some(writer), kind) if kind.is_started() => Approach::Trust(writer.clone()),
        (Some(writer), _) => Approach::Verify(writer.clone()),
        (None, _) => Approach::AskRds(Requester::FreshEvent),
    })
}

fn malformed(event: &FailoverEvent) -> Error {
    Error::MalformedEvent(format!(
        "{}: no instance after the last \": \" of {:?}; expected one like \"Completed failover to DB instance: aurora-2\"",
        event.kind.event_id(),
        event.message
    ))
}

fn overtaken(event: &FailoverEvent, newest: &LastActedOn) -> String {
    let by = newest.instance.as_ref().map_or_else(String::new, |instance| format!(", which named {instance}"));
    format!("{} came late: this process has acted on the event of {}{by}", event.kind.event_id(), newest.time)
}

/// What RDS shows, compared with the instance that an event names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RdsView {
    Agrees,
    /// The view is unsettled, for this reason.
    Unsettled(Doubt),
    /// RDS has settled on another instance.
    Contradicts,
}

impl RdsView {
    /// Compares a view with the instance that an event names.
    pub fn of(named: &InstanceId, view: &ClusterView) -> RdsView {
        match settled_writer(view) {
            Ok(writer) if writer == named => RdsView::Agrees,
            Ok(_) => RdsView::Contradicts,
            Err(doubt) => RdsView::Unsettled(doubt),
        }
    }
}

/// What follows from an event and from RDS, its second witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighing {
    /// The instance that the event names is the writer.
    Accept(Evidence),
    /// Ask RDS again after a pause.
    Recheck,
    /// RDS goes on to contradict the event: as RDS says.
    LetRdsDecide,
}

/// Weighs a fresh event that a failover has ended against RDS.
///
/// `rds` is `None` if RDS is unreachable; `is_in_place` means that the group already holds exactly the named instance.
pub fn weigh(rds: Option<&RdsView>, is_in_place: bool, may_recheck: bool) -> Weighing {
    match rds {
        Some(RdsView::Agrees) => Weighing::Accept(Evidence::EventAndRds),
        Some(RdsView::Contradicts) if is_in_place => Weighing::Accept(Evidence::Event),
        Some(RdsView::Contradicts) if may_recheck => Weighing::Recheck,
        Some(RdsView::Contradicts) => Weighing::LetRdsDecide,
        Some(RdsView::Unsettled(_)) | None => Weighing::Accept(Evidence::Event),
    }
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
