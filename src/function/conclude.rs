//! Carries out what a run found out, and turns it into the decision.

use super::Run;
use super::apply::apply;
use crate::answer::{Decision, Outcome};
use crate::check;
use crate::check::finding::Finding;
use crate::cluster::InstanceId;
use crate::decide::confirm::Writer;
use crate::decide::plan::Change;
use crate::decide::trust::Evidence;
use crate::error::Error;
use crate::target::{Target, TargetHealth};

/// What a run found out before it writes.
pub(super) struct Conclusion {
    pub(super) writer: Writer,
    pub(super) evidence: Evidence,
    /// The target of the instance that the event named, if the run looked that up.
    pub(super) named: Option<Target>,
    /// The group as it was read last.
    pub(super) targets: Vec<TargetHealth>,
}

impl Conclusion {
    /// The target of the instance that the event named.
    pub(super) fn target_of(&self, named: Option<&InstanceId>) -> Option<Target> {
        let of_writer = || match &self.writer {
            Writer::Known(change) if Some(&change.writer) == named => Some(change.target.clone()),
            _ => None,
        };
        self.named.clone().or_else(of_writer)
    }
}

impl Run<'_> {
    /// What is wrong with a group that holds the right targets, or that holds targets and should not: for an alarm.
    pub(super) fn log_findings(&self, conclusion: &Conclusion) {
        let finding = match &conclusion.writer {
            Writer::Known(change) => check::zonal_shift(change, &conclusion.targets),
            Writer::Elsewhere => check::writer_in_another_region(&conclusion.targets, &self.config.target_group_arn),
            Writer::InDoubt(_) => None,
        };
        finding.iter().for_each(Finding::log);
    }

    /// Carries out the change, unless the group is right already or nothing may be changed yet.
    pub(super) async fn conclude(&self, conclusion: Conclusion, cause: &str, dry_run: bool) -> Result<Decision, Error> {
        let cause = Some(cause.to_owned());
        let Change { writer, target, plan } = match conclusion.writer {
            Writer::Known(change) => change,
            Writer::InDoubt(doubt) => return Ok(Decision::in_doubt(cause, doubt)),
            Writer::Elsewhere => {
                let reason = "RDS shows no writer here: the writer of the global database is in another region".to_owned();
                let unchanged = Decision::nothing(Outcome::Unchanged, cause, reason);
                return Ok(Decision { evidence: Some(conclusion.evidence), ..unchanged });
            }
        };
        let (outcome, registered) = match (plan.is_empty(), dry_run) {
            (true, _) => (Outcome::Unchanged, vec![]),
            (false, true) => (Outcome::Planned, plan.register.iter().cloned().collect()),
            (false, false) => (Outcome::Switched, apply(&plan, &target, &self.aws).await?),
        };
        if outcome == Outcome::Switched {
            self.function.memory().note_switch(self.wall_clock());
        }
        Ok(Decision {
            writer: Some(writer.to_string()),
            target: Some(target),
            evidence: Some(conclusion.evidence),
            registered: Some(registered),
            deregistered: Some(plan.deregister),
            ..Decision::bare(outcome, cause)
        })
    }
}
