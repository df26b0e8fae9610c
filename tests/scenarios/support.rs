//! The prelude of the scenarios: the stand-in, events of a given age, and one invocation after another.

pub use std::time::Duration;

use aurora_nlb_failover::{Error, Function};
use chrono::{DateTime, TimeDelta, Utc};
pub use serde_json::{Value, json};
use tokio::time::Instant;

use crate::standin::CLUSTER;
use crate::standin::events::{self, sns as sns_at};
pub use crate::standin::function::{config, function, function_with, handle, summary};
pub use crate::standin::{A, B, C, Fault, MEMBERS, Standin};

pub type Variables<'a> = &'a [(&'a str, &'a str)];

pub const WITH_RDS: Variables = &[("DB_CLUSTER_ID", CLUSTER)];
pub const WITHOUT_RDS: Variables = &[];
pub const NO_MAP: Variables = &[("DB_CLUSTER_ID", CLUSTER), ("IP_DICT", "")];
pub const DRY: Variables = &[("DB_CLUSTER_ID", CLUSTER), ("DRY_RUN", "true")];

/// What RDS shows once aurora-2 is the writer.
pub const SHOWS_B: &[(&str, &str)] = &[("available", "aurora-2")];
pub const SHOWS_C: &[(&str, &str)] = &[("available", "aurora-3")];
/// What a late RDS goes on to show: the old writer, and no failover.
pub const LATE: &[(&str, &str)] = &[("available", "aurora-1")];

/// Just not fresh any more, in milliseconds.
pub const OLD: i64 = 60_001;
pub const HOUR: Duration = Duration::from_secs(3600);

pub const DENIED: Fault = Fault::Error(403, "AccessDenied", "not authorized");
pub const DOWN: Fault = Fault::Error(503, "ServiceUnavailable", "down");
/// Lets one call through, so that a fault meets the next.
pub const PASS: Fault = Fault::Delay(Duration::ZERO);

/// The wall clock's time in every scenario.
pub fn now() -> DateTime<Utc> {
    "2026-03-14T03:12:07.412Z".parse().unwrap()
}

/// One invocation of a new process with Lambda's 30 seconds.
pub async fn invoke(standin: &Standin, variables: Variables<'_>, payload: &Value) -> Result<Value, Error> {
    invoke_within(Duration::from_secs(30), standin, variables, payload).await
}

pub async fn invoke_within(time: Duration, standin: &Standin, variables: Variables<'_>, payload: &Value) -> Result<Value, Error> {
    handle(&function(standin, variables).await, payload, now(), Instant::now() + time).await
}

/// One invocation of a process that lives on.
pub async fn invoke_with(function: &Function, payload: &Value) -> Result<Value, Error> {
    invoke_after(0, function, payload).await
}

/// The same, so many seconds later. An event's age counts from [`now`] all the same.
pub async fn invoke_after(seconds: i64, function: &Function, payload: &Value) -> Result<Value, Error> {
    handle(function, payload, now() + TimeDelta::seconds(seconds), Instant::now() + Duration::from_secs(30)).await
}

/// A process that has just acted on a failover to aurora-2, which began so long ago.
pub async fn switched_to_b(standin: &Standin, age_ms: i64) -> Function {
    let function = function(standin, WITH_RDS).await;
    assert_eq!(summary(&invoke_with(&function, &started("aurora-2", age_ms)).await), "switched aurora-2 event");
    function
}

/// A notification of the cluster, so old.
pub fn notification(event_id: &str, message: &str, age_ms: i64) -> Value {
    events::notification(event_id, message, now() - TimeDelta::milliseconds(age_ms))
}

/// The notification that a failover to this instance has started.
pub fn failover_to(instance: &str, age_ms: i64) -> Value {
    notification("RDS-EVENT-0073", &events::started(instance), age_ms)
}

/// The Lambda event for these messages, published now.
pub fn sns<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Value {
    sns_at(messages, now())
}

pub fn started(instance: &str, age_ms: i64) -> Value {
    sns([&failover_to(instance, age_ms)])
}

pub fn completed(instance: &str, age_ms: i64) -> Value {
    sns([&notification("RDS-EVENT-0071", &format!("Completed failover to DB instance: {instance}"), age_ms)])
}

pub fn promoting_previous(instance: &str, age_ms: i64) -> Value {
    sns([&notification("RDS-EVENT-0070", &format!("Promoting previous primary again: {instance}"), age_ms)])
}

pub fn failed(age_ms: i64) -> Value {
    let message = "Cluster failover failed, check the health of your cluster instances and try again.";
    sns([&notification("RDS-EVENT-0069", message, age_ms)])
}

pub fn reconcile() -> Value {
    json!({ "action": "reconcile" })
}

pub fn forced() -> Value {
    json!({ "action": "reconcile", "force": true })
}

pub fn schedule() -> Value {
    json!({ "source": "aws.scheduler" })
}

pub fn check() -> Value {
    json!({ "action": "check" })
}

/// The seconds that `run` took, on tokio's clock.
pub async fn seconds<T>(run: impl Future<Output = T>) -> (T, f64) {
    let start = Instant::now();
    (run.await, start.elapsed().as_secs_f64())
}

/// How often this was called.
pub fn count(standin: &Standin, action: &str) -> usize {
    standin.calls().iter().filter(|call| *call == action).count()
}

/// The doubt, or the outcome of a run that was not in doubt.
pub fn doubt_or_outcome(answer: &Value) -> &str {
    answer["doubt"].as_str().or(answer["outcome"].as_str()).unwrap()
}

#[track_caller]
pub fn assert_has(text: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(text.contains(word), "{text:?} lacks {word:?}"));
}

/// Asserts that a run fails by this name, and says these words in one line.
#[track_caller]
pub fn assert_fails(answer: Result<Value, Error>, name: &str, words: &[&str]) {
    let error = answer.unwrap_err();
    assert_eq!(error.name(), name, "{error}");
    assert_has(&error.to_string(), words);
    assert!(!error.to_string().contains('\n'), "{error}");
}
