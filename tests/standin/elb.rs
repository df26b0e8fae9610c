//! The load balancer: one target group, whose targets it names and judges as AWS does.

use std::net::IpAddr;

use super::answer::Acted;
use super::query::{Parameters, element, list, response};
use super::{Target, World};

/// The zones of the subnets 10.0.1.0/24, 10.0.2.0/24 and 10.0.3.0/24.
pub const ZONES: [&str; 3] = ["eu-west-1a", "eu-west-1b", "eu-west-1c"];

impl World {
    pub fn target_health(&self) -> String {
        let entry = |target: &Target| {
            let zone = target.zone.as_ref().map(|zone| element("AvailabilityZone", zone)).unwrap_or_default();
            let port = if target.port.is_empty() { String::new() } else { element("Port", &target.port) };
            let name = element("Target", &(element("Id", &target.id) + &port + &zone));
            let shift = if self.is_shifted { element("State", "zonal_shift_active") } else { String::new() };
            name + &element("TargetHealth", &self.health(target)) + &element("AdministrativeOverride", &shift)
        };
        response("DescribeTargetHealth", &list("TargetHealthDescriptions", "member", self.targets.iter().map(entry)))
    }

    /// State, reason and description.
    fn health(&self, target: &Target) -> String {
        let unused = target.is_registered() && !(self.is_used() && self.is_in_enabled_zone(target));
        let state = if unused { "unused" } else { &target.state };
        let (reason, description) = match state {
            "initial" => ("Elb.RegistrationInProgress", "Target registration is in progress"),
            "unhealthy" => ("Target.FailedHealthChecks", "Health checks failed"),
            "draining" => ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
            "unused" if !self.is_used() => {
                ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")
            }
            "unused" => ("Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"),
            _ => return element("State", state),
        };
        element("State", state) + &element("Reason", reason) + &element("Description", description)
    }

    fn is_used(&self) -> bool {
        !self.load_balancers.is_empty()
    }

    /// An address outside the subnets is outside the VPC, and gets traffic from all zones.
    fn is_in_enabled_zone(&self, target: &Target) -> bool {
        let subnet = (1..).zip(ZONES).find(|(subnet, _)| target.id.starts_with(&format!("10.0.{subnet}.")));
        subnet.is_none_or(|(_, zone)| self.enabled_zones.contains(&zone))
    }

    pub fn register(&mut self, parameters: &Parameters) -> Acted {
        for new in parameters.targets() {
            if let Some(why) = self.refusal(&new) {
                return Err(("ValidationError", why));
            }
            self.targets.retain(|old| (&old.id, &old.port) != (&new.id, &new.port) || old.state != "draining");
            if !self.targets.iter().any(|old| (&old.id, &old.port) == (&new.id, &new.port)) {
                self.targets.push(Target { state: "initial".to_owned(), ..new });
            }
        }
        Ok(response("RegisterTargets", ""))
    }

    /// What the balancer does not take: an address of the other family, and a publicly routable one that is not in the VPC.
    fn refusal(&self, new: &Target) -> Option<String> {
        let family = if self.setting("IpAddressType") == "ipv6" { "IPv6" } else { "IPv4" };
        let ip = new.id.parse::<IpAddr>().ok().filter(|ip| ip.is_ipv6() == (family == "IPv6"));
        match ip {
            None => Some(format!("The IP address '{}' is not a valid {family} address", new.id)),
            Some(IpAddr::V4(ip)) if is_public(ip) && !self.vpc.is_some_and(|range| new.id.starts_with(range)) => {
                Some(if new.zone.is_some() {
                    "You can't specify publicly routable IP addresses".to_owned()
                } else {
                    format!("The Availability Zone is required for IP address '{ip}' because it is not in the VPC")
                })
            }
            Some(_) => None,
        }
    }

    /// Succeeds for a target that is not there, and does nothing for one that is there under another port.
    pub fn deregister(&mut self, parameters: &Parameters) -> String {
        for gone in parameters.targets() {
            let same = self.targets.iter_mut().filter(|old| (&old.id, &old.port) == (&gone.id, &gone.port));
            same.for_each(|old| "draining".clone_into(&mut old.state));
        }
        response("DeregisterTargets", "")
    }

    pub fn describe_target_group(&self) -> String {
        let fields = self.target_group.iter().map(|(key, value)| element(key, value)).collect::<String>();
        let fields = fields + &list("LoadBalancerArns", "member", self.load_balancers.iter().map(|(arn, _)| arn.clone()));
        response("DescribeTargetGroups", &list("TargetGroups", "member", [fields]))
    }

    pub fn describe_attributes(&self) -> String {
        let pairs = self.attributes.iter().map(|(key, value)| element("Key", key) + &element("Value", value));
        response("DescribeTargetGroupAttributes", &list("Attributes", "member", pairs))
    }

    pub fn describe_load_balancer_attributes(&self, parameters: &Parameters) -> Acted {
        let asked = parameters.get("LoadBalancerArn");
        let found = self.load_balancers.iter().find(|(arn, _)| arn == asked);
        let (_, is_on) = found.ok_or_else(|| ("LoadBalancerNotFound", format!("Load balancers '[{asked}]' not found")))?;
        let pair = element("Key", "load_balancing.cross_zone.enabled") + &element("Value", is_on);
        Ok(response("DescribeLoadBalancerAttributes", &list("Attributes", "member", [pair])))
    }

    /// A setting of the target group, or nothing.
    pub fn setting(&self, name: &str) -> &str {
        self.target_group.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

/// Neither RFC 1918 nor RFC 6598: those a target group takes from anywhere.
fn is_public(ip: std::net::Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    !(ip.is_private() || (a == 100 && (64..128).contains(&b)))
}
