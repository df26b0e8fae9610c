//! Checks that the group holds exactly the writer, at an address that it can take.

use super::Inspection;
use super::finding::Finding;
use crate::address::{self, endpoint};
use crate::decide::confirm::{Observation, Step, confirm, settled_writer};
use crate::decide::plan::Change;
use crate::target::Target;

impl Inspection<'_> {
    /// The change that the writer in RDS asks for, settled or not; `None` if RDS shows no writer or two, or if it has no address.
    pub(super) fn change(&self) -> Option<Change> {
        let [writer] = *self.view.writers().as_slice() else { return None };
        let target = address::target(self.address_of(writer)?, self.config);
        Some(Change::new(writer.clone(), target, self.targets()))
    }

    pub(super) fn writer_findings(&self, change: Option<&Change>) -> Vec<Finding> {
        let unsettled = settled_writer(&self.view).err().map(|doubt| {
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
        let observation =
            Observation { targets: self.targets().to_vec(), wanted: settled_writer(&self.view).map(|_| change.clone()) };
        let what_to_do = match confirm(None, &observation, Some(&self.protection)) {
            Step::Done(Err(doubt)) => format!("wait, and check again in a minute: {doubt}"),
            // The balancer would refuse it.
            _ if self.family_finding(change).is_some() => "first correct its address, as address-family says".to_owned(),
            Step::Done(Ok(_)) | Step::Recheck => "invoke the function with {\"action\":\"reconcile\"}".to_owned(),
        };
        let holds = self.registered().map(Target::to_string).collect::<Vec<_>>().join(", ");
        let Change { writer, target, .. } = change;
        Some(Finding::error("targets", format!("the group holds [{holds}], expected only {target} ({writer}): {what_to_do}")))
    }
}
