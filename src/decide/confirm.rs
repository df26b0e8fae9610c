//! Decides what follows from an observation of RDS and the group, and what RDS alone may not change (rule 9). Pure.

use std::time::Duration;

use super::doubt::Doubt;
use super::plan::Change;
use crate::cluster::{ClusterView, InstanceId};
use crate::target::{Target, TargetHealth};

/// The pause between two observations of RDS, and the longest wait for RDS as a second witness.
pub const RECHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Returns the writer if the view is settled: the cluster is not failing over and has exactly one. No other status unsettles it.
///
/// # Errors
/// Why the view is unsettled.
pub fn settled_writer(view: &ClusterView) -> Result<&InstanceId, Doubt> {
    if view.status.eq_ignore_ascii_case("failing-over") {
        return Err(Doubt::FailingOver);
    }
    match view.writers().as_slice() {
        [writer] => Ok(writer),
        [] => Err(Doubt::NoWriter),
        several => Err(Doubt::SeveralWriters(several.iter().map(|writer| (*writer).clone()).collect())),
    }
}

/// On whose behalf RDS is asked. It decides what happens in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requester {
    /// The schedule, or `reconcile`: in doubt nothing changes, and the next scheduled run checks again.
    Routine,
    /// `reconcile` with `force`: the operator is a second witness.
    Operator,
    /// A late event: as the schedule.
    LateEvent,
    /// A fresh event that RDS contradicts, or that names no instance: in doubt it keeps checking.
    FreshEvent,
    /// A fresh 0069: it keeps checking, and says itself that the failover is over.
    FailedFailover,
}

impl Requester {
    /// Whether it keeps checking while RDS is in doubt, until shortly before the deadline.
    pub fn waits(self) -> bool {
        matches!(self, Requester::FreshEvent | Requester::FailedFailover)
    }

    /// Whether rule 9 holds: RDS alone does not take away what an event has just asked for.
    pub fn needs_protection(self) -> bool {
        matches!(self, Requester::Routine | Requester::LateEvent | Requester::FreshEvent)
    }

    /// Whether it may conclude that the writer is in another region.
    pub fn concludes_elsewhere(self) -> bool {
        matches!(self, Requester::Routine | Requester::Operator)
    }
}

/// What RDS and the group showed at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub targets: Vec<TargetHealth>,
    /// The change that the settled writer asks for, or why the view is unsettled.
    pub wanted: Result<Change, Doubt>,
    /// The cluster belongs to a global database.
    pub is_global: bool,
}

impl Observation {
    /// Whether the writer may be in another region: a cluster of a global database shows none.
    fn has_no_writer_here(&self) -> bool {
        self.is_global && self.wanted == Err(Doubt::NoWriter)
    }
}

/// What RDS alone may not take away (rule 9), next to the targets in state `initial`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// The newest event that this process has acted on is still fresh.
    pub event_is_fresh: bool,
    /// The instance of that event and its target, while the event is fresh.
    pub named: Option<(InstanceId, Target)>,
    /// A target that this process registered for an event more than a minute ago: `initial` no longer protects it.
    pub settled: Option<Target>,
    /// A change that this process has held back for long enough: `initial` no longer stands in its way.
    pub held_long: Option<Change>,
}

/// What follows from an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Observe again after a pause.
    Recheck,
    Done(Writer),
}

/// Where the writer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The group holds exactly the writer, or two observations agree on the change.
    Known(Change),
    /// Nothing may be changed yet.
    InDoubt(Doubt),
    /// Two observations agree that the writer of the global database is in another region.
    Elsewhere,
}

impl From<Result<Change, Doubt>> for Writer {
    fn from(wanted: Result<Change, Doubt>) -> Writer {
        wanted.map_or_else(Writer::InDoubt, Writer::Known)
    }
}

/// Lets RDS decide alone. A change needs two observations in a row that agree on the writer *and* on the change: if another
/// invocation moved the group meanwhile, a failover is under way, and RDS may not show it yet.
pub fn confirm(before: Option<&Observation>, now: &Observation, requester: Requester, protection: &Protection) -> Step {
    let change = match &now.wanted {
        Ok(change) if !change.plan.is_empty() => change,
        Err(_) if now.has_no_writer_here() && requester.concludes_elsewhere() && !protection.event_is_fresh => {
            let is_confirmed = before.is_some_and(Observation::has_no_writer_here);
            return if is_confirmed { Step::Done(Writer::Elsewhere) } else { Step::Recheck };
        }
        settled_or_in_doubt => return Step::Done(settled_or_in_doubt.clone().into()),
    };
    if requester.needs_protection()
        && let Some(doubt) = blocked_by(change, &now.targets, protection)
    {
        return Step::Done(Writer::InDoubt(doubt));
    }
    match before.map(|before| &before.wanted) {
        Some(Ok(before)) if before.is_same(change) => Step::Done(Writer::Known(change.clone())),
        _ => Step::Recheck,
    }
}

/// Rule 9: RDS's API lags behind an event by 10 s and more. Why the change must wait, if it must.
fn blocked_by(change: &Change, targets: &[TargetHealth], protection: &Protection) -> Option<Doubt> {
    let writer = || change.writer.clone();
    if let Some((named, target)) = &protection.named
        && *named != change.writer
        && change.deregisters(target)
    {
        return Some(Doubt::JustNamed { writer: writer(), named: named.clone(), target: target.clone() });
    }
    if protection.held_long.as_ref().is_some_and(|held| held.is_same(change)) {
        return None;
    }
    let is_settled = |target: &Target| protection.settled.as_ref().is_some_and(|settled| settled.is_same(target));
    let is_protected =
        |health: &&TargetHealth| health.is_initial() && change.deregisters(&health.target) && !is_settled(&health.target);
    let initial = targets.iter().find(is_protected)?;
    Some(Doubt::StillRegistering { writer: writer(), target: initial.target.clone() })
}

#[cfg(test)]
#[path = "confirm_tests.rs"]
mod tests;
