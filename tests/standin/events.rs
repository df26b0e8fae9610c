//! The notifications of RDS, as SNS hands them to Lambda.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{CLUSTER, DB_INSTANCE};

/// A notification of the cluster, as RDS writes it.
pub fn notification(event_id: &str, message: &str, time: DateTime<Utc>) -> Value {
    json!({
        "Event Source": "db-cluster",
        "Event Time": event_time(time),
        "Identifier Link": "https://console.aws.amazon.com/rds/home?region=eu-west-1#dbclusters:id=aurora-prod",
        "Source ID": CLUSTER,
        "Source ARN": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
        "Event ID": format!("http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html#{event_id}"),
        "Event Message": message,
        "Tags": {},
    })
}

/// A notification of the DB instance.
pub fn instance_notification(event_id: &str, message: &str, time: DateTime<Utc>) -> Value {
    let mut notification = notification(event_id, message, time);
    notification["Event Source"] = "db-instance".into();
    notification["Source ID"] = DB_INSTANCE.into();
    notification["Source ARN"] = format!("arn:aws:rds:eu-west-1:123456789012:db:{DB_INSTANCE}").into();
    notification
}

pub fn event_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// The Lambda event for these messages, published at this time.
pub fn sns<'a>(messages: impl IntoIterator<Item = &'a Value>, time: DateTime<Utc>) -> Value {
    let text = |message: &Value| message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    let record = |message: &Value| {
        json!({ "EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "arn:aws:sns:eu-west-1:123456789012:t:1",
                "Sns": { "Type": "Notification", "Message": text(message), "Timestamp": time.to_rfc3339() } })
    };
    json!({ "Records": messages.into_iter().map(record).collect::<Vec<_>>() })
}

pub fn started(instance: &str) -> String {
    format!("Started cross AZ failover to DB instance: {instance}")
}

/// The payload in this file of events/.
pub fn file(name: &str) -> Value {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(name).with_extension("json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// The names of the files in events/, without `.json`.
pub fn files() -> Vec<String> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/events")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    names
}
