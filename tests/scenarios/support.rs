//! What the scenarios share: a configured function, events of a given age, and the answer as a user sees it.

use std::time::Duration;

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::{Config, Error, Function};
use aws_config::SdkConfig;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::standin::{CLUSTER, Standin, TARGET_GROUP};

pub const IP_DICT: &str = r#"{"aurora-1":"10.0.1.11","aurora-2":"10.0.2.22","aurora-3":"10.0.3.33"}"#;
pub const WITH_RDS: &[(&str, &str)] = &[("DB_CLUSTER_ID", CLUSTER)];
pub const WITHOUT_RDS: &[(&str, &str)] = &[];

/// The targets of the three instances.
pub const A: &str = "10.0.1.11:3306";
pub const B: &str = "10.0.2.22:3306";
pub const C: &str = "10.0.3.33:3306";

/// What a late RDS goes on to show: the old writer, and no failover.
pub const LATE: &[(&str, &str)] = &[("available", "aurora-1")];

/// Just not fresh any more, in milliseconds.
pub const OLD: i64 = 60_001;
pub const HOUR: Duration = Duration::from_secs(3600);

/// The wall clock's time in every scenario.
pub fn now() -> DateTime<Utc> {
    "2026-03-14T03:12:07.412Z".parse().unwrap()
}

/// A function with a map of three instances and these variables, in front of the stand-in.
pub async fn function(standin: &Standin, variables: &[(&str, &str)]) -> Function {
    function_with(&standin.in_process().await, standin, variables)
}

pub fn function_with(sdk: &SdkConfig, standin: &Standin, variables: &[(&str, &str)]) -> Function {
    let defaults = [("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)];
    let all: Vec<_> = defaults.iter().chain(variables).collect();
    let get = |name: &str| all.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let config = Config::read(get).unwrap();
    let clients = Clients::new(sdk, &config.target_group_arn).with_dns(standin.clone());
    Function::new(config, clients)
}

/// One invocation with Lambda's 30 seconds; the answer as JSON, as Lambda hands it on.
pub async fn invoke(standin: &Standin, variables: &[(&str, &str)], payload: &Value) -> Result<Value, Error> {
    invoke_within(Duration::from_secs(30), standin, variables, payload).await
}

pub async fn invoke_within(
    time: Duration,
    standin: &Standin,
    variables: &[(&str, &str)],
    payload: &Value,
) -> Result<Value, Error> {
    invoke_at(now(), time, standin, variables, payload).await
}

pub async fn invoke_at(
    now: DateTime<Utc>,
    time: Duration,
    standin: &Standin,
    variables: &[(&str, &str)],
    payload: &Value,
) -> Result<Value, Error> {
    handle(&function(standin, variables).await, now, time, payload).await
}

/// One invocation of a function that lives on.
pub async fn invoke_with(function: &Function, payload: &Value) -> Result<Value, Error> {
    invoke_after(0, function, payload).await
}

/// The same, so many seconds later. An event's age counts from [`now`] all the same.
pub async fn invoke_after(seconds: i64, function: &Function, payload: &Value) -> Result<Value, Error> {
    handle(function, now() + TimeDelta::seconds(seconds), Duration::from_secs(30), payload).await
}

async fn handle(function: &Function, now: DateTime<Utc>, time: Duration, payload: &Value) -> Result<Value, Error> {
    // On the heap: without optimisation the SDK's futures are large, and a test thread's stack is small.
    let answer = Box::pin(function.handle(payload, now, Instant::now() + time)).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

/// A notification of the cluster, so old, as RDS writes it.
pub fn notification(event_id: &str, message: &str, age_ms: i64) -> Value {
    let time = now() - TimeDelta::milliseconds(age_ms);
    json!({
        "Event Source": "db-cluster",
        "Event Time": time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        "Identifier Link": "https://console.aws.amazon.com/rds/home?region=eu-west-1#dbclusters:id=aurora-prod",
        "Source ID": CLUSTER,
        "Source ARN": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
        "Event ID": format!("http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html#{event_id}"),
        "Event Message": message,
        "Tags": {},
    })
}

/// The Lambda event for these SNS messages, published now.
pub fn sns<'a>(messages: impl IntoIterator<Item = &'a Value>) -> Value {
    let text = |message: &Value| message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    let record = |message: &Value| {
        json!({ "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:eu-west-1:123456789012:t:1",
                "Sns": { "Type": "Notification", "Message": text(message), "Timestamp": now().to_rfc3339() } })
    };
    json!({ "Records": messages.into_iter().map(record).collect::<Vec<_>>() })
}

pub fn started(instance: &str, age_ms: i64) -> Value {
    sns([&notification("RDS-EVENT-0073", &format!("Started cross AZ failover to DB instance: {instance}"), age_ms)])
}

pub fn completed(instance: &str, age_ms: i64) -> Value {
    sns([&notification("RDS-EVENT-0071", &format!("Completed failover to DB instance: {instance}"), age_ms)])
}

pub fn promoting_previous(instance: &str, age_ms: i64) -> Value {
    sns([&notification("RDS-EVENT-0070", &format!("Promoting previous primary again: {instance}"), age_ms)])
}

pub fn failed(age_ms: i64) -> Value {
    sns([&notification(
        "RDS-EVENT-0069",
        "Cluster failover failed, check the health of your cluster instances and try again.",
        age_ms,
    )])
}

pub fn reconcile() -> Value {
    json!({ "action": "reconcile" })
}

/// The seconds that `run` took, on tokio's clock.
pub async fn seconds<T>(run: impl Future<Output = T>) -> (T, f64) {
    let start = Instant::now();
    (run.await, start.elapsed().as_secs_f64())
}

pub fn schedule() -> Value {
    json!({"source": "aws.scheduler"})
}

/// The targets as they are a minute or two later: none is `initial` any more, none drains.
pub fn settle(standin: &Standin) {
    let mut world = standin.world();
    world.targets.retain(crate::standin::Target::is_registered);
    world.targets.iter_mut().for_each(|target| "unhealthy".clone_into(&mut target.state));
}
