//! One call: what goes wrong with it, and which part of the world answers it.

use std::time::Duration;

use super::query::{Parameters, failure};
use super::{Fault, Reply, Standin, TARGET_GROUP, Target, World, target};

impl Standin {
    /// Answers one request of the Query protocol.
    pub fn answer(&self, body: &[u8]) -> Reply {
        let parameters = Parameters::parse(body);
        let action = parameters.get("Action").to_owned();
        let mut world = self.world();
        let call = world.describe(&action, &parameters);
        world.calls.push(call);
        let (status, body, delay) = match world.next_fault(&action) {
            Some(Fault::DropBefore) => return Reply::Dropped,
            Some(Fault::DropAfter) => {
                drop(world.act(&action, &parameters));
                return Reply::Dropped;
            }
            Some(Fault::Error(status, code, message)) => (status, failure(code, message), Duration::ZERO),
            Some(Fault::Throttle) => (400, failure("Throttling", "Rate exceeded"), Duration::ZERO),
            Some(Fault::Body(body)) => (200, body.to_owned(), Duration::ZERO),
            Some(Fault::Delay(delay)) => world.act(&action, &parameters).with(delay),
            Some(Fault::Meanwhile(other)) => {
                world.targets.push(target(other));
                world.act(&action, &parameters).with(Duration::ZERO)
            }
            Some(Fault::AlsoGone(other)) => {
                let answer = world.act(&action, &parameters).with(Duration::ZERO);
                world.targets.iter_mut().filter(|old| old.name() == other).for_each(|old| "draining".clone_into(&mut old.state));
                answer
            }
            None => world.act(&action, &parameters).with(Duration::ZERO),
        };
        Reply::Answer { status, body, delay }
    }
}

/// The answer, or the code and the message of an error.
pub type Acted = Result<String, (&'static str, String)>;

trait With {
    fn with(self, delay: Duration) -> (u16, String, Duration);
}

impl With for Acted {
    fn with(self, delay: Duration) -> (u16, String, Duration) {
        match self {
            Ok(body) => (200, body, delay),
            Err((code, message)) => (400, failure(code, &message), delay),
        }
    }
}

impl World {
    fn describe(&self, action: &str, parameters: &Parameters) -> String {
        let targets: Vec<_> = parameters.targets().iter().map(Target::name).collect();
        [action.to_owned(), targets.join(" ")].join(" ").trim_end().to_owned()
    }

    fn next_fault(&mut self, action: &str) -> Option<Fault> {
        let queued = self.faults.iter().position(|(on, _)| *on == action).and_then(|i| self.faults.remove(i));
        queued.map(|(_, fault)| fault).or_else(|| (self.chaos.as_mut()?.0)(action))
    }

    fn act(&mut self, action: &str, parameters: &Parameters) -> Acted {
        if !matches!(action, "RegisterTargets" | "DeregisterTargets") {
            return self.carry_out(action, parameters);
        }
        let before = self.targets.clone();
        let acted = self.carry_out(action, parameters);
        if let Some(probe) = &mut self.probe {
            (probe.0)(&before, action, &self.targets);
        }
        acted
    }

    fn carry_out(&mut self, action: &str, parameters: &Parameters) -> Acted {
        let group = match action {
            "DescribeTargetGroups" => parameters.get("TargetGroupArns.member.1"),
            _ => parameters.get("TargetGroupArn"),
        };
        if !action.starts_with("DescribeDB") && group != TARGET_GROUP {
            return Err(("TargetGroupNotFound", "One or more target groups not found".to_owned()));
        }
        match action {
            "DescribeTargetHealth" => Ok(self.target_health()),
            "RegisterTargets" => self.register(parameters),
            "DeregisterTargets" => Ok(self.deregister(parameters)),
            "DescribeTargetGroups" => Ok(self.describe_target_group()),
            "DescribeTargetGroupAttributes" => Ok(self.describe_attributes()),
            "DescribeDBClusters" => self.describe_cluster(parameters),
            "DescribeDBInstances" => Ok(self.describe_instances(parameters)),
            _ => Err(("InvalidAction", format!("The action {action} is not valid for this endpoint"))),
        }
    }
}
