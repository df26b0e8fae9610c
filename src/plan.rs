//! What is registered × what should be → what to do. Pure.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

/// A target as the load balancer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// An IP address; in a group that was set up otherwise, whatever DescribeTargetHealth gave.
    pub id: String,
    /// The port.
    pub port: u16,
    /// The Availability Zone, or `all`.
    pub zone: Option<String>,
}

impl Target {
    /// Whether both are one target: by address and port, for an address can be in one zone only. Spellings of one IPv6
    /// address are alike.
    pub fn is_same(&self, other: &Target) -> bool {
        let address = |target: &Target| target.id.parse::<IpAddr>().map(|ip| ip.to_canonical());
        let same_id = match (address(self), address(other)) {
            (Ok(ours), Ok(theirs)) => ours == theirs,
            _ => self.id == other.id,
        };
        same_id && self.port == other.port
    }
}

/// `10.0.2.22:3306`, `[2001:db8::22]:3306`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.id.contains(':') { write!(f, "[{}]:{}", self.id, self.port) } else { write!(f, "{}:{}", self.id, self.port) }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A target that DescribeTargetHealth lists, with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The target.
    pub target: Target,
    /// `initial`, `healthy`, `unhealthy`, `unhealthy.draining`, `unused`, `draining`, `unavailable`, or one that is
    /// yet to be invented.
    pub state: String,
}

impl Listed {
    /// Whether it is registered. One that drains is on its way out: it is still listed, but registering it again is
    /// allowed and needed.
    pub fn is_registered(&self) -> bool {
        self.state != "draining"
    }
}

/// The writes that bring the group to exactly one target: first register, then deregister.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The writer's target, if it is not registered yet.
    pub register: Option<Target>,
    /// All other registered targets, as they were listed.
    pub deregister: Vec<Target>,
}

impl Plan {
    /// The plan for a group that lists `listed` and should hold `writer` alone.
    pub fn new(listed: &[Listed], writer: &Target) -> Plan {
        let registered = || listed.iter().filter(|entry| entry.is_registered()).map(|entry| &entry.target);
        Plan {
            register: (!registered().any(|target| target.is_same(writer))).then(|| writer.clone()),
            deregister: registered().filter(|target| !target.is_same(writer)).cloned().collect(),
        }
    }

    /// Whether both plans write the same, in whatever order the group was listed.
    pub fn is_same(&self, other: &Plan) -> bool {
        let writes = |plan: &Plan| {
            let mut names: Vec<_> = plan.deregister.iter().map(Target::to_string).collect();
            names.sort();
            (plan.register.as_ref().map(Target::to_string), names)
        };
        writes(self) == writes(other)
    }

    /// Whether the group already holds exactly the writer.
    pub fn is_empty(&self) -> bool {
        self.register.is_none() && self.deregister.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        let (id, port) = text.rsplit_once(':').unwrap();
        Target { id: id.trim_matches(['[', ']']).to_owned(), port: port.parse().unwrap(), zone: None }
    }

    fn listed(text: &str) -> Vec<Listed> {
        let one = |entry: &str| {
            let (name, state) = entry.split_once(' ').unwrap();
            Listed { target: target(name), state: state.to_owned() }
        };
        text.split(", ").filter(|entry| !entry.is_empty()).map(one).collect()
    }

    #[test]
    fn the_group_ends_with_exactly_the_writer() {
        let table = [
            // listed, register, deregister; the writer is 10.0.0.2:3306
            ("", "10.0.0.2:3306", ""),
            ("10.0.0.2:3306 healthy", "", ""),
            ("10.0.0.2:3306 initial", "", ""),
            ("10.0.0.2:3306 unhealthy", "", ""),
            ("10.0.0.2:3306 unhealthy.draining", "", ""),
            ("10.0.0.2:3306 unused", "", ""),
            ("10.0.0.2:3306 unavailable", "", ""),
            ("10.0.0.2:3306 a-new-state", "", ""),
            ("10.0.0.2:3306 draining", "10.0.0.2:3306", ""),
            ("10.0.0.1:3306 unhealthy", "10.0.0.2:3306", "10.0.0.1:3306"),
            ("10.0.0.1:3306 draining", "10.0.0.2:3306", ""),
            ("10.0.0.1:3306 draining, 10.0.0.2:3306 initial", "", ""),
            ("10.0.0.1:3306 unhealthy, 10.0.0.2:3306 draining", "10.0.0.2:3306", "10.0.0.1:3306"),
            ("10.0.0.1:3306 unused, 10.0.0.2:3306 unused, 10.0.0.3:3306 healthy", "", "10.0.0.1:3306 10.0.0.3:3306"),
            ("10.0.0.2:3307 unhealthy", "10.0.0.2:3306", "10.0.0.2:3307"),
            ("10.0.0.2:3307 unhealthy, 10.0.0.2:3306 unhealthy", "", "10.0.0.2:3307"),
            ("10.0.0.2:3306 draining, 10.0.0.2:3306 initial", "", ""),
            ("i-0123456789abcdef0:3306 healthy", "10.0.0.2:3306", "i-0123456789abcdef0:3306"),
        ];
        for (before, register, deregister) in table {
            let plan = Plan::new(&listed(before), &target("10.0.0.2:3306"));
            assert_eq!(plan.register.map(|t| t.to_string()).unwrap_or_default(), register, "{before}");
            assert_eq!(plan.deregister.iter().map(Target::to_string).collect::<Vec<_>>().join(" "), deregister, "{before}");
        }
    }

    #[test]
    fn what_goes_is_named_by_the_very_zone_that_was_listed() {
        let stale = Target { zone: Some("eu-west-1b".to_owned()), ..target("10.0.0.1:3306") };
        let listed = [Listed { target: stale.clone(), state: "unhealthy".to_owned() }];
        assert_eq!(Plan::new(&listed, &target("10.0.0.2:3306")).deregister, [stale]);
    }

    #[test]
    fn spellings_of_one_ipv6_address_are_one_target() {
        let writer = target("[2001:db8::22]:3306");
        assert_eq!(writer.to_string(), "[2001:db8::22]:3306");
        assert!(Plan::new(&listed("[2001:0db8:0:0:0:0:0:0022]:3306 healthy"), &writer).is_empty());
    }
}
