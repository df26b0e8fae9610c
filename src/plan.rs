//! Computes the writes that lead from what is registered to what should be. Pure.

use crate::target::{Listed, Target};

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
            Listed { target: target(name), state: state.to_owned(), reason: String::new() }
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
        let listed = [Listed { target: stale.clone(), state: "unhealthy".to_owned(), reason: String::new() }];
        assert_eq!(Plan::new(&listed, &target("10.0.0.2:3306")).deregister, [stale]);
    }

    #[test]
    fn spellings_of_one_ipv6_address_are_one_target() {
        let writer = target("[2001:db8::22]:3306");
        assert_eq!(writer.to_string(), "[2001:db8::22]:3306");
        assert!(Plan::new(&listed("[2001:0db8:0:0:0:0:0:0022]:3306 healthy"), &writer).is_empty());
    }
}
