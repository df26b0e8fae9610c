//! Computes the writes that lead from what is registered to what should be. Pure.

use crate::cluster::InstanceId;
use crate::target::{Target, TargetHealth};

/// A writer, its target, and the writes after which the group holds that target alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub writer: InstanceId,
    pub target: Target,
    pub plan: Plan,
}

impl Change {
    /// The change for a group that holds `targets` and should hold `target` alone, the target of `writer`.
    pub fn new(writer: InstanceId, target: Target, targets: &[TargetHealth]) -> Change {
        Change { plan: Plan::new(targets, &target), writer, target }
    }

    /// Whether both name one writer and write the same.
    pub fn is_same(&self, other: &Change) -> bool {
        self.writer == other.writer && self.plan.is_same(&other.plan)
    }

    /// Whether it deregisters `target`.
    pub fn deregisters(&self, target: &Target) -> bool {
        self.plan.deregister.iter().any(|gone| gone.is_same(target))
    }
}

/// The writes that bring the group to exactly one target: first register, then deregister.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The writer's target, if it is not registered yet.
    pub register: Option<Target>,
    /// All other registered targets, as DescribeTargetHealth listed them.
    pub deregister: Vec<Target>,
}

impl Plan {
    /// The plan for a group that holds `targets` and should hold `writer` alone.
    pub fn new(targets: &[TargetHealth], writer: &Target) -> Plan {
        let registered = || targets.iter().filter(|entry| entry.is_registered()).map(|entry| &entry.target);
        Plan {
            register: (!registered().any(|target| target.is_same(writer))).then(|| writer.clone()),
            deregister: registered().filter(|target| !target.is_same(writer)).cloned().collect(),
        }
    }

    /// Whether both plans write the same, in any order.
    fn is_same(&self, other: &Plan) -> bool {
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

    fn health(text: &str) -> Vec<TargetHealth> {
        let one = |entry: &str| {
            let (name, state) = entry.split_once(' ').unwrap();
            TargetHealth { target: target(name), state: state.to_owned(), reason: String::new(), zonal_shift: None }
        };
        text.split(", ").filter(|entry| !entry.is_empty()).map(one).collect()
    }

    #[test]
    fn the_group_ends_with_exactly_the_writer() {
        let table = [
            // targets, register, deregister; the writer is 10.0.0.2:3306
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
            let plan = Plan::new(&health(before), &target("10.0.0.2:3306"));
            assert_eq!(plan.is_empty(), register.is_empty() && deregister.is_empty(), "{before}");
            assert_eq!(plan.register.map(|t| t.to_string()).unwrap_or_default(), register, "{before}");
            assert_eq!(plan.deregister.iter().map(Target::to_string).collect::<Vec<_>>().join(" "), deregister, "{before}");
        }
    }

    #[test]
    fn a_target_is_deregistered_by_the_zone_that_was_listed() {
        let stale = Target { zone: Some("eu-west-1b".to_owned()), ..target("10.0.0.1:3306") };
        let targets =
            [TargetHealth { target: stale.clone(), state: "unhealthy".to_owned(), reason: String::new(), zonal_shift: None }];
        assert_eq!(Plan::new(&targets, &target("10.0.0.2:3306")).deregister, [stale]);
    }

    #[test]
    fn spellings_of_one_ipv6_address_are_one_target() {
        let writer = target("[2001:db8::22]:3306");
        assert_eq!(writer.to_string(), "[2001:db8::22]:3306");
        assert!(Plan::new(&health("[2001:0db8:0:0:0:0:0:0022]:3306 healthy"), &writer).is_empty());
    }
}
