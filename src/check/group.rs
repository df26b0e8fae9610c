//! Checks the target group's own settings, and that a balancer uses it.

use super::Inspection;
use super::finding::{Finding, Level};
use crate::error::Error;

pub(super) const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
/// The value with which a group has its balancer's own setting.
pub(super) const INHERITED: &str = "use_load_balancer_configuration";
/// A new target stays `initial` for as long as it takes to find it unhealthy. Seconds.
const SLOW_HEALTH_CHECK: i32 = 120;

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
    (CROSS_ZONE, "true", Level::Error, "balancer nodes in other zones than the writer's would have no target"),
    (
        "preserve_client_ip.enabled",
        "false",
        Level::Warning,
        "it has no effect over PrivateLink, and breaks clients in the target's own subnet",
    ),
];

impl Inspection<'_> {
    pub(super) fn group_findings(&self) -> Vec<Finding> {
        // The rest follows from the type.
        if let Some(finding) = self.type_finding() {
            return vec![finding];
        }
        let settings = [
            self.protocol_finding(),
            self.port_finding(),
            self.health_check_finding(),
            self.slow_health_check_finding(),
            self.unread_cross_zone_finding(),
        ];
        settings.into_iter().flatten().chain(self.attribute_findings()).chain(self.unused_findings()).collect()
    }

    fn type_finding(&self) -> Option<Finding> {
        let unread = self.targets.as_ref().err().map(|error| format!(" (its targets cannot be read: {error})"));
        let message = format!(
            "the target group's type is {}, expected ip{}: create a new group, because a type cannot be changed",
            self.group.target_type,
            unread.unwrap_or_default()
        );
        (!self.group.is_of_addresses()).then(|| Finding::error("target-type", message))
    }

    fn protocol_finding(&self) -> Option<Finding> {
        let protocol = self.group.protocol.as_deref().unwrap_or("not set");
        let message = format!(
            "the target group's protocol is {protocol}, expected TCP: create a new group, because a protocol cannot be changed"
        );
        (protocol != "TCP").then(|| Finding::error("protocol", message))
    }

    fn port_finding(&self) -> Option<Finding> {
        let port = self.group.port.map_or_else(|| "not set".to_owned(), |port| port.to_string());
        let message = format!("the target group's port is {port}, TARGET_PORT is {}: make them the same", self.config.port);
        (port != self.config.port.to_string()).then(|| Finding::error("port", message))
    }

    fn health_check_finding(&self) -> Option<Finding> {
        let port = self.group.health_check_port.as_deref().unwrap_or("not set");
        let is_of_database = ["not set", "traffic-port", &self.config.port.to_string()].contains(&port);
        let (level, why) = if self.view.engine.contains("postgres") {
            (Level::Warning, "PostgreSQL logs each check as an incomplete startup packet")
        } else {
            (Level::Error, "MySQL blocks a host after aborted connections")
        };
        let message = format!(
            "the health check goes to the database port ({port}), and {why}: \
             aws elbv2 modify-target-group --target-group-arn {} --health-check-port 40000",
            self.config.target_group_arn
        );
        is_of_database.then_some(Finding { level, code: "health-check-port", message })
    }

    fn slow_health_check_finding(&self) -> Option<Finding> {
        let seconds = self.group.seconds_to_unhealthy.filter(|seconds| *seconds > SLOW_HEALTH_CHECK)?;
        let message = format!(
            "interval × unhealthy threshold of the health check is {seconds} s, and a new target stays initial for at least that long: \
             aws elbv2 modify-target-group --target-group-arn {} --health-check-interval-seconds 30 --unhealthy-threshold-count 2",
            self.config.target_group_arn
        );
        Some(Finding::warning("health-check-slow", message))
    }

    /// The group has its balancers' setting: right where all of them have it on.
    fn inherits_cross_zone(&self, key: &str, value: &str) -> bool {
        let is_off = |(_, setting): &(String, Result<bool, _>)| matches!(setting, Ok(false));
        key == CROSS_ZONE && value == INHERITED && !self.inherited_cross_zone.iter().any(is_off)
    }

    fn unread_cross_zone_finding(&self) -> Option<Finding> {
        let unread = |(arn, setting): &(String, Result<bool, Error>)| Some((arn.clone(), setting.as_ref().err()?.to_string()));
        let (balancer, error) = self.inherited_cross_zone.iter().find_map(unread)?;
        let message = format!(
            "{CROSS_ZONE} is {INHERITED}, and the balancer's own setting cannot be read ({error}): make sure that it is true: \
             aws elbv2 describe-load-balancer-attributes --load-balancer-arn {balancer}"
        );
        Some(Finding::warning("attribute", message))
    }

    /// Each with the one command that sets all that are wrong.
    fn attribute_findings(&self) -> Vec<Finding> {
        let value_of = |key: &str| self.attributes.iter().find(|(name, _)| name == key).map_or("not set", |(_, value)| value);
        let is_right = |key: &str, expected: &str| value_of(key) == expected || self.inherits_cross_zone(key, value_of(key));
        let wrong: Vec<_> = ATTRIBUTES.iter().filter(|(key, expected, ..)| !is_right(key, expected)).collect();
        let pairs: Vec<_> = wrong.iter().map(|(key, expected, ..)| format!("Key={key},Value={expected}")).collect();
        let command = format!(
            "aws elbv2 modify-target-group-attributes --target-group-arn {} --attributes {}",
            self.config.target_group_arn,
            pairs.join(" ")
        );
        let finding = |(key, expected, level, why): &&(&str, &str, Level, &str)| Finding {
            level: *level,
            code: "attribute",
            message: format!("{key} is {}, expected {expected}; otherwise {why}: {command}", value_of(key)),
        };
        wrong.iter().map(finding).collect()
    }

    fn unused_findings(&self) -> Vec<Finding> {
        const REMEDY: &str = "forward a listener of the load balancer to the group, and enable the target's zone on the balancer";
        let unused = self.targets().iter().filter(|entry| entry.is_unused());
        let messages = unused.map(|entry| {
            let reason = if entry.reason.is_empty() { "no reason given" } else { &entry.reason };
            format!("{} is unused, no connection reaches it ({reason}): {REMEDY}", entry.target)
        });
        let mut messages: Vec<_> = messages.collect();
        if messages.is_empty() && self.group.load_balancers.is_empty() {
            messages.push(format!("no load balancer uses the target group: {REMEDY}"));
        }
        messages.into_iter().map(|message| Finding::error("target-unused", message)).collect()
    }
}
