//! Why a run changes nothing yet: the answer's `doubt` and `reason`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::cluster::InstanceId;
use crate::event::failover::FRESH_MS;
use crate::target::Target;

/// Why nothing may be changed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The cluster's status is `failing-over`.
    FailingOver,
    NoWriter,
    SeveralWriters(Vec<InstanceId>),
    /// The change would take the target away from the instance that a fresh event named.
    JustNamed {
        writer: InstanceId,
        named: InstanceId,
        target: Target,
    },
    /// The change would take away a target in state `initial`.
    StillRegistering {
        writer: InstanceId,
        target: Target,
    },
    /// The event says that a failover is under way or over, and the DNS of the instance still has the registered address.
    AddressNotMoved {
        instance: InstanceId,
    },
    /// The name does not resolve, because the instance has this status.
    InstanceStopped {
        instance: InstanceId,
        status: String,
    },
}

impl Doubt {
    /// The answer's `doubt`: a stable name for alarms and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Doubt::FailingOver => "failing-over",
            Doubt::NoWriter => "no-writer",
            Doubt::SeveralWriters(_) => "several-writers",
            Doubt::JustNamed { .. } => "just-named",
            Doubt::StillRegistering { .. } => "still-registering",
            Doubt::AddressNotMoved { .. } => "address-not-moved",
            Doubt::InstanceStopped { .. } => "instance-stopped",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::FailingOver => f.write_str("RDS shows the cluster as failing-over"),
            Doubt::NoWriter => f.write_str("RDS shows no writer"),
            Doubt::SeveralWriters(writers) => {
                let names: Vec<_> = writers.iter().map(InstanceId::as_str).collect();
                write!(f, "RDS shows {} writers: {}", writers.len(), names.join(", "))
            }
            Doubt::JustNamed { writer, named, target } => write!(
                f,
                "RDS shows {writer} as the writer, but an event has just named {named}: {target} stays while that event is fresh ({} s)",
                FRESH_MS / 1_000
            ),
            Doubt::StillRegistering { writer, target } => write!(
                f,
                "{writer} should be the only target, but {target} has just been registered: it stays while its state is initial \
                 (2 minutes at most)"
            ),
            Doubt::AddressNotMoved { instance } => {
                write!(
                    f,
                    "the DNS name of {instance} still has the registered address: the next event or scheduled run looks again"
                )
            }
            Doubt::InstanceStopped { instance, status } => {
                write!(f, "the DNS name of {instance} does not resolve, because RDS shows the instance as {status}")
            }
        }
    }
}

impl Serialize for Doubt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
