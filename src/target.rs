//! A target of the group, and its state.

use std::fmt;
use std::net::IpAddr;

use serde::Serialize;

/// A target as the load balancer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// An IP address; in a group of another type, the ID as DescribeTargetHealth returned it.
    pub id: String,
    pub port: u16,
    /// The Availability Zone, or `all`.
    pub zone: Option<String>,
}

impl Target {
    /// Whether both are one target: by address and port, because an address is in one zone only. All spellings of an IPv6 address
    /// are alike.
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

/// A target and its state, as DescribeTargetHealth lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHealth {
    pub target: Target,
    /// `initial`, `healthy`, `unhealthy`, `unhealthy.draining`, `unused`, `draining`, `unavailable`, or a newer one.
    pub state: String,
    /// Why it is in that state: the balancer's reason code and description, if there are any.
    pub reason: String,
    /// A zonal shift keeps new connections away from it: the state of its `AdministrativeOverride`.
    pub zonal_shift: Option<String>,
}

impl TargetHealth {
    /// Whether it is registered. A draining target is still listed, but registering it again is allowed and needed.
    pub fn is_registered(&self) -> bool {
        self.state != "draining"
    }

    /// Whether no connection reaches it: no balancer uses the group, or not in the target's zone.
    pub fn is_unused(&self) -> bool {
        self.state == "unused"
    }

    /// Whether the load balancer is still carrying its registration out.
    pub fn is_initial(&self) -> bool {
        self.state == "initial"
    }
}
