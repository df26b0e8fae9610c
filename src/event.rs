//! Payload shapes → [`Trigger`]: what was asked of the function, and by whose word. Pure; the clock is passed in.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::claim::{Claim, FRESH_MS, FailoverKind};
use crate::cluster::{ClusterId, InstanceId};
use crate::error::{Error, one_line};

/// What one payload asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A failover event.
    Failover {
        /// The newest claim; it decides.
        claim: Claim,
        /// One line for each other record of the payload: what it was, and why it does not decide.
        passed_over: Vec<String>,
    },
    /// Compare the target group with RDS.
    Reconcile {
        /// `schedule` or `reconcile`.
        cause: &'static str,
        /// The payload's own wish to write nothing.
        dry_run: bool,
    },
    /// Examine the set-up, write nothing.
    Check,
    /// Nothing to do.
    Ignored {
        /// The event's ID, if it has one.
        cause: Option<String>,
        /// Why it is ignored.
        reason: String,
    },
}

/// Reads a payload. With `ours` set, events of another cluster are ignored.
///
/// # Errors
/// [`Error::UnrecognizedEvent`] for whatever is not a shape this function serves.
pub fn parse(payload: &Value, ours: Option<&ClusterId>, now: DateTime<Utc>) -> Result<Trigger, Error> {
    if let Some(records) = payload.get("Records") {
        let notices = sns_messages(records)?.into_iter().map(|sns| read_message(&sns, now)).collect::<Result<Vec<_>, _>>()?;
        return Ok(newest_claim(notices, ours));
    }
    if let Some(source) = payload.get("source") {
        return match source.as_str() {
            Some("aws.events" | "aws.scheduler") => Ok(Trigger::Reconcile { cause: "schedule", dry_run: false }),
            Some("aws.rds") => Ok(newest_claim(vec![read_eventbridge(payload, now)?], ours)),
            _ => Err(unrecognized(format!("source {source} is none of aws.rds, aws.events, aws.scheduler"))),
        };
    }
    if payload.get("action").is_some() {
        return read_action(payload);
    }
    Err(unrecognized("the payload has none of Records (SNS), source (EventBridge), action".to_owned()))
}

fn unrecognized(what: String) -> Error {
    Error::UnrecognizedEvent(format!(
        "{}; expected an SNS event with RDS notifications, an EventBridge event of aws.rds or a schedule, \
         {{\"action\":\"reconcile\"}} or {{\"action\":\"check\"}}",
        one_line(&what)
    ))
}

/// The part of an SNS record that matters here. `aws_lambda_events` has the whole of it, but would refuse a record
/// without the fields that sign it, which nobody reads.
#[derive(Deserialize)]
struct Sns {
    #[serde(rename = "Message")]
    message: String,
    #[serde(rename = "Timestamp")]
    timestamp: Option<Value>,
}

fn sns_messages(records: &Value) -> Result<Vec<Sns>, Error> {
    let records = records.as_array().ok_or_else(|| unrecognized("Records is not a list".to_owned()))?;
    let sns = |(i, record): (usize, &Value)| {
        let sns = record.get("Sns").ok_or_else(|| unrecognized(format!("Records[{i}] has no Sns")))?;
        Sns::deserialize(sns).map_err(|error| unrecognized(format!("Records[{i}].Sns: {error}")))
    };
    records.iter().enumerate().map(sns).collect()
}

/// One message: a claim, or the reason why it is none.
enum Notice {
    Claim(Claim),
    Other { cause: Option<String>, reason: String },
}

fn read_message(sns: &Sns, now: DateTime<Utc>) -> Result<Notice, Error> {
    let message = match serde_json::from_str::<Value>(&sns.message) {
        Ok(message) => message,
        // JSON, but nested too deep or with numbers too large for us.
        Err(error) if serde_json::from_str::<IgnoredAny>(&sns.message).is_ok() => {
            return Err(unrecognized(format!("the SNS message is JSON that cannot be read: {error}")));
        }
        Err(_) => {
            let reason = "the SNS message is not JSON, so it is no event (RDS announces its subscription in plain text)";
            return Ok(Notice::Other { cause: None, reason: reason.to_owned() });
        }
    };
    let text = |key: &str| message.get(key).and_then(Value::as_str);
    let event_id = text("Event ID")
        .and_then(event_id)
        .ok_or_else(|| unrecognized("the SNS message is JSON but has no \"Event ID\" that ends in RDS-EVENT-NNNN".to_owned()))?;
    let time = text("Event Time").and_then(parse_time).or_else(|| sns.timestamp.as_ref()?.as_str().and_then(parse_time));
    let cluster = cluster(text("Source ARN"), text("Source ID"));
    Ok(notice(event_id, text("Event Message").unwrap_or_default(), cluster, time, now))
}

