//! Reads a failover event: its kind, the instance that it names, and its age.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;

use super::message::{Notification, Time};
use crate::cluster::{Database, DatabaseKind, InstanceId};
use crate::error::one_line;

/// How old an event may be to count as fresh. Milliseconds.
pub const FRESH_MS: i64 = 60_000;
/// How far ahead of our clock a time may be before it is useless. Milliseconds.
pub const AHEAD_MS: i64 = 60_000;

/// What RDS says in one failover event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailoverEvent {
    pub kind: FailoverKind,
    /// The instance that it names as the writer, if one can be read.
    pub instance: Option<InstanceId>,
    /// RDS's own text, on one line and not too long.
    pub message: String,
    /// Now − the event's time in milliseconds; `None` if it has no readable time, or one too far in the future.
    pub age_ms: Option<i64>,
    /// The event's time, or now if that comes sooner; `None` where the age is unknown.
    pub time: Option<DateTime<Utc>>,
    /// It comes from an EventBridge archive, so it is never fresh.
    pub is_replay: bool,
    /// The times that are there and cannot be read, each with its field.
    pub unreadable_times: Vec<String>,
}

impl FailoverEvent {
    /// Whether the event is young enough to be trusted: at most 60 s.
    pub fn is_fresh(&self) -> bool {
        !self.is_replay && self.age_ms.is_some_and(|age| age <= FRESH_MS)
    }
}

/// The five failover events of a DB cluster
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html#USER_Events.Messages.cluster>), and
/// the events of a Multi-AZ DB instance, which name no instance and no address
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html#USER_Events.Messages.instance>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverKind {
    /// RDS-EVENT-0069. It names no instance.
    Failed,
    /// RDS-EVENT-0070: the old writer comes back.
    PromotingPrevious,
    /// RDS-EVENT-0071.
    Completed,
    /// RDS-EVENT-0072. The instance is the intended writer.
    StartedSameZone,
    /// RDS-EVENT-0073. The instance is the intended writer.
    StartedCrossZone,
    /// A failover of a DB instance, or the activation of its standby, has started. Holds the event ID.
    InstanceStarted(&'static str),
    /// It has completed, or RDS has recovered from a partial failover. Holds the event ID.
    InstanceEnded(&'static str),
}

const INSTANCE_STARTED: [&str; 2] = ["RDS-EVENT-0013", "RDS-EVENT-0050"];
const INSTANCE_ENDED: [&str; 4] = ["RDS-EVENT-0015", "RDS-EVENT-0049", "RDS-EVENT-0051", "RDS-EVENT-0065"];

impl FailoverKind {
    /// The kind of this event ID; `None` for an event that is not a failover of such a database.
    pub fn of(event_id: &str, database: DatabaseKind) -> Option<FailoverKind> {
        let known = |ids: &[&'static str]| ids.iter().copied().find(|id| *id == event_id);
        if database == DatabaseKind::Instance {
            let ended = || known(&INSTANCE_ENDED).map(FailoverKind::InstanceEnded);
            return known(&INSTANCE_STARTED).map(FailoverKind::InstanceStarted).or_else(ended);
        }
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
            FailoverKind::InstanceStarted(event_id) | FailoverKind::InstanceEnded(event_id) => event_id,
        }
    }

    /// Whether it reports the beginning of a failover.
    pub fn is_started(self) -> bool {
        matches!(self, FailoverKind::StartedSameZone | FailoverKind::StartedCrossZone | FailoverKind::InstanceStarted(_))
    }

    /// Whether its text names the writer.
    fn names_an_instance(self) -> bool {
        !matches!(self, FailoverKind::Failed | FailoverKind::InstanceStarted(_) | FailoverKind::InstanceEnded(_))
    }
}

/// A notification, read.
pub(super) enum Parsed {
    Failover(FailoverEvent),
    /// Not a failover of this database, for this reason.
    Other {
        event_id: String,
        reason: String,
    },
}

/// Reads one notification. Without `database` every failover event is of this database.
pub(super) fn read(notification: Notification, database: Option<&Database>, now: DateTime<Utc>) -> Parsed {
    let Notification { event_id, text, source, times, is_replay } = notification;
    let database_kind = database.map_or(DatabaseKind::Cluster, Database::kind);
    let Some(kind) = FailoverKind::of(&event_id, database_kind) else {
        let failovers = match database_kind {
            DatabaseKind::Cluster => "RDS-EVENT-0069 to RDS-EVENT-0073".to_owned(),
            DatabaseKind::Instance => [&INSTANCE_STARTED[..], &INSTANCE_ENDED[..]].concat().join(", "),
        };
        let reason = format!("{event_id} is not one of the failover events {failovers}");
        return Parsed::Other { event_id, reason };
    };
    if let Some(ours) = database.filter(|ours| !ours.is_source_of(&source)) {
        let reason = one_line(&format!("the event is of {source}, not of {}", ours.arn()));
        return Parsed::Other { event_id, reason };
    }
    let instance = kind.names_an_instance().then(|| named_instance(&text)).flatten();
    let (time, unreadable_times) = read_times(&times);
    let time = time.filter(|time| (now - time).num_milliseconds() >= -AHEAD_MS);
    let age_ms = time.map(|time| (now - time).num_milliseconds());
    let time = time.map(|time| time.min(now));
    Parsed::Failover(FailoverEvent { kind, instance, message: one_line(&text), age_ms, time, is_replay, unreadable_times })
}

/// The first time that can be read, and the ones that cannot. A field that is `null` is not there.
fn read_times(times: &[Time]) -> (Option<DateTime<Utc>>, Vec<String>) {
    let (mut first, mut unreadable) = (None, vec![]);
    for Time { field, value } in times.iter().filter(|time| !time.value.is_null()) {
        match value.as_str().and_then(parse_time) {
            Some(time) => first = first.or(Some(time)),
            None => unreadable.push(format!("{field} {}", one_line(&shown(value)))),
        }
    }
    (first, unreadable)
}

fn shown(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The name after the last `": "`. The sentence before it varies in ways that are not documented.
fn named_instance(message: &str) -> Option<InstanceId> {
    let (_, name) = message.rsplit_once(": ")?;
    let name = name.trim();
    InstanceId::parse(name.strip_suffix('.').unwrap_or(name).trim())
}

/// RDS writes `2021-05-16 03:33:34.532` in SNS, meaning UTC, and RFC 3339 in EventBridge; so does SNS itself.
fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let rds = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc());
    rds.or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc())).ok()
}
