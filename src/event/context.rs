//! What the envelopes around a value add to it: its place, the times at which it was sent, its account and region.

use serde_json::{Map, Value};

use super::message::{Message, Notification, Time, unrecognized};
use crate::cluster::EventSource;
use crate::error::Error;

/// What the envelopes around a value say.
#[derive(Clone, Default)]
pub(super) struct Context {
    /// Where the value stands, as in `Records[0].Sns.Message`.
    path: String,
    /// From the outside in.
    times: Vec<Time>,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    pub(super) is_replay: bool,
}

impl Context {
    pub(super) fn place(&self) -> &str {
        if self.path.is_empty() { "the payload" } else { &self.path }
    }

    pub(super) fn at(&self, step: &str) -> Context {
        let dot = if self.path.is_empty() || step.starts_with('[') { "" } else { "." };
        Context { path: format!("{}{dot}{step}", self.path), ..self.clone() }
    }

    pub(super) fn sent_at(&self, field: &'static str, value: Option<&Value>) -> Context {
        let mut inside = self.clone();
        inside.times.extend(value.map(|value| Time { field, value: value.clone() }));
        inside
    }

    /// Who may publish to a topic or a queue may not steer the function.
    pub(super) fn only_at_top(&self, message: Message, what: &str) -> Result<Message, Error> {
        if self.path.is_empty() { Ok(message) } else { Err(unrecognized(&format!("{} is {what} inside an envelope", self.path))) }
    }

    pub(super) fn notification(
        &self,
        object: &Map<String, Value>,
        [id, text, arn, identifier]: &[&str; 4],
        time: &'static str,
    ) -> Result<Message, Error> {
        let value = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let event_id = value(id)
            .as_deref()
            .and_then(event_id)
            .ok_or_else(|| unrecognized(&format!("{} has no {id:?} that ends in RDS-EVENT-NNNN", self.place())))?;
        let source =
            EventSource { arn: value(arn), id: value(identifier), account: self.account.clone(), region: self.region.clone() };
        let times = self.sent_at(time, object.get(time)).times.into_iter().rev().collect();
        let text = value(text).unwrap_or_default();
        Ok(Message::Rds(Notification { event_id, text, source, times, is_replay: self.is_replay }))
    }
}

/// `RDS-EVENT-NNNN`, alone or at the end of a link to the page that explains it, once seen with a space after it.
fn event_id(text: &str) -> Option<String> {
    let id = text.rsplit('#').next().unwrap_or(text).trim();
    let digits = id.strip_prefix("RDS-EVENT-")?;
    (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| id.to_owned())
}
