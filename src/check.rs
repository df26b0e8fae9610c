//! The doctor: examines the set-up that a failover depends on, writes nothing, and says of each fault what to do.

use std::net::IpAddr;

use crate::address;
use crate::answer::{Finding, Level, Report};
use crate::aws::{Aws, TargetGroup};
use crate::cluster::{ClusterId, ClusterView, Instance, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::ip_dict::{Resolved, compare};
use crate::plan::Plan;
use crate::target::Target;

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
    findings.extend(compare(&config.ip_dict, &resolved));
    Ok(Report { outcome: "checked", in_sync, writer: writer.map(InstanceId::to_string), targets: registered, findings })
}

/// Compares the map with the DNS of the cluster's instances, and logs each difference as an error for an alarm (`finding` =
/// `stale-ip-dict-entry`). Changes nothing; a comparison that cannot be made is a warning.
pub async fn report_stale_entries(config: &Config, cluster: &ClusterId, aws: &Aws) {
    if config.ip_dict.is_empty() {
        return;
    }
    let findings = match aws.instances(cluster).await {
        Ok(instances) => {
            let is_mapped = |instance: &Instance| config.ip_dict.contains_key(&instance.id);
            let mapped: Vec<_> = instances.into_iter().filter(is_mapped).collect();
            compare(&config.ip_dict, &resolve(&mapped, aws).await)
        }
        Err(error) => vec![Finding {
            level: Level::Warning,
            code: "ip-dict-not-compared",
            message: format!("IP_DICT could not be compared with the endpoints of the instances: {error}"),
        }],
    };
    for Finding { level, code, message } in findings {
        match level {
            Level::Error => tracing::error!(finding = code, "{message}"),
            Level::Warning => tracing::warn!(finding = code, "{message}"),
        }
    }
}

/// The endpoints' addresses, all asked for at once.
async fn resolve(instances: &[Instance], aws: &Aws) -> Resolved {
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

fn group_findings(group: &TargetGroup, config: &Config) -> Vec<Finding> {
    let (kind, shown) = (&group.target_type, |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned()));
    if kind != "ip" {
        let message = format!("the target group's type is {kind}, expected ip: make a new group, a type cannot be changed");
        return vec![Finding::error("target-type", message)]; // The rest follows from the type.
    }
    let mut findings = Vec::new();
    if group.protocol.as_deref() != Some("TCP") {
        let protocol = shown(&group.protocol);
        let message =
            format!("the target group's protocol is {protocol}, expected TCP: make a new group, a protocol cannot be changed");
        findings.push(Finding::error("protocol", message));
    }
    if group.port != Some(config.port.into()) {
        let port = group.port.map_or_else(|| "not set".to_owned(), |port| port.to_string());
        let message = format!("the target group's port is {port}, TARGET_PORT is {}: make them the same", config.port);
        findings.push(Finding::error("port", message));
    }
    if group.health_check_port.as_ref().is_none_or(|port| port == "traffic-port" || *port == config.port.to_string()) {
        let message = format!(
            "the health check goes to the database port ({}), and MySQL blocks a host after aborted connections: \
             aws elbv2 modify-target-group --target-group-arn {} --health-check-port 40000",
            shown(&group.health_check_port),
            config.target_group_arn
        );
        findings.push(Finding::error("health-check-port", message));
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
        (Err(doubt), _) => Some(Finding::error(
            "writer-unsettled",
            format!("{doubt}: check again in a minute; if it stays so, look at the cluster"),
        )),
        (Ok(writer), Some(target)) if !in_sync => Some(Finding::error(
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
        Finding::error(
            "no-address",
            format!("{id} has no address ({why}), so a failover to it cannot be followed: add it to IP_DICT"),
        )
    });
    let strangers = config.ip_dict.keys().filter(|id| !members().any(|member| member == *id)).map(|id| Finding {
        level: Level::Warning,
        code: "unknown-ip-dict-entry",
        message: format!("IP_DICT has {id}, which is no member of the cluster: remove it, or put its name right"),
    });
    without.chain(strangers).collect()
}
