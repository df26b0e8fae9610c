//! Examines the set-up that a failover depends on, writes nothing, and says of each fault what to do.

pub mod comparison;
mod group;
mod members;
mod targets;

use std::net::IpAddr;

use crate::address;
use crate::answer::{Finding, Report};
use crate::aws::{Aws, TargetGroup};
use crate::cluster::{ClusterId, ClusterView, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::ip_dict::{IpDict, Resolved, compare};
use crate::target::{Listed, Target};
use crate::writer::Shield;

/// What was read, as plain data; the findings follow from it.
struct SetUp<'a> {
    config: &'a Config,
    group: TargetGroup,
    /// Keys and values.
    attributes: Vec<(String, String)>,
    /// All targets, or why they cannot be read.
    listed: Result<Vec<Listed>, Error>,
    view: ClusterView,
    resolved: Resolved,
    /// What RDS alone would not be allowed to take away now.
    shield: Shield,
}

/// Examines target group, cluster and map. All calls to AWS go at once, then all to DNS.
///
/// # Errors
/// A call failed, so that there is nothing to report on. A group that is not of type ip is reported, whatever its targets are.
pub async fn run(config: &Config, cluster: &ClusterId, aws: &Aws, shield: Shield) -> Result<Report, Error> {
    let (group, attributes, listed, view, instances) = tokio::try_join!(
        aws.target_group(),
        async { Ok(aws.target_group_attributes().await) },
        async { Ok(aws.targets().await) },
        aws.cluster(cluster),
        aws.instances(cluster),
    )?;
    let (attributes, listed) =
        if group.is_of_addresses() { (attributes?, Ok(listed?)) } else { (attributes.unwrap_or_default(), listed) };
    let resolved = comparison::resolve(instances, aws).await;
    Ok(SetUp { config, group, attributes, listed, view, resolved, shield }.report())
}

impl SetUp<'_> {
    fn report(&self) -> Report {
        let change = self.change();
        let mut findings = self.group_findings();
        findings.extend(self.writer_findings(change.as_ref()));
        findings.extend(self.member_findings());
        findings.extend(compare(&self.members_entries(), &self.resolved, Some(&self.group.ip_address_type)));
        if self.config.dry_run {
            let message = "DRY_RUN is on, so nothing moves the target: set it to false".to_owned();
            findings.push(Finding::warning("dry-run", message));
        }
        let writer = self.view.settled_writer().ok();
        Report {
            outcome: "checked",
            version: env!("CARGO_PKG_VERSION"),
            in_sync: writer.is_some() && change.is_some_and(|change| change.plan.is_empty()),
            writer: writer.map(InstanceId::to_string),
            targets: self.registered().cloned().collect(),
            findings,
        }
    }

    /// Without the entries of no member, which have a finding of their own.
    fn members_entries(&self) -> IpDict {
        let is_member = |id: &InstanceId| self.view.members.iter().any(|member| member.id == *id);
        self.config.ip_dict.iter().filter(|(id, _)| is_member(id)).map(|(id, ip)| (id.clone(), *ip)).collect()
    }

    fn listed(&self) -> &[Listed] {
        self.listed.as_deref().unwrap_or_default()
    }

    fn registered(&self) -> impl Iterator<Item = &Target> {
        self.listed().iter().filter(|entry| entry.is_registered()).map(|entry| &entry.target)
    }

    /// The address at which a failover would register the instance.
    fn address_of(&self, instance: &InstanceId) -> Option<IpAddr> {
        let of_dns = || {
            let (found, addresses) = self.resolved.iter().find(|(found, _)| found.id == *instance)?;
            let addresses = addresses.as_ref().ok()?;
            address::endpoint::target_address(found, addresses, Some(&self.group.ip_address_type)).ok()
        };
        self.config.ip_dict.get(instance).copied().or_else(of_dns)
    }
}