fn read_eventbridge(payload: &Value, now: DateTime<Utc>) -> Result<Notice, Error> {
    // Only what is read: an oddity in a field that nobody reads must not lose a failover.
    let read =
        ["source", "detail-type", "detail"].into_iter().filter_map(|key| Some((key.to_owned(), payload.get(key)?.clone())));
    let event = EventBridgeEvent::<Value>::deserialize(Value::Object(read.collect()))
        .map_err(|error| unrecognized(format!("EventBridge event: {error}")))?;
    let text = |key: &str| event.detail.get(key).and_then(Value::as_str);
    let event_id = text("EventID")
        .and_then(event_id)
        .ok_or_else(|| unrecognized("the aws.rds event has no detail.EventID like RDS-EVENT-NNNN".to_owned()))?;
    let time = text("Date").and_then(parse_time).or_else(|| payload.get("time")?.as_str().and_then(parse_time));
    let cluster = cluster(text("SourceArn"), text("SourceIdentifier"));
    Ok(notice(event_id, text("Message").unwrap_or_default(), cluster, time, now))
}

fn notice(event_id: &str, message: &str, cluster: Option<ClusterId>, time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Notice {
    let Some(kind) = FailoverKind::of(event_id) else {
        let reason = format!("{event_id} is none of the failover events RDS-EVENT-0069 to RDS-EVENT-0073");
        return Notice::Other { cause: Some(event_id.to_owned()), reason };
    };
    let instance = (kind != FailoverKind::Failed).then(|| named_instance(message)).flatten();
    let age_ms = time.map(|time| (now - time).num_milliseconds()).filter(|age| *age >= -FRESH_MS);
    Notice::Claim(Claim { kind, instance, message: one_line(message), cluster, age_ms })
}

/// `RDS-EVENT-NNNN`, alone or at the end of a link to the page that explains it, once seen with a space after it.
fn event_id(text: &str) -> Option<&str> {
    let id = text.rsplit('#').next().unwrap_or(text).trim();
    let digits = id.strip_prefix("RDS-EVENT-")?;
    (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some(id)
}

/// The name after the last `": "`. The sentence before it varies in ways that are not documented.
fn named_instance(message: &str) -> Option<InstanceId> {
    let (_, name) = message.rsplit_once(": ")?;
    let name = name.trim();
    InstanceId::parse(name.strip_suffix('.').unwrap_or(name).trim())
}

fn cluster(arn: Option<&str>, id: Option<&str>) -> Option<ClusterId> {
    arn.and_then(|arn| ClusterId::parse(arn.trim())).or_else(|| ClusterId::of_event(id?))
}

/// RDS writes `2021-05-16 03:33:34.532` in SNS, meaning UTC, and RFC 3339 in EventBridge; so does SNS itself.
fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let rds = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").map(|time| time.and_utc());
    rds.or_else(|_| DateTime::parse_from_rfc3339(text).map(|time| time.to_utc())).ok()
}

fn newest_claim(notices: Vec<Notice>, ours: Option<&ClusterId>) -> Trigger {
    let mut claims = Vec::new();
    let mut others = Vec::new();
    for notice in notices {
        match notice {
            Notice::Claim(claim) => match foreign(&claim, ours) {
                None => claims.push(claim),
                Some(reason) => others.push((Some(claim.kind.event_id().to_owned()), reason)),
            },
            Notice::Other { cause, reason } => others.push((cause, reason)),
        }
    }
    // The youngest; a claim of unknown age is the oldest of all; of two alike the later record.
    let newest = (0..claims.len()).rev().min_by_key(|i| claims.get(*i).and_then(|claim| claim.age_ms).unwrap_or(i64::MAX));
    let Some(newest) = newest else {
        let cause = others.iter().find_map(|(cause, _)| cause.clone());
        let reasons: Vec<_> = others.into_iter().map(|(_, reason)| reason).collect();
        let reason = if reasons.is_empty() { "the SNS event holds no record".to_owned() } else { reasons.join("; ") };
        return Trigger::Ignored { cause, reason };
    };
    let claim = claims.remove(newest);
    let superseded = claims.iter().map(|other| format!("{} {:?}: superseded", other.kind.event_id(), other.message));
    let passed_over = superseded.chain(others.into_iter().map(|(_, reason)| reason)).collect();
    Trigger::Failover { claim, passed_over }
}

fn foreign(claim: &Claim, ours: Option<&ClusterId>) -> Option<String> {
    let (theirs, ours) = (claim.cluster.as_ref()?, ours?);
    (!theirs.is_same(ours)).then(|| format!("the event is of cluster {}, not of {}", theirs.name(), ours.name()))
}

fn read_action(payload: &Value) -> Result<Trigger, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Action {
        Reconcile,
        Check,
    }
    // An unknown field is refused: a misspelt "dry_run" must not turn into a real run.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        action: Action,
        #[serde(default)]
        dry_run: bool,
    }
    match Request::deserialize(payload).map_err(|error| unrecognized(format!("action: {error}")))? {
        Request { action: Action::Reconcile, dry_run } => Ok(Trigger::Reconcile { cause: "reconcile", dry_run }),
        Request { action: Action::Check, .. } => Ok(Trigger::Check),
    }
}
