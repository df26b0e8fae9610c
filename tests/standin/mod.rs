//! A stand-in for the two AWS services that this function calls: one target group of a Network Load Balancer, and one
//! Aurora cluster or RDS Multi-AZ DB instance.
//!
//! It keeps state as AWS does (targets go through `initial` and `draining`; deregistering an unknown target succeeds;
//! without the port of its registration a target stays), speaks the services' own Query protocol, records every call,
//! and can be told to fail, delay, throttle and drop. Two transports share it: [`Standin::serve`] answers over HTTP on
//! loopback, [`Standin::in_process`] inside the SDK, where time can be paused.
//!
//! Beside it is what else all the tests share: the Runtime API, the function itself, and events as RDS words them.

pub mod answer;
pub mod dns;
pub mod elb;
pub mod events;
pub mod function;
pub mod in_process;
pub mod over_http;
pub mod query;
pub mod rds;
pub mod runtime_api;
pub mod server;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[allow(unused_imports, reason = "not every test names all of them")]
pub use world::{ATTRIBUTES, Chaos, Hook, MEMBERS, Probe, Target, View, World, ip_dict};

pub const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/aurora/0123456789abcdef";
pub const CLUSTER: &str = "aurora-prod";
/// The DB instance, and the name of its endpoint.
pub const DB_INSTANCE: &str = "orders";
pub const ENDPOINT: &str = "orders.abc.eu-west-1.rds.amazonaws.com";

/// The targets of the three instances.
pub const A: &str = "10.0.1.11:3306";
pub const B: &str = "10.0.2.22:3306";
pub const C: &str = "10.0.3.33:3306";

/// What the stand-in does with one call, instead of answering it.
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

/// A handle to the world; clones share it.
#[derive(Clone, Debug)]
pub struct Standin(Arc<Mutex<World>>);

impl Standin {
    /// The perfect set-up: aurora-1 is the writer, and its target the only one.
    pub fn new() -> Standin {
        Standin(Arc::new(Mutex::new(World::in_order())))
            .with_targets(&format!("{A} unhealthy"))
            .rds_shows(&[("available", "aurora-1")])
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

    /// The cluster of a global database whose writer is in another region.
    pub fn in_secondary_region(self) -> Standin {
        self.world().is_secondary = true;
        self.rds_shows(&[("available", "")])
    }

    /// A setting or an attribute of the target group.
    pub fn with_setting(self, name: &str, value: &str) -> Standin {
        let mut world = self.world();
        let World { target_group, attributes, .. } = &mut *world;
        let pairs = target_group.iter_mut().chain(attributes);
        pairs.filter(|(key, _)| key == name).for_each(|(_, old)| value.clone_into(old));
        drop(world);
        self
    }

    /// Database and target group on this port.
    pub fn on_port(self, port: u16) -> Standin {
        self.world().port = port;
        self.with_setting("Port", &port.to_string())
    }

    /// The endpoint of an instance: a name with these addresses in DNS.
    pub fn with_endpoint(self, instance: &str, addresses: &str) -> Standin {
        let host = format!("{instance}.example.eu-west-1.rds.amazonaws.com");
        self.point(&host, addresses);
        self.world().members.iter_mut().filter(|(id, _)| id == instance).for_each(|(_, old)| *old = Some(host.clone()));
        self
    }

    /// One RDS Multi-AZ DB instance; the name of its endpoint has this address in DNS.
    pub fn with_instance(self, address: &str) -> Standin {
        let shown =
            [("DBInstanceIdentifier", DB_INSTANCE), ("DBInstanceStatus", "available"), ("Engine", "mysql"), ("MultiAZ", "true")];
        self.world().instance = shown.map(|(name, value)| (name, value.to_owned())).to_vec();
        self.point(ENDPOINT, address);
        self.instance_shows("Endpoint", &query::element("Address", ENDPOINT))
    }

    /// An element of what RDS shows of the DB instance.
    pub fn instance_shows(self, name: &'static str, value: &str) -> Standin {
        let mut world = self.world();
        world.instance.retain(|(key, _)| *key != name);
        world.instance.push((name, value.to_owned()));
        drop(world);
        self
    }

    /// From now on the name has these addresses in DNS; without any it does not resolve.
    pub fn point(&self, host: &str, addresses: &str) {
        let mut world = self.world();
        world.names.retain(|(name, _)| name != host);
        if !addresses.is_empty() {
            world.names.push((host.to_owned(), addresses.split_whitespace().map(|ip| ip.parse().unwrap()).collect()));
        }
    }

    /// The balancer has carried out every registration and deregistration.
    pub fn settle(&self) {
        let mut world = self.world();
        world.targets.retain(Target::is_registered);
        world.targets.iter_mut().for_each(|target| "unhealthy".clone_into(&mut target.state));
    }

    /// These instances are publicly accessible.
    pub fn with_public(self, instances: &str) -> Standin {
        self.world().publicly_accessible = instances.split_whitespace().map(str::to_owned).collect();
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
}

fn target(text: &str) -> Target {
    let (name, state) = text.split_once(' ').unwrap();
    let (address, zone) = name.split_once('@').map_or((name, None), |(address, zone)| (address, Some(zone.to_owned())));
    let (id, port) = address.rsplit_once(':').unwrap();
    Target { id: id.to_owned(), port: port.to_owned(), zone, state: state.to_owned() }
}
