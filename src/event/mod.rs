//! Parses a Lambda payload into a [`Trigger`]: what the function is asked to do. Pure; the clock is passed in.

mod context;
mod envelope;
pub mod failover;
mod message;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::cluster::Database;
use crate::error::Error;
use failover::{FailoverEvent, Parsed};
use message::{Message, unrecognized};

/// What one payload asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    Failover(Failovers),
    /// Compare the target group with RDS.
    Reconcile {
        /// `schedule` or `reconcile`.
        cause: &'static str,
        /// The operator insists.
        force: bool,
        /// The payload itself asks to write nothing.
        dry_run: bool,
    },
    /// Examine the set-up, write nothing.
    Check,
    Ignored {
        /// The event's ID, if it has one.
        cause: Option<String>,
        reason: String,
    },
}

/// The failover events of one payload, and what else the payload holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failovers {
    /// All of this database, at least one, newest first. An event of unknown age is the oldest; of two alike the later record
    /// comes first.
    pub events: Vec<FailoverEvent>,
    /// Why each other record is not one of them.
    pub passed_over: Vec<String>,
    /// Why a record cannot be read.
    pub unreadable: Vec<Error>,
}

/// Reads a payload. Without `database` every failover event is of this database.
///
/// # Errors
/// [`Error::UnrecognizedEvent`] for any shape that this function does not serve.
pub fn parse(payload: &Value, database: Option<&Database>, now: DateTime<Utc>) -> Result<Trigger, Error> {
    let (mut events, mut others, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for message in envelope::open(payload) {
        match message {
            Ok(Message::Action(action)) => return read_action(&action),
            Ok(Message::Schedule) => return Ok(Trigger::Reconcile { cause: "schedule", force: false, dry_run: false }),
            Ok(Message::Other(reason)) => others.push((None, reason)),
            Ok(Message::Rds(notification)) => match failover::read(notification, database, now) {
                Parsed::Failover(event) => events.push(event),
                Parsed::Other { event_id, reason } => others.push((Some(event_id), reason)),
            },
            Err(error) => unreadable.push(error),
        }
    }
    if !events.is_empty() {
        events.reverse();
        events.sort_by_key(|event| std::cmp::Reverse(event.time));
        let passed_over = others.into_iter().map(|(_, reason)| reason).collect();
        return Ok(Trigger::Failover(Failovers { events, passed_over, unreadable }));
    }
    if let Some(error) = unreadable.into_iter().next() {
        return Err(error);
    }
    let cause = others.iter().find_map(|(event_id, _)| event_id.clone());
    let reasons: Vec<_> = others.into_iter().map(|(_, reason)| reason).collect();
    Ok(Trigger::Ignored { cause, reason: reasons.join("; ") })
}

fn read_action(payload: &Value) -> Result<Trigger, Error> {
    // An unknown field is refused: a misspelt "dry_run" must not turn into a real run.
    #[derive(Deserialize)]
    #[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
    enum Action {
        Reconcile {
            #[serde(default)]
            dry_run: bool,
            #[serde(default)]
            force: bool,
        },
        Check {
            /// Accepted, because it changes nothing: `check` never writes.
            #[serde(default, rename = "dry_run")]
            _dry_run: bool,
        },
    }
    match Action::deserialize(payload).map_err(|error| unrecognized(&format!("action: {error}")))? {
        Action::Reconcile { dry_run, force } => Ok(Trigger::Reconcile { cause: "reconcile", force, dry_run }),
        Action::Check { .. } => Ok(Trigger::Check),
    }
}
