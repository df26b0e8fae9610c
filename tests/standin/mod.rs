//! A stand-in for the two AWS services that this function calls: one target group of a Network Load Balancer, and one
//! Aurora cluster.
//!
//! It keeps state as AWS does (targets go through `initial` and `draining`; deregistering an unknown target succeeds;
//! without the port of its registration a target stays), speaks the services' own Query protocol, records every call,
//! and can be told to fail, delay, throttle and drop. Two transports share it: [`Standin::serve`] answers over HTTP on
//! loopback, [`Standin::in_process`] inside the SDK, where time can be paused.

pub mod dns;
pub mod in_process;
pub mod over_http;
pub mod query;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use query::{Parameters, element, failure, list, response};

pub const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/aurora/0123456789abcdef";
pub const CLUSTER: &str = "aurora-prod";

/// What the stand-in does with one call, in place of answering it.
#[derive(Clone, Debug)]
pub enum Fault {
    /// An error answer: HTTP status, code, message.
    Error(u16, &'static str, &'static str),
    /// `Throttling: Rate exceeded`, as ELBv2 says it.
    Throttle,
    /// The call is carried out, and answered so much later.
    Delay(Duration),
    /// The connection drops before the call takes effect.
    DropBefore,
    /// The connection drops after the call took effect.
    DropAfter,
    /// HTTP 200 with this body.
    Body(&'static str),
    /// Another invocation's registration slips in just before this call.
    Meanwhile(&'static str),
    /// The call is carried out, and another invocation deregisters this target just after it.
    AlsoGone(&'static str),
}

/// What goes back over the wire.
#[derive(Clone, Debug)]
pub enum Reply {
    Answer { status: u16, body: String, delay: Duration },
    Dropped,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub id: String,
    pub port: String,
    pub zone: Option<String>,
    pub state: String,
}

impl Target {
    pub fn is_registered(&self) -> bool {
        self.state != "draining"
    }

    pub fn name(&self) -> String {
        let zone = self.zone.as_ref().map(|zone| format!("@{zone}")).unwrap_or_default();
        format!("{}:{}{zone}", self.id, self.port)
    }
}

/// What RDS shows at one look: the status, and which members say that they are the writer.
#[derive(Clone, Debug)]
pub struct View {
    pub status: String,
    pub writers: Vec<String>,
}

#[derive(Debug)]
pub struct World {
    pub targets: Vec<Target>,
    /// Instance ID and endpoint; an IP literal resolves without DNS.
    pub members: Vec<(String, Option<String>)>,
    /// One for each look at RDS; the last one stays.
    pub views: VecDeque<View>,
    pub target_group: Vec<(String, String)>,
    pub attributes: Vec<(String, String)>,
    pub faults: VecDeque<(&'static str, Fault)>,
    /// How many DNS lookups fail before one succeeds.
    pub dns_failures: usize,
    /// Every call in order, as `RegisterTargets 10.0.2.22:3306`.
    pub calls: Vec<String>,
    /// Asked before each call what goes wrong with it, once `faults` has nothing for it.
    pub chaos: Option<Hook<Chaos>>,
    /// Told after each write: the targets before it, the call, the targets after it.
    pub probe: Option<Hook<Probe>>,
}

pub type Chaos = dyn FnMut(&str) -> Option<Fault> + Send;
pub type Probe = dyn FnMut(&[Target], &str, &[Target]) + Send;

/// A closure that `Debug` passes over.
pub struct Hook<F: ?Sized>(pub Box<F>);

impl<F: ?Sized> std::fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

/// A handle to the world; clones share it.
#[derive(Clone, Debug)]
pub struct Standin(Arc<Mutex<World>>);

impl Standin {
    /// The perfect set-up: aurora-1 is the writer, and its target the only one.
    pub fn new() -> Standin {
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let member = |(id, host): (&str, &str)| (id.to_owned(), Some(host.to_owned()));
        let standin = Standin(Arc::new(Mutex::new(World {
            targets: Vec::new(),
            members: [("aurora-1", "10.0.1.11"), ("aurora-2", "10.0.2.22"), ("aurora-3", "10.0.3.33")].map(member).to_vec(),
            views: VecDeque::new(),
            target_group: pairs(&[("TargetType", "ip"), ("Protocol", "TCP"), ("Port", "3306"), ("HealthCheckPort", "40000")]),
            attributes: pairs(&[
                ("target_health_state.unhealthy.connection_termination.enabled", "false"),
                ("deregistration_delay.connection_termination.enabled", "true"),
                ("deregistration_delay.timeout_seconds", "0"),
                ("load_balancing.cross_zone.enabled", "true"),
                ("preserve_client_ip.enabled", "false"),
            ]),
            faults: VecDeque::new(),
            dns_failures: 0,
            calls: Vec::new(),
            chaos: None,
            probe: None,
        })));
        standin.with_targets("10.0.1.11:3306 unhealthy").rds_shows(&[("available", "aurora-1")])
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// The targets, as `10.0.1.11:3306 unhealthy, 10.0.2.22:3306@eu-west-1a draining`.
    pub fn with_targets(self, text: &str) -> Standin {
        self.world().targets = text.split(", ").filter(|entry| !entry.is_empty()).map(target).collect();
        self
    }

    /// What RDS shows at each look, as status and writers (`"aurora-1 aurora-2"`); the last one stays.
    pub fn rds_shows(self, views: &[(&str, &str)]) -> Standin {
        let view = |(status, writers): &(&str, &str)| View {
            status: (*status).to_owned(),
            writers: writers.split_whitespace().map(str::to_owned).collect(),
        };
        self.world().views = views.iter().map(view).collect();
        self
    }

    /// Answers the next call of `action` by `fault`. Faults of one action are used up in order.
    pub fn with_fault(self, action: &'static str, fault: Fault) -> Standin {
        self.with_faults(action, fault, 1)
    }

    /// The same for the next `times` calls.
    pub fn with_faults(self, action: &'static str, fault: Fault, times: usize) -> Standin {
        self.world().faults.extend(std::iter::repeat_n((action, fault), times));
        self
    }

    /// The registered targets, sorted.
    pub fn registered(&self) -> Vec<String> {
        let mut names: Vec<_> = self.world().targets.iter().filter(|target| target.is_registered()).map(Target::name).collect();
        names.sort();
        names
    }

    /// All targets with their states, sorted.
    pub fn listed(&self) -> Vec<String> {
        let mut names: Vec<_> = self.world().targets.iter().map(|target| format!("{} {}", target.name(), target.state)).collect();
        names.sort();
        names
    }

    pub fn calls(&self) -> Vec<String> {
        self.world().calls.clone()
    }

    /// The calls that write.
    pub fn writes(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| call.starts_with("Register") || call.starts_with("Deregister")).collect()
    }

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

type Acted = Result<String, (&'static str, String)>;

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

    fn target_health(&self) -> String {
        let entry = |target: &Target| {
            let zone = target.zone.as_ref().map(|zone| element("AvailabilityZone", zone)).unwrap_or_default();
            let name = element("Target", &(element("Id", &target.id) + &element("Port", &target.port) + &zone));
            name + &element("TargetHealth", &element("State", &target.state))
        };
        response("DescribeTargetHealth", &list("TargetHealthDescriptions", "member", self.targets.iter().map(entry)))
    }

    fn register(&mut self, parameters: &Parameters) -> Acted {
        for new in parameters.targets() {
            if new.id.parse::<std::net::IpAddr>().is_err() {
                return Err(("InvalidTarget", format!("{} is not a valid IP address", new.id)));
            }
            self.targets.retain(|old| (&old.id, &old.port) != (&new.id, &new.port) || old.state != "draining");
            if !self.targets.iter().any(|old| (&old.id, &old.port) == (&new.id, &new.port)) {
                self.targets.push(Target { state: "initial".to_owned(), ..new });
            }
        }
        Ok(response("RegisterTargets", ""))
    }

    /// Succeeds for a target that is not there, and does nothing for one that is there under another port.
    fn deregister(&mut self, parameters: &Parameters) -> String {
        for gone in parameters.targets() {
            let same = self.targets.iter_mut().filter(|old| (&old.id, &old.port) == (&gone.id, &gone.port));
            same.for_each(|old| "draining".clone_into(&mut old.state));
        }
        response("DeregisterTargets", "")
    }

    fn describe_target_group(&self) -> String {
        let fields = self.target_group.iter().map(|(key, value)| element(key, value)).collect::<String>();
        response("DescribeTargetGroups", &list("TargetGroups", "member", [fields]))
    }

    fn describe_attributes(&self) -> String {
        let pairs = self.attributes.iter().map(|(key, value)| element("Key", key) + &element("Value", value));
        response("DescribeTargetGroupAttributes", &list("Attributes", "member", pairs))
    }

    fn describe_cluster(&mut self, parameters: &Parameters) -> Acted {
        let asked = parameters.get("DBClusterIdentifier");
        if asked != CLUSTER {
            return Err(("DBClusterNotFoundFault", format!("DBCluster {asked} not found.")));
        }
        let view = if self.views.len() > 1 { self.views.pop_front() } else { self.views.front().cloned() };
        let view = view.unwrap();
        let member = |(id, _): &(String, Option<String>)| {
            element("DBInstanceIdentifier", id) + &element("IsClusterWriter", &view.writers.contains(id).to_string())
        };
        let members = list("DBClusterMembers", "DBClusterMember", self.members.iter().map(member));
        let cluster = element("DBClusterIdentifier", CLUSTER) + &element("Status", &view.status) + &members;
        Ok(response("DescribeDBClusters", &list("DBClusters", "DBCluster", [cluster])))
    }

    fn describe_instances(&self, parameters: &Parameters) -> String {
        let filter = (parameters.get("Filters.Filter.1.Name"), parameters.get("Filters.Filter.1.Values.Value.1"));
        assert_eq!(filter, ("db-cluster-id", CLUSTER), "instances are asked for by their cluster");
        let instance = |(id, host): &(String, Option<String>)| {
            let endpoint = host.as_ref().map(|host| element("Endpoint", &(element("Address", host) + &element("Port", "3306"))));
            element("DBInstanceIdentifier", id) + &element("DBClusterIdentifier", CLUSTER) + &endpoint.unwrap_or_default()
        };
        response("DescribeDBInstances", &list("DBInstances", "DBInstance", self.members.iter().map(instance)))
    }
}

fn target(text: &str) -> Target {
    let (name, state) = text.split_once(' ').unwrap();
    let (address, zone) = name.split_once('@').map_or((name, None), |(address, zone)| (address, Some(zone.to_owned())));
    let (id, port) = address.rsplit_once(':').unwrap();
    Target { id: id.to_owned(), port: port.to_owned(), zone, state: state.to_owned() }
}
