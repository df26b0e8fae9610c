//! Parses a Lambda payload into a [`Trigger`]: what the function is asked to do. Pure; the clock is passed in.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::claim::{AHEAD_MS, Claim, FailoverKind, event_id, named_instance, parse_time};
use crate::cluster::ClusterId;
use crate::config::{Followed, SwitchOn};
use crate::error::{Error, one_line};
use crate::writer::Asker;

/// What one payload asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    Failover {
        /// The newest claim; it decides.
        claim: Claim,
        /// One line for each other record of the payload: what it was, and why it does not decide.
        passed_over: Vec<String>,
        /// What was wrong with each record that could not be read.
        unreadable: Vec<Error>,
    },
    /// Compare the target group with RDS.
    Reconcile {
        /// `schedule` or `reconcile`.
        cause: &'static str,
        asker: Asker,
        /// The payload's own wish to write nothing.
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

/// Reads a payload.
///
/// # Errors
/// [`Error::UnrecognizedEvent`] for whatever is not a shape this function serves.
pub fn parse(payload: &Value, followed: &Followed, now: DateTime<Utc>) -> Result<Trigger, Error> {
    if let Some(records) = payload.get("Records") {
        let records = records.as_array().ok_or_else(|| unrecognized("Records is not a list".to_owned()))?;
        let read = |(i, record)| sns_message(i, record).and_then(|sns| read_message(&sns, now));
        return newest_claim(records.iter().enumerate().map(read), followed);
    }
    if let Some(source) = payload.get("source") {
        return match source.as_str() {
            Some("aws.events" | "aws.scheduler") => {
                Ok(Trigger::Reconcile { cause: "schedule", asker: Asker::Routine, dry_run: false })
            }
            Some("aws.rds") => newest_claim([read_eventbridge(payload, now)], followed),
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

fn sns_message(i: usize, record: &Value) -> Result<Sns, Error> {
    let sns = record.get("Sns").ok_or_else(|| unrecognized(format!("Records[{i}] has no Sns")))?;
    Sns::deserialize(sns).map_err(|error| unrecognized(format!("Records[{i}].Sns: {error}")))
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
    let time = time.filter(|time| (now - time).num_milliseconds() >= -AHEAD_MS);
    let age_ms = time.map(|time| (now - time).num_milliseconds());
    let time = time.map(|time| time.min(now));
    Notice::Claim(Claim { kind, instance, message: one_line(message), cluster, age_ms, time })
}

/// A `Source ARN` that is no cluster's still names what the event is of: not our cluster.
fn cluster(arn: Option<&str>, id: Option<&str>) -> Option<ClusterId> {
    let by_arn = arn.and_then(|arn| ClusterId::parse(arn.trim()));
    by_arn.or_else(|| id.and_then(ClusterId::of_event)).or_else(|| arn.and_then(ClusterId::of_event))
}

fn newest_claim(notices: impl IntoIterator<Item = Result<Notice, Error>>, followed: &Followed) -> Result<Trigger, Error> {
    let (mut claims, mut others, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for notice in notices {
        match notice {
            Ok(Notice::Claim(claim)) => match not_followed(&claim, followed) {
                None => claims.push(claim),
                Some(reason) => others.push((Some(claim.kind.event_id().to_owned()), reason)),
            },
            Ok(Notice::Other { cause, reason }) => others.push((cause, reason)),
            Err(error) => unreadable.push(error),
        }
    }
    // A claim of unknown age is the oldest of all; of two alike the later record decides.
    let newest = (0..claims.len()).max_by_key(|i| claims.get(*i).and_then(|claim| claim.time));
    let Some(newest) = newest else {
        if let Some(error) = unreadable.into_iter().next() {
            return Err(error);
        }
        let cause = others.iter().find_map(|(cause, _)| cause.clone());
        let reasons: Vec<_> = others.into_iter().map(|(_, reason)| reason).collect();
        let reason = if reasons.is_empty() { "the SNS event holds no record".to_owned() } else { reasons.join("; ") };
        return Ok(Trigger::Ignored { cause, reason });
    };
    let claim = claims.remove(newest);
    let superseded = claims.iter().map(|other| format!("{} {:?}: superseded", other.kind.event_id(), other.message));
    let passed_over = superseded.chain(others.into_iter().map(|(_, reason)| reason)).collect();
    Ok(Trigger::Failover { claim, passed_over, unreadable })
}

/// Why a claim is none of ours, if it is none.
fn not_followed(claim: &Claim, followed: &Followed) -> Option<String> {
    if let (Some(theirs), Some(ours)) = (&claim.cluster, &followed.cluster)
        && !theirs.is_same(ours)
    {
        return Some(format!("the event is of cluster {}, not of {}", theirs.name(), ours.name()));
    }
    (claim.kind.is_started() && followed.switch_on == SwitchOn::Completed)
        .then(|| format!("{} only starts a failover, and SWITCH_ON is completed", claim.kind.event_id()))
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
            /// Accepted, for it changes nothing: `check` never writes.
            #[serde(default, rename = "dry_run")]
            _dry_run: bool,
        },
    }
    match Action::deserialize(payload).map_err(|error| unrecognized(format!("action: {error}")))? {
        Action::Reconcile { dry_run, force } => {
            let asker = if force { Asker::Operator } else { Asker::Routine };
            Ok(Trigger::Reconcile { cause: "reconcile", asker, dry_run })
        }
        Action::Check { .. } => Ok(Trigger::Check),
    }
}
