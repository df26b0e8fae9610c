//! Checks that the group holds exactly the writer, at an address that it can take.

use super::SetUp;
use crate::address::{self, endpoint};
use crate::answer::Finding;
use crate::plan::Plan;
use crate::target::Target;
use crate::writer::{Change, Judgement, Look, judge};

impl SetUp<'_> {
    /// What the writer that RDS shows asks for, settled or not; nothing if it shows none or two, or if that has no address.
    pub(super) fn change(&self) -> Option<Change> {
        let [writer] = *self.view.writers().as_slice() else { return None };
        let target = address::target(self.address_of(writer)?, self.config);
        Some(Change { writer: writer.clone(), plan: Plan::new(self.listed(), &target), target })
    }

    pub(super) fn writer_findings(&self, change: Option<&Change>) -> Vec<Finding> {
        let unsettled = self.view.settled_writer().err().map(|doubt| {
            let message = format!("{doubt}: wait, and check again in a minute; if it stays so, look at the cluster");
            Finding::error("writer-unsettled", message)
        });
        let of_targets = change.filter(|_| self.group.is_of_addresses());
        let of_targets = of_targets.into_iter().flat_map(|change| [self.family_finding(change), self.targets_finding(change)]);
        unsettled.into_iter().chain(of_targets.flatten()).collect()
    }

    fn family_finding(&self, change: &Change) -> Option<Finding> {
        let ip = self.address_of(&change.writer)?;
        let (ours, theirs) = (endpoint::family(ip), &self.group.ip_address_type);
        let message = format!(
            "{}, the writer, has the {ours} address {ip}, and the target group's IpAddressType is {theirs}: put an {theirs} address \
             of it into IP_DICT, or make a new group with {ours}, since the type cannot be changed",
            change.writer
        );
        (ours != theirs).then(|| Finding::error("address-family", message))
    }

    /// In doubt the group may already be right, or soon will be: RDS alone must not be followed yet.
    fn targets_finding(&self, change: &Change) -> Option<Finding> {
        if change.plan.is_empty() {
            return None;
        }
        let asks_for = self.view.settled_writer().map(|_| change.clone());
        let what_to_do = match judge(None, &Look { listed: self.listed().to_vec(), asks_for }, Some(&self.shield)) {
            Judgement::InDoubt(doubt) => format!("wait, and check again in a minute: {doubt}"),
            // The balancer would refuse it.
            _ if self.family_finding(change).is_some() => "first put its address right, as address-family says".to_owned(),
            Judgement::Settled(_) | Judgement::LookAgain => "invoke the function with {\"action\":\"reconcile\"}".to_owned(),
        };
        let holds = self.registered().map(Target::to_string).collect::<Vec<_>>().join(", ");
        let Change { writer, target, .. } = change;
        Some(Finding::error("targets", format!("the group holds [{holds}], expected only {target} ({writer}): {what_to_do}")))
    }
}
