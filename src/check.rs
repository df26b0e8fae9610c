//! The doctor: examines the set-up that a failover depends on, writes nothing, and says of each fault what to do.

use std::net::IpAddr;

use serde::Serialize;

use crate::address;
use crate::aws::{Aws, TargetGroup};
use crate::cluster::{ClusterId, ClusterView, Instance, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::ip_dict::compare;
use crate::plan::Plan;
use crate::target::Target;

/// The answer to `check`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Always `checked`.
    pub outcome: &'static str,
    /// Whether the group holds exactly the writer.
    pub in_sync: bool,
    /// The writer as RDS shows it, if it shows exactly one.
    pub writer: Option<String>,
    /// The registered targets.
    pub targets: Vec<Target>,
    /// What is wrong; empty if nothing is.
    pub findings: Vec<Finding>,
}

/// One fault, with its remedy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// A stable name for it.
    pub code: &'static str,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The next failover fails, or comes late.
    Error,
    /// Worth putting right.
    Warning,
}

/// The attributes that a failover depends on: key, value, how bad another value is, and why it must be so.
const ATTRIBUTES: [(&str, &str, Level, &str); 5] = [
    (
        "target_health_state.unhealthy.connection_termination.enabled",
        "false",
        Level::Error,
        "the target is never healthy here, so the balancer would cut every connection",
    ),
    (
        "deregistration_delay.connection_termination.enabled",
        "true",
        Level::Error,
        "consumers would stay connected to the old writer after a failover",
    ),
    (
        "deregistration_delay.timeout_seconds",
        "0",
        Level::Error,
        "connections to the old writer would be cut only after this delay",
    ),
    (
        "load_balancing.cross_zone.enabled",
        "true",
        Level::Error,
        "balancer nodes in other zones than the writer's would have no target",
    ),
    (
        "preserve_client_ip.enabled",
        "false",
        Level::Warning,
        "it has no effect over PrivateLink, and breaks clients in the target's own subnet",
    ),
];

/// Examines target group, cluster and map. All calls to AWS go at once, then all to DNS.
///
/// # Errors
/// A call failed, so that there is nothing to report on.
pub async fn run(config: &Config, cluster: &ClusterId, aws: &Aws) -> Result<Report, Error> {
    let (group, attributes, listed, view, instances) = tokio::try_join!(
        aws.target_group(),
        aws.target_group_attributes(),
        aws.targets(),
        aws.cluster(cluster),
        aws.instances(cluster),
    )?;
    let resolved = resolve(&instances, aws).await;

    let registered: Vec<_> = listed.iter().filter(|entry| entry.is_registered()).map(|entry| entry.target.clone()).collect();
    let writer = view.settled_writer().ok();
    let target = writer.and_then(|writer| address_of(writer, config, &resolved)).map(|ip| address::target(ip, config));
    let in_sync = target.as_ref().is_some_and(|target| Plan::new(&listed, target).is_empty());

    let mut findings = group_findings(&group, config);
    findings.extend(attribute_findings(&attributes, config));
    findings.extend(writer_findings(&view, target.as_ref(), in_sync, &registered));
    findings.extend(member_findings(&view, config, &resolved));
    findings.extend(compare(config, &resolved));
    Ok(Report { outcome: "checked", in_sync, writer: writer.map(InstanceId::to_string), targets: registered, findings })
}

pub(crate) type Resolved = Vec<(InstanceId, Result<IpAddr, Error>)>;

/// The endpoints' addresses, all asked for at once.
pub(crate) async fn resolve(instances: &[Instance], aws: &Aws) -> Resolved {
    let mut lookups = tokio::task::JoinSet::new();
    for instance in instances.iter().cloned() {
        let aws = aws.clone();
        lookups.spawn(async move {
            let address = address::endpoint_address(&instance, &aws).await;
            (instance.id, address)
        });
    }
    let mut resolved = lookups.join_all().await;
    resolved.sort_by(|(a, _), (b, _)| a.cmp(b));
    resolved
}

