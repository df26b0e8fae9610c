//! Checks that a failover to each member can be followed, and that each entry of the map is a member's.

use super::Inspection;
use super::finding::Finding;
use crate::address::endpoint::{AddressError, target_address};
use crate::cluster::InstanceId;

impl Inspection<'_> {
    pub(super) fn member_findings(&self) -> Vec<Finding> {
        let members = || self.view.members.iter().map(|member| &member.id);
        let unmapped = members().filter(|id| !self.config.ip_dict.contains_key(id));
        let strangers = self.config.ip_dict.keys().filter(|id| !members().any(|member| member == *id)).map(|id| {
            let message = format!("IP_DICT has {id}, which is not a member of the cluster: remove it, or correct its name");
            Finding::warning("unknown-ip-dict-entry", message)
        });
        unmapped.filter_map(|id| self.endpoint_finding(id)).chain(strangers).collect()
    }

    /// One DB instance has no map.
    fn text(&self, why: &AddressError) -> String {
        if self.config.instance().is_some() { why.without_map() } else { why.to_string() }
    }

    fn is_writer(&self, id: &InstanceId) -> bool {
        self.view.writers().contains(&id)
    }

    /// What is wrong with the endpoint of a member that has no entry in the map.
    fn endpoint_finding(&self, id: &InstanceId) -> Option<Finding> {
        let no_address = |why: &str| {
            let remedy = if self.config.instance().is_some() { "look at the instance" } else { "add it to IP_DICT" };
            let message = format!("{id} has no address ({why}), so a failover to it cannot be followed: {remedy}");
            Some(Finding::error("no-address", message))
        };
        match self.resolved.iter().find(|(instance, _)| instance.id == *id) {
            None => no_address("RDS shows no endpoint for it"),
            Some((instance, _)) if instance.host.is_none() && !self.is_writer(id) => {
                let message = format!(
                    "{id} has no endpoint yet, because it is being created: a failover to it cannot be followed until RDS shows one"
                );
                Some(Finding::warning("not-ready", message))
            }
            Some((_, Err(why))) => no_address(&why.to_string()),
            Some((instance, Ok(addresses))) => match target_address(instance, addresses, Some(&self.group.ip_address_type)) {
                Ok(_) => None,
                Err(why @ AddressError::Public { .. }) => Some(Finding::error("publicly-accessible", self.text(&why))),
                Err(why @ AddressError::Ambiguous { .. }) => no_address(&self.text(&why)),
            },
        }
    }
}
