//! What a failover event says: which of the five it is, of whom, and how long ago. Plain data.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::cluster::{ClusterId, InstanceId};
use crate::target::Target;

/// How old a claim may be to count as fresh. Milliseconds.
pub const FRESH_MS: i64 = 60_000;
/// How far ahead of our clock a time may be before it says nothing. Milliseconds.
pub const AHEAD_MS: i64 = 60_000;
/// A claim that is older than another by no more than this may be the same one, reported twice. Milliseconds.
const SAME_MOMENT_MS: i64 = 2_000;

/// What RDS says in one failover event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub kind: FailoverKind,
    /// The instance that it names as the writer, if one can be read.
    pub instance: Option<InstanceId>,
    /// The text from which the instance was to be read, on one line and not too long.
    pub message: String,
    /// The cluster that it speaks of, if it says so.
    pub cluster: Option<ClusterId>,
    /// Now − the event's time in milliseconds; `None` if it has no readable time, or one too far in the future.
    pub age_ms: Option<i64>,
    /// The event's time, or now if that comes sooner; `None` where the age is unknown.
    pub time: Option<DateTime<Utc>>,
}

impl Claim {
    /// Whether the claim is young enough to be believed: at most 60 s.
    pub fn is_fresh(&self) -> bool {
        self.age_ms.is_some_and(|age| age <= FRESH_MS)
    }
}

/// The newest claim that this process has acted on: its run ended `switched` or `unchanged`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest {
    pub time: DateTime<Utc>,
    /// The instance that it named, and the target of that instance, if the run got to know it.
    pub named: Option<(InstanceId, Target)>,
}

impl Newest {
    /// Whether `claim` speaks of an earlier moment: it is late by order.
    pub fn is_after(&self, claim: &Claim) -> bool {
        claim.time.is_some_and(|time| self.time - time > TimeDelta::milliseconds(SAME_MOMENT_MS))
    }

    /// Whether the claim is still fresh.
    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.time <= TimeDelta::milliseconds(FRESH_MS)
    }
}

/// The five failover events of a DB cluster
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html#USER_Events.Messages.cluster>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverKind {
    /// RDS-EVENT-0069. It names nobody.
    Failed,
    /// RDS-EVENT-0070: the old writer comes back.
    PromotingPrevious,
    /// RDS-EVENT-0071.
    Completed,
    /// RDS-EVENT-0072. The instance is the intended writer.
    StartedSameZone,
    /// RDS-EVENT-0073. The instance is the intended writer.
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

    /// As in `RDS-EVENT-0073`.
    pub fn event_id(self) -> &'static str {
        match self {
            FailoverKind::Failed => "RDS-EVENT-0069",
            FailoverKind::PromotingPrevious => "RDS-EVENT-0070",
            FailoverKind::Completed => "RDS-EVENT-0071",
            FailoverKind::StartedSameZone => "RDS-EVENT-0072",
            FailoverKind::StartedCrossZone => "RDS-EVENT-0073",
        }
    }

    /// Whether it reports the beginning of a failover.
    pub fn is_started(self) -> bool {
        matches!(self, FailoverKind::StartedSameZone | FailoverKind::StartedCrossZone)
    }
}

/// `RDS-EVENT-NNNN`, alone or at the end of a link to the page that explains it, once seen with a space after it.
pub(crate) fn event_id(text: &str) -> Option<&str> {
    let id = text.rsplit('#').next().unwrap_or(text).trim();
    let digits = id.strip_prefix("RDS-EVENT-")?;
    (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(id)
}

/// The name after the last `": "`. The sentence before it varies in ways that are not documented.
pub(crate) fn named_instance(message: &str) -> Option<InstanceId> {
    let (_, name) = message.rsplit_once(": ")?;
    let name = name.trim();
    InstanceId::parse(name.strip_suffix('.').unwrap_or(name).trim())
}

/// RDS writes `2021-05-16 03:33:34.532` in SNS, meaning UTC, and RFC 3339 in EventBridge; so does SNS itself.
pub(crate) fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let rds = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc());
    rds.or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc())).ok()
}
