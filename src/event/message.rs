//! What a payload holds, once its envelopes are off.

use serde_json::Value;

use crate::cluster::EventSource;
use crate::error::{Error, one_line};

/// One message of a payload.
pub(super) enum Message {
    /// An object with `action`, which no envelope holds.
    Action(Value),
    /// An EventBridge scheduled event, which no envelope holds.
    Schedule,
    Rds(Notification),
    /// Not an event of RDS's that could be a failover, for this reason.
    Other(String),
}

/// One event of RDS's, as SNS or EventBridge delivers it.
pub(super) struct Notification {
    /// As in `RDS-EVENT-0073`.
    pub(super) event_id: String,
    pub(super) text: String,
    pub(super) source: EventSource,
    /// The event's own time, then the times of its envelopes from the inside out.
    pub(super) times: Vec<Time>,
    /// It comes from an EventBridge archive.
    pub(super) is_replay: bool,
}

/// A time as the payload has it, and the field that holds it.
#[derive(Clone)]
pub(super) struct Time {
    pub(super) field: &'static str,
    pub(super) value: Value,
}

/// An error that names what was found, and what was expected.
pub(super) fn unrecognized(what: &str) -> Error {
    Error::UnrecognizedEvent(format!(
        "{}; expected an RDS failover event (by SNS, SQS, EventBridge or Pipes), a schedule, {{\"action\":\"reconcile\"}} or \
         {{\"action\":\"check\"}}",
        one_line(what)
    ))
}
