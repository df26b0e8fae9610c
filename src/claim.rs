//! What a failover event says: which of the five it is, of whom, and how long ago. Plain data.

use crate::cluster::{ClusterId, InstanceId};

/// How far ahead of our clock a time may be before it says nothing, and how old a claim may be to count as fresh.
/// Milliseconds.
pub const FRESH_MS: i64 = 60_000;

/// What RDS says in one failover event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which of the five failover events.
    pub kind: FailoverKind,
    /// The instance that it names as the writer, if one can be read.
    pub instance: Option<InstanceId>,
    /// The text from which the instance was to be read, on one line and not too long.
    pub message: String,
    /// The cluster that it speaks of, if it says so.
    pub cluster: Option<ClusterId>,
    /// Now − the event's time in milliseconds; `None` if it has no readable time, or one too far in the future.
    pub age_ms: Option<i64>,
}

impl Claim {
    /// Whether the claim is young enough to be believed: at most 60 s.
    pub fn is_fresh(&self) -> bool {
        self.age_ms.is_some_and(|age| age <= FRESH_MS)
    }
}

/// The five failover events of a DB cluster
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html#USER_Events.Messages.cluster>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverKind {
    /// RDS-EVENT-0069: the failover failed. Names nobody.
    Failed,
    /// RDS-EVENT-0070: the previous primary is promoted again.
    PromotingPrevious,
    /// RDS-EVENT-0071: the failover is complete.
    Completed,
    /// RDS-EVENT-0072: a failover within the zone has started.
    StartedSameZone,
    /// RDS-EVENT-0073: a failover to another zone has started.
    StartedCrossZone,
}

impl FailoverKind {
    /// The kind of this event ID; `None` if it is no failover event.
    pub fn of(event_id: &str) -> Option<FailoverKind> {
        Some(match event_id {
            "RDS-EVENT-0069" => FailoverKind::Failed,
            "RDS-EVENT-0070" => FailoverKind::PromotingPrevious,
            "RDS-EVENT-0071" => FailoverKind::Completed,
            "RDS-EVENT-0072" => FailoverKind::StartedSameZone,
            "RDS-EVENT-0073" => FailoverKind::StartedCrossZone,
            _ => return None,
        })
    }

    /// The event ID, as in `RDS-EVENT-0073`.
    pub fn event_id(self) -> &'static str {
        match self {
            FailoverKind::Failed => "RDS-EVENT-0069",
            FailoverKind::PromotingPrevious => "RDS-EVENT-0070",
            FailoverKind::Completed => "RDS-EVENT-0071",
            FailoverKind::StartedSameZone => "RDS-EVENT-0072",
            FailoverKind::StartedCrossZone => "RDS-EVENT-0073",
        }
    }
}