fn address_of(instance: &InstanceId, config: &Config, resolved: &Resolved) -> Option<IpAddr> {
    let of_dns = || resolved.iter().find(|(id, _)| id == instance).and_then(|(_, answer)| answer.clone().ok());
    config.ip_dict.get(instance).copied().or_else(of_dns)
}

pub(crate) fn error(code: &'static str, message: String) -> Finding {
    Finding { level: Level::Error, code, message }
}

fn group_findings(group: &TargetGroup, config: &Config) -> Vec<Finding> {
    let (kind, shown) = (&group.target_type, |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned()));
    if kind != "ip" {
        let message = format!("the target group's type is {kind}, expected ip: make a new group, a type cannot be changed");
        return vec![error("target-type", message)]; // The rest follows from the type.
    }
    let mut findings = Vec::new();
    if group.protocol.as_deref() != Some("TCP") {
        let protocol = shown(&group.protocol);
        let message =
            format!("the target group's protocol is {protocol}, expected TCP: make a new group, a protocol cannot be changed");
        findings.push(error("protocol", message));
    }
    if group.port != Some(config.port.into()) {
        let port = group.port.map_or_else(|| "not set".to_owned(), |port| port.to_string());
        let message = format!("the target group's port is {port}, TARGET_PORT is {}: make them the same", config.port);
        findings.push(error("port", message));
    }
    if group.health_check_port.as_ref().is_none_or(|port| port == "traffic-port" || *port == config.port.to_string()) {
        let message = format!(
            "the health check goes to the database port ({}), and MySQL blocks a host after aborted connections: \
             aws elbv2 modify-target-group --target-group-arn {} --health-check-port 40000",
            shown(&group.health_check_port),
            config.target_group_arn
        );
        findings.push(error("health-check-port", message));
    }
    findings
}

fn attribute_findings(attributes: &[(String, String)], config: &Config) -> Vec<Finding> {
    let wrong = ATTRIBUTES.iter().filter_map(|(key, expected, level, why)| {
        let value = attributes.iter().find(|(name, _)| name == key).map_or("not set", |(_, value)| value);
        let message = format!(
            "{key} is {value}, expected {expected}, else {why}: \
             aws elbv2 modify-target-group-attributes --target-group-arn {} --attributes Key={key},Value={expected}",
            config.target_group_arn
        );
        (value != *expected).then_some(Finding { level: *level, code: "attribute", message })
    });
    wrong.collect()
}

fn writer_findings(view: &ClusterView, target: Option<&Target>, in_sync: bool, registered: &[Target]) -> Option<Finding> {
    let targets = || registered.iter().map(Target::to_string).collect::<Vec<_>>().join(", ");
    match (view.settled_writer(), target) {
        (Err(doubt), _) => {
            Some(error("writer-unsettled", format!("{doubt}: check again in a minute; if it stays so, look at the cluster")))
        }
        (Ok(writer), Some(target)) if !in_sync => Some(error(
            "targets",
            format!(
                "the group holds [{}], expected only {target} ({writer}): invoke the function with {{\"action\":\"reconcile\"}}",
                targets()
            ),
        )),
        _ => None,
    }
}

fn member_findings(view: &ClusterView, config: &Config, resolved: &Resolved) -> Vec<Finding> {
    let members = || view.members.iter().map(|member| &member.id);
    let without = members().filter(|id| address_of(id, config, resolved).is_none()).map(|id| {
        let why = resolved.iter().find(|(found, _)| found == id).and_then(|(_, answer)| answer.as_ref().err());
        let why = why.map_or_else(|| "RDS shows no endpoint for it".to_owned(), Error::to_string);
        error("no-address", format!("{id} has no address ({why}), so a failover to it cannot be followed: add it to IP_DICT"))
    });
    let strangers = config.ip_dict.keys().filter(|id| !members().any(|member| member == *id)).map(|id| Finding {
        level: Level::Warning,
        code: "unknown-ip-dict-entry",
        message: format!("IP_DICT has {id}, which is no member of the cluster: remove it, or put its name right"),
    });
    without.chain(strangers).collect()
}
