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
        let fault = world.next_fault(&action);
        let delay = if let Some(Fault::Delay(delay)) = fault { delay } else { Duration::ZERO };
        let (status, body) = match fault {
            Some(Fault::DropBefore) => return Reply::Dropped,
            Some(Fault::DropAfter) => {
                drop(world.act(&action, &parameters));
                return Reply::Dropped;
            }
            Some(Fault::Error(status, code, message)) => (status, failure(code, message)),
            Some(Fault::Throttle) => (400, failure("Throttling", "Rate exceeded")),
            Some(Fault::Body(body)) => (200, body.to_owned()),
            carried_out => {
                world.targets.extend(if let Some(Fault::Meanwhile(other)) = carried_out { Some(target(other)) } else { None });
                let acted = world.act(&action, &parameters);
                if let Some(Fault::AlsoGone(other)) = carried_out {
                    let gone = world.targets.iter_mut().filter(|target| target.name() == other);
                    gone.for_each(|target| "draining".clone_into(&mut target.state));
                }
                acted.map_or_else(|(code, message)| (400, failure(code, &message)), |body| (200, body))
            }
        };
        Reply::Answer { status, body, delay }
    }
}

/// The answer, or the code and the message of an error.
pub type Acted = Result<String, (&'static str, String)>;

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
            "DescribeDBClusters" | "DescribeDBInstances" | "DescribeLoadBalancerAttributes" => TARGET_GROUP, // of no group
            "DescribeTargetGroups" => parameters.get("TargetGroupArns.member.1"),
            _ => parameters.get("TargetGroupArn"),
        };
        if group != TARGET_GROUP {
            return Err(("TargetGroupNotFound", "One or more target groups not found".to_owned()));
        }
        match action {
            "DescribeTargetHealth" => Ok(self.target_health()),
            "RegisterTargets" => self.register(parameters),
            "DeregisterTargets" => Ok(self.deregister(parameters)),
            "DescribeTargetGroups" => Ok(self.describe_target_group()),
            "DescribeTargetGroupAttributes" => Ok(self.describe_attributes()),
            "DescribeLoadBalancerAttributes" => self.describe_load_balancer_attributes(parameters),
            "DescribeDBClusters" => self.describe_cluster(parameters),
            "DescribeDBInstances" => self.describe_instances(parameters),
            _ => Err(("InvalidAction", format!("The action {action} is not valid for this endpoint"))),
        }
    }
}
