//! Checks that the group holds exactly the writer, at an address that it can take.

use super::Inspection;
use super::finding::Finding;
use crate::address::{self, endpoint};
use crate::decide::confirm::{Observation, Requester, Step, Writer, confirm, settled_writer};
use crate::decide::plan::Change;
use crate::target::{Target, TargetHealth};

/// The balancer routes no new connection to a target under a zonal shift, and a group of one target then serves no consumer.
pub fn zonal_shift(change: &Change, targets: &[TargetHealth]) -> Option<Finding> {
    let shifted = |health: &&TargetHealth| health.is_registered() && health.target.is_same(&change.target);
    let state = targets.iter().find(shifted)?.zonal_shift.as_ref()?;
    let Change { writer, target, .. } = change;
    let message = format!(
        "the balancer routes no new connection to {target} ({writer}), the writer, because of a zonal shift ({state}): end the shift \
         (aws arc-zonal-shift list-zonal-shifts shows it), or fail over to an instance in another zone"
    );
    Some(Finding::error("zonal-shift", message))
}

/// A group in a secondary region of a global database should be empty: a target there is a reader.
pub fn writer_in_another_region(targets: &[TargetHealth], target_group_arn: &str) -> Option<Finding> {
    let registered: Vec<_> = targets.iter().filter(|health| health.is_registered()).map(|health| &health.target).collect();
    let argument = |target: &&Target| {
        let zone = target.zone.as_ref().map_or_else(String::new, |zone| format!(",AvailabilityZone={zone}"));
        format!("Id={},Port={}{zone}", target.id, target.port)
    };
    let arguments: Vec<_> = registered.iter().map(argument).collect();
    let message = format!(
        "the writer of the global database is in another region, so consumers of this group reach a reader: \
         aws elbv2 deregister-targets --target-group-arn {target_group_arn} --targets {}",
        arguments.join(" ")
    );
    (!registered.is_empty()).then(|| Finding::error("writer-in-another-region", message))
}

impl Inspection<'_> {
    /// The change that the writer in RDS asks for, settled or not; `None` if RDS shows no writer or two, or if it has no address.
    pub(super) fn change(&self) -> Option<Change> {
        let [writer] = *self.view.writers().as_slice() else { return None };
        let target = address::target(self.address_of(writer)?, self.config);
        Some(Change::new(writer.clone(), target, self.targets()))
    }

    pub(super) fn writer_findings(&self, change: Option<&Change>) -> Vec<Finding> {
        let of_view = if self.is_elsewhere {
            writer_in_another_region(self.targets(), &self.config.target_group_arn)
        } else {
            settled_writer(&self.view).err().map(|doubt| {
                let message = format!("{doubt}: wait, and check again in a minute; if it stays so, look at the cluster");
                Finding::error("writer-unsettled", message)
            })
        };
        let of_targets = change
            .filter(|_| self.group.is_of_addresses())
            .into_iter()
            .flat_map(|change| [self.family_finding(change), self.targets_finding(change), zonal_shift(change, self.targets())]);
        of_view.into_iter().chain(of_targets.flatten()).collect()
    }

    fn family_finding(&self, change: &Change) -> Option<Finding> {
        let ip = self.address_of(&change.writer)?;
        let (ours, theirs) = (endpoint::family(ip), &self.group.ip_address_type);
        let by_map = format!("put an {theirs} address of it into IP_DICT, or ");
        let by_map = if self.config.instance().is_some() { "" } else { &by_map };
        let message = format!(
            "{}, the writer, has the {ours} address {ip}, and the target group's IpAddressType is {theirs}: {by_map}create a new group \
             with {ours}, since the type cannot be changed",
            change.writer
        );
        (ours != theirs).then(|| Finding::error("address-family", message))
    }

    /// In doubt the group may already be right, or soon will be: RDS alone must not be followed yet.
    fn targets_finding(&self, change: &Change) -> Option<Finding> {
        if change.plan.is_empty() {
            return None;
        }
        let wanted = settled_writer(&self.view).map(|_| change.clone());
        let observation = Observation { targets: self.targets().to_vec(), wanted, is_global: self.view.is_global };
        let what_to_do = match confirm(None, &observation, Requester::Routine, &self.protection) {
            Step::Done(Writer::InDoubt(doubt)) => format!("wait, and check again in a minute: {doubt}"),
            // The balancer would refuse it.
            _ if self.family_finding(change).is_some() => "first correct its address, as address-family says".to_owned(),
            Step::Done(_) | Step::Recheck => "invoke the function with {\"action\":\"reconcile\"}".to_owned(),
        };
        let holds = self.registered().map(Target::to_string).collect::<Vec<_>>().join(", ");
        let Change { writer, target, .. } = change;
        Some(Finding::error("targets", format!("the group holds [{holds}], expected only {target} ({writer}): {what_to_do}")))
    }
}
