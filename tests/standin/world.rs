//! What the stand-in holds, as plain data that a test reads and changes.

use std::collections::VecDeque;
use std::net::IpAddr;

use super::Fault;
use super::elb::ZONES;

/// The three instances, each with its endpoint: an IP literal, which resolves without DNS.
pub const MEMBERS: [(&str, &str); 3] = [("aurora-1", "10.0.1.11"), ("aurora-2", "10.0.2.22"), ("aurora-3", "10.0.3.33")];

/// The attributes that the target group must have.
pub const ATTRIBUTES: [(&str, &str); 5] = [
    ("target_health_state.unhealthy.connection_termination.enabled", "false"),
    ("deregistration_delay.connection_termination.enabled", "true"),
    ("deregistration_delay.timeout_seconds", "0"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("preserve_client_ip.enabled", "false"),
];

const GROUP: [(&str, &str); 5] =
    [("TargetType", "ip"), ("Protocol", "TCP"), ("Port", "3306"), ("HealthCheckPort", "40000"), ("IpAddressType", "ipv4")];

const LOAD_BALANCER: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/net/aurora/0123456789abcdef";

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

#[derive(Debug, Default)]
pub struct World {
    pub targets: Vec<Target>,
    /// Instance ID and endpoint; an IP literal resolves without DNS.
    pub members: Vec<(String, Option<String>)>,
    /// Whether the cluster is in a secondary region of a global database.
    pub is_secondary: bool,
    /// What RDS shows of the DB instance that is followed instead of the cluster, element by element.
    pub instance: Vec<(&'static str, String)>,
    /// The port of the database.
    pub port: u16,
    /// One for each look at RDS; the last one stays.
    pub views: VecDeque<View>,
    pub target_group: Vec<(String, String)>,
    pub attributes: Vec<(String, String)>,
    /// The balancers that have a listener for the group: each with its ARN, and its cross-zone setting.
    pub load_balancers: Vec<(String, String)>,
    /// Whether a zonal shift keeps new connections from all targets.
    pub is_shifted: bool,
    /// The zones that are enabled on the balancer.
    pub enabled_zones: Vec<&'static str>,
    /// How the addresses of a publicly routable range of the VPC begin, if it has one.
    pub vpc: Option<&'static str>,
    /// The instances that are publicly accessible.
    pub publicly_accessible: Vec<String>,
    /// Names in DNS, each with its addresses.
    pub names: Vec<(String, Vec<IpAddr>)>,
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

/// The three instances as `IP_DICT`.
pub fn ip_dict() -> String {
    serde_json::Value::Object(MEMBERS.map(|(id, ip)| (id.to_owned(), ip.into())).into_iter().collect()).to_string()
}

impl World {
    /// A target group as `check` wants it, without targets, and three instances of which RDS shows nothing yet.
    pub fn in_order() -> World {
        let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        World {
            members: MEMBERS.map(|(id, host)| (id.to_owned(), Some(host.to_owned()))).to_vec(),
            port: 3306,
            target_group: GROUP.map(pair).to_vec(),
            attributes: ATTRIBUTES.map(pair).to_vec(),
            load_balancers: vec![pair((LOAD_BALANCER, "false"))],
            enabled_zones: ZONES.to_vec(),
            ..World::default()
        }
    }
}
