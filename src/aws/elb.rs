//! Calls the load balancer's API, always about the one target group.

use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthDescription};

use super::{Aws, unreadable};
use crate::error::{Error, one_line};
use crate::target::{Target, TargetHealth};

/// The settings of the target group that the failover depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// `ip`, `instance`, `alb` or `lambda`.
    pub target_type: String,
    /// `TCP` and others; a group of Lambda functions has none.
    pub protocol: Option<String>,
    /// The default port of its targets.
    pub port: Option<i32>,
    /// A port number, or `traffic-port`; a group of Lambda functions has none.
    pub health_check_port: Option<String>,
    /// Seconds from a registration until as many failed checks as make a target unhealthy: interval × threshold.
    pub seconds_to_unhealthy: Option<i32>,
    /// `ipv4` or `ipv6`: the one family of its targets.
    pub ip_address_type: String,
    /// `LoadBalancerArns`: the balancers that have a listener for it.
    pub load_balancers: Vec<String>,
}

impl TargetGroup {
    /// Whether its targets are IP addresses.
    pub fn is_of_addresses(&self) -> bool {
        self.target_type == "ip"
    }
}

/// The states of an administrative override in which the balancer routes no new connection to the target
/// (<https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AdministrativeOverride.html>).
const ZONAL_SHIFTS: [&str; 2] = ["zonal_shift_active", "zonal_shift_delegated_to_dns"];

/// Larger lists of targets are "intermittently rejected"; Kubernetes sends this many at a time.
const TARGETS_A_CALL: usize = 100;

impl Aws {
    /// DescribeTargetHealth: all targets of the group, draining ones included.
    ///
    /// # Errors
    /// Also if a target has no ID, port or state: what is not understood must not be acted on.
    pub async fn describe_targets(&self) -> Result<Vec<TargetHealth>, Error> {
        const ACTION: &str = "DescribeTargetHealth";
        let request = self.clients.elb.describe_target_health().target_group_arn(&self.clients.target_group_arn);
        let answer = self.call(ACTION, |last_failure| request.customize().interceptor(last_failure).send()).await?;
        let list = answer.target_health_descriptions.ok_or_else(|| unreadable(ACTION, "no TargetHealthDescriptions"))?;
        list.iter().map(|entry| target_health(entry).ok_or_else(|| unreadable(ACTION, &format!("{entry:?}")))).collect()
    }

    /// RegisterTargets, for one target.
    ///
    /// # Errors
    /// The call failed.
    pub async fn register(&self, target: &Target) -> Result<(), Error> {
        let request = self.clients.elb.register_targets().target_group_arn(&self.clients.target_group_arn);
        let request = request.targets(description(target));
        self.call("RegisterTargets", |last_failure| request.customize().interceptor(last_failure).send()).await.map(drop)
    }

    /// DeregisterTargets, each target by its ID, port and zone: without the port of its registration the call succeeds
    /// and does nothing.
    ///
    /// # Errors
    /// A call failed; of more than 100 targets some may be gone then.
    pub async fn deregister(&self, targets: &[Target]) -> Result<(), Error> {
        for targets in targets.chunks(TARGETS_A_CALL) {
            let descriptions = targets.iter().map(description).collect();
            let request = self.clients.elb.deregister_targets().target_group_arn(&self.clients.target_group_arn);
            let request = request.set_targets(Some(descriptions));
            self.call("DeregisterTargets", |last_failure| request.customize().interceptor(last_failure).send()).await?;
        }
        Ok(())
    }

    /// DescribeTargetGroups, for this one group.
    ///
    /// # Errors
    /// Also if the group or a setting that matters is not in the answer.
    pub async fn describe_target_group(&self) -> Result<TargetGroup, Error> {
        const ACTION: &str = "DescribeTargetGroups";
        let request = self.clients.elb.describe_target_groups().target_group_arns(&self.clients.target_group_arn);
        let answer = self.call(ACTION, |last_failure| request.customize().interceptor(last_failure).send()).await?;
        let group = answer.target_groups().first().ok_or_else(|| unreadable(ACTION, "no target group"))?;
        Ok(TargetGroup {
            target_type: group.target_type().ok_or_else(|| unreadable(ACTION, "no TargetType"))?.as_str().to_owned(),
            protocol: group.protocol().map(|protocol| protocol.as_str().to_owned()),
            port: group.port(),
            health_check_port: group.health_check_port().map(str::to_owned),
            seconds_to_unhealthy: group
                .health_check_interval_seconds()
                .zip(group.unhealthy_threshold_count())
                .map(|(interval, threshold)| interval.saturating_mul(threshold)),
            // AWS's default: a group of Lambda functions has none.
            ip_address_type: group.ip_address_type().map_or("ipv4", |family| family.as_str()).to_owned(),
            load_balancers: group.load_balancer_arns().to_vec(),
        })
    }

    /// DescribeTargetGroupAttributes: keys and values.
    ///
    /// # Errors
    /// The call failed.
    pub async fn describe_target_group_attributes(&self) -> Result<Vec<(String, String)>, Error> {
        let request = self.clients.elb.describe_target_group_attributes().target_group_arn(&self.clients.target_group_arn);
        let answer = self
            .call("DescribeTargetGroupAttributes", |last_failure| request.customize().interceptor(last_failure).send())
            .await?;
        let pairs = answer.attributes.unwrap_or_default().into_iter();
        Ok(pairs.filter_map(|attribute| attribute.key.zip(attribute.value)).collect())
    }
}

impl Aws {
    /// DescribeLoadBalancerAttributes: whether cross-zone load balancing is on.
    ///
    /// # Errors
    /// Also if the attribute is missing.
    pub async fn has_cross_zone(&self, load_balancer_arn: &str) -> Result<bool, Error> {
        const ACTION: &str = "DescribeLoadBalancerAttributes";
        const KEY: &str = "load_balancing.cross_zone.enabled";
        let request = self.clients.elb.describe_load_balancer_attributes().load_balancer_arn(load_balancer_arn);
        let answer = self.call(ACTION, |last_failure| request.customize().interceptor(last_failure).send()).await?;
        let found = answer.attributes().iter().find(|attribute| attribute.key() == Some(KEY)).and_then(|found| found.value());
        found.map(|value| value == "true").ok_or_else(|| unreadable(ACTION, &format!("no {KEY}")))
    }
}

fn target_health(entry: &TargetHealthDescription) -> Option<TargetHealth> {
    let target = entry.target()?;
    let id = target.id().filter(|id| !id.is_empty())?.to_owned();
    let port = u16::try_from(target.port()?).ok()?;
    let health = entry.target_health()?;
    let state = health.state().map(|state| state.as_str()).filter(|state| !state.is_empty())?.to_owned();
    let said = [health.reason().map(|reason| reason.as_str()), health.description()];
    let reason = one_line(&said.into_iter().flatten().collect::<Vec<_>>().join(": "));
    let shift = entry.administrative_override().and_then(|shift| shift.state()).map(|state| state.as_str());
    let zonal_shift = shift.filter(|state| ZONAL_SHIFTS.contains(state)).map(str::to_owned);
    let target = Target { id, port, zone: target.availability_zone().map(str::to_owned) };
    Some(TargetHealth { target, state, reason, zonal_shift })
}

fn description(target: &Target) -> TargetDescription {
    TargetDescription::builder().id(&target.id).port(target.port.into()).set_availability_zone(target.zone.clone()).build()
}
