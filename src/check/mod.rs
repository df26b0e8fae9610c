//! Examines the set-up that a failover depends on. Writes nothing, and reports each fault with its remedy.

pub mod finding;
mod group;
mod instance;
mod members;
pub mod stale_entries;
mod targets;

use std::net::IpAddr;

use tokio::time::sleep;

use crate::address::{self, Resolved};
use crate::aws::{Aws, TargetGroup};
use crate::cluster::{ClusterView, Database, DatabaseKind, Instance, InstanceId, Member};
use crate::config::{Config, IpDict};
use crate::decide::confirm::{Protection, RECHECK_INTERVAL, settled_writer};
use crate::decide::doubt::Doubt;
use crate::error::Error;
use crate::target::{Target, TargetHealth};
use finding::{Finding, Report};
use stale_entries::stale_entries;
pub use targets::{writer_in_another_region, zonal_shift};

/// What was read, as plain data; the findings follow from it.
struct Inspection<'a> {
    config: &'a Config,
    group: TargetGroup,
    /// Keys and values.
    attributes: Vec<(String, String)>,
    /// All targets, or why they cannot be read.
    targets: Result<Vec<TargetHealth>, Error>,
    /// Of each balancer whose cross-zone setting the group inherits: its ARN, and whether that is on.
    inherited_cross_zone: Vec<(String, Result<bool, Error>)>,
    view: ClusterView,
    /// The writer of the global database is in another region.
    is_elsewhere: bool,
    resolved: Resolved,
    /// What RDS alone may not take away now.
    protection: Protection,
}

/// Examines target group, database and map. All calls to AWS go at once, then all to DNS.
///
/// # Errors
/// A call failed, so that there is nothing to report on. A group of another type than ip is reported, whatever its targets are.
pub async fn run(config: &Config, database: &Database, aws: &Aws, protection: Protection) -> Result<Report, Error> {
    let (group, attributes, targets, Shown { view, instances, findings }) = tokio::try_join!(
        aws.describe_target_group(),
        async { Ok(aws.describe_target_group_attributes().await) },
        async { Ok(aws.describe_targets().await) },
        show(database, aws),
    )?;
    let (attributes, targets) =
        if group.is_of_addresses() { (attributes?, Ok(targets?)) } else { (attributes.unwrap_or_default(), targets) };
    let (resolved, inherited_cross_zone, seen_again) =
        tokio::join!(address::resolve(instances, aws), inherited_cross_zone(&group, &attributes, aws), async {
            if may_be_elsewhere(&view, &protection) { Some(describe_later(database, aws).await) } else { None }
        },);
    let view = seen_again.transpose()?.unwrap_or(view);
    let is_elsewhere = may_be_elsewhere(&view, &protection);
    let inspection =
        Inspection { config, group, attributes, targets, inherited_cross_zone, view, is_elsewhere, resolved, protection };
    Ok(inspection.report(findings))
}

/// What RDS shows of the database.
struct Shown {
    view: ClusterView,
    instances: Vec<Instance>,
    /// Of one DB instance alone.
    findings: Vec<Finding>,
}

async fn show(database: &Database, aws: &Aws) -> Result<Shown, Error> {
    match database.kind() {
        DatabaseKind::Cluster => {
            let (view, instances) = tokio::try_join!(aws.describe_cluster(database), aws.describe_instances(database))?;
            Ok(Shown { view, instances, findings: vec![] })
        }
        DatabaseKind::Instance => {
            let shown = aws.describe_instance(database).await?;
            shown.refuse_member()?;
            let findings = instance::findings(&shown);
            // One DB instance is examined as a cluster of one.
            let members = vec![Member { id: shown.instance.id.clone(), is_writer: true }];
            let view = ClusterView { status: shown.status, engine: shown.engine, is_global: false, members };
            Ok(Shown { view, instances: vec![shown.instance], findings })
        }
    }
}

/// Whether RDS shows no writer because it is in another region. That takes two looks: in a failover RDS can show none either.
fn may_be_elsewhere(view: &ClusterView, protection: &Protection) -> bool {
    view.is_global && settled_writer(view) == Err(Doubt::NoWriter) && !protection.event_is_fresh
}

async fn describe_later(cluster: &Database, aws: &Aws) -> Result<ClusterView, Error> {
    sleep(RECHECK_INTERVAL).await;
    aws.describe_cluster(cluster).await
}

/// Asks the balancers only if the group inherits their setting.
async fn inherited_cross_zone(
    group: &TargetGroup,
    attributes: &[(String, String)],
    aws: &Aws,
) -> Vec<(String, Result<bool, Error>)> {
    let inherits = attributes.iter().any(|(key, value)| key == group::CROSS_ZONE && value == group::INHERITED);
    let mut settings = vec![];
    for balancer in group.load_balancers.iter().filter(|_| inherits) {
        settings.push((balancer.clone(), aws.has_cross_zone(balancer).await));
    }
    settings
}

impl Inspection<'_> {
    fn report(&self, of_instance: Vec<Finding>) -> Report {
        let change = self.change();
        let mut findings = self.group_findings();
        findings.extend(self.writer_findings(change.as_ref()));
        findings.extend(self.member_findings());
        findings.extend(of_instance);
        findings.extend(stale_entries(&self.members_entries(), &self.resolved, Some(&self.group.ip_address_type)));
        if self.config.dry_run {
            let message = "DRY_RUN is on, so nothing moves the target: set it to false".to_owned();
            findings.push(Finding::warning("dry-run", message));
        }
        let writer = settled_writer(&self.view).ok();
        Report {
            outcome: "checked",
            version: env!("CARGO_PKG_VERSION"),
            in_sync: match writer {
                Some(_) => change.is_some_and(|change| change.plan.is_empty()),
                None => self.is_elsewhere && self.registered().next().is_none(),
            },
            writer: writer.map(InstanceId::to_string),
            targets: self.registered().cloned().collect(),
            findings,
        }
    }

    /// The entries of members: the others have another finding.
    fn members_entries(&self) -> IpDict {
        let is_member = |id: &InstanceId| self.view.members.iter().any(|member| member.id == *id);
        self.config.ip_dict.iter().filter(|(id, _)| is_member(id)).map(|(id, ip)| (id.clone(), *ip)).collect()
    }

    fn targets(&self) -> &[TargetHealth] {
        self.targets.as_deref().unwrap_or_default()
    }

    fn registered(&self) -> impl Iterator<Item = &Target> {
        self.targets().iter().filter(|entry| entry.is_registered()).map(|entry| &entry.target)
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
