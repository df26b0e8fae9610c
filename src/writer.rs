//! Decides who the writer is, and on whose word: the event says *when*, two witnesses say *who*. Pure: no clock, no calls.

use serde::Serialize;

use crate::claim::{Claim, FailoverKind, Newest};
use crate::cluster::{ClusterView, InstanceId};
use crate::error::Error;
use crate::plan::Plan;
use crate::target::{Listed, Target};

/// On whose word a writer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Evidence {
    #[serde(rename = "event")]
    Event,
    #[serde(rename = "event+rds")]
    EventAndRds,
    /// RDS's alone, the same at two looks if something was to be changed.
    #[serde(rename = "rds")]
    Rds,
}

/// How to find the writer, given a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approach {
    /// Take the claim's word at once.
    Believe(InstanceId),
    /// Take the claim's word unless RDS goes on to contradict it.
    Corroborate(InstanceId),
    /// As RDS says.
    AskRds(Asker),
    /// Do nothing, for this reason.
    Ignore(String),
}

/// Why RDS alone is asked. It decides what happens in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The schedule, `reconcile`, a late claim: in doubt nothing changes, and the next scheduled run looks again.
    Routine,
    /// `reconcile` with `force`: the operator is a second witness.
    Operator,
    /// A fresh claim that RDS contradicts, or that names nobody: in doubt it keeps looking.
    FreshClaim,
    /// A fresh 0069: it keeps looking, and says itself that the failover is over.
    FailedFailover,
}

impl Asker {
    /// Whether it keeps looking while RDS is in doubt, until shortly before the deadline.
    pub fn is_patient(self) -> bool {
        matches!(self, Asker::FreshClaim | Asker::FailedFailover)
    }

    /// Whether rule 9 holds: RDS alone does not take away what an event has just asked for.
    pub fn is_alone(self) -> bool {
        matches!(self, Asker::Routine | Asker::FreshClaim)
    }
}

/// The table of decisions: which claims are believed, which are checked, which only say that it is time to look.
///
/// "Started" is believed while fresh, for then RDS still shows the old writer and every second counts. A claim that is late,
/// by its age or because this process has acted on a newer one, only says *when*. Without RDS (`rds_known` false) there
/// is nobody else to ask.
///
/// # Errors
/// Without RDS, [`Error::MalformedEvent`] for an event that should name an instance but does not.
pub fn approach(claim: &Claim, newest: Option<&Newest>, rds_known: bool) -> Result<Approach, Error> {
    use FailoverKind::{Completed, Failed, PromotingPrevious, StartedCrossZone, StartedSameZone};
    let overtaken_by = newest.filter(|newest| newest.is_after(claim));
    let is_fresh = claim.is_fresh() && overtaken_by.is_none();
    Ok(match (&claim.instance, claim.kind) {
        (_, Failed) if is_fresh => Approach::AskRds(Asker::FailedFailover),
        (_, Failed) => Approach::AskRds(Asker::Routine),
        (None, _) if !rds_known => return Err(malformed(claim)),
        (Some(writer), _) if !rds_known => {
            overtaken_by.map_or_else(|| Approach::Believe(writer.clone()), |newest| Approach::Ignore(overtaken(claim, newest)))
        }
        _ if !is_fresh => Approach::AskRds(Asker::Routine),
        (Some(writer), StartedSameZone | StartedCrossZone) => Approach::Believe(writer.clone()),
        (Some(writer), Completed | PromotingPrevious) => Approach::Corroborate(writer.clone()),
        (None, _) => Approach::AskRds(Asker::FreshClaim),
    })
}

fn malformed(claim: &Claim) -> Error {
    Error::MalformedEvent(format!(
        "{}: no instance after the last \": \" of {:?}; expected one like \"Completed failover to DB instance: aurora-2\"",
        claim.kind.event_id(),
        claim.message
    ))
}

fn overtaken(claim: &Claim, newest: &Newest) -> String {
    let by = newest.named.as_ref().map_or_else(String::new, |(instance, _)| format!(", which named {instance}"));
    format!("{} came late: this process has acted on the claim of {}{by}", claim.kind.event_id(), newest.time)
}

/// What RDS, as the second witness, says of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Witness {
    Agrees,
    /// The view is unsettled, for this reason.
    Unsettled(String),
    /// It has settled on this other instance.
    Contradicts(InstanceId),
}

/// Holds a view against the instance that a claim names.
pub fn second_witness(claimed: &InstanceId, view: &ClusterView) -> Witness {
    match view.settled_writer() {
        Ok(writer) if writer == claimed => Witness::Agrees,
        Ok(writer) => Witness::Contradicts(writer.clone()),
        Err(doubt) => Witness::Unsettled(doubt),
    }
}

/// A writer, and what its group needs to hold its target alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub writer: InstanceId,
    pub target: Target,
    pub plan: Plan,
}

/// One look at RDS and at the group, taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    pub listed: Vec<Listed>,
    /// The change that the settled writer asks for, or what makes the view unsettled.
    pub asks_for: Result<Change, String>,
}

/// What RDS alone may not take away (rule 9), beside the targets in state `initial`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shield {
    /// The instance of the newest claim that this process has acted on, while that is fresh, and its target.
    pub claimed: Option<(InstanceId, Target)>,
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The group holds exactly the writer, or two looks agree on the change.
    Settled(Change),
    LookAgain,
    /// Nothing may be done yet, for this reason.
    InDoubt(String),
}

/// RDS decides alone. A change needs two looks in a row that agree on the writer *and* on the change: if another invocation
/// moved the group meanwhile, a failover is under way, and RDS may not show it yet.
pub fn judge(before: Option<&Look>, look: &Look, shield: Option<&Shield>) -> Judgement {
    let change = match &look.asks_for {
        Err(doubt) => return Judgement::InDoubt(doubt.clone()),
        Ok(change) if change.plan.is_empty() => return Judgement::Settled(change.clone()),
        Ok(change) => change,
    };
    if let Some(doubt) = shield.and_then(|shield| held_back(change, &look.listed, shield)) {
        return Judgement::InDoubt(doubt);
    }
    let agrees = |before: &Change| before.writer == change.writer && before.plan.is_same(&change.plan);
    match before.map(|before| &before.asks_for) {
        Some(Ok(before)) if agrees(before) => Judgement::Settled(change.clone()),
        _ => Judgement::LookAgain,
    }
}

/// Rule 9: RDS's API lags behind an event by 10 s and more. Why the change must wait, if it must.
fn held_back(change: &Change, listed: &[Listed], shield: &Shield) -> Option<String> {
    let takes_away = |target: &Target| change.plan.deregister.iter().any(|gone| gone.is_same(target));
    let rds_shows = format!("RDS shows {} as the writer", change.writer);
    if let Some((instance, target)) = &shield.claimed
        && *instance != change.writer
        && takes_away(target)
    {
        return Some(format!("{rds_shows}, but an event has just named {instance}: {target} stays while that is fresh (60 s)"));
    }
    let initial = listed.iter().find(|entry| entry.is_initial() && takes_away(&entry.target))?;
    Some(format!("{rds_shows}, but {} has just been registered: it stays while its state is initial", initial.target))
}

#[cfg(test)]
mod tests;
