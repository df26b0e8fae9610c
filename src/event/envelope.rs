//! Takes the envelopes off a payload: SNS, SQS, EventBridge and Pipes wrap the same notifications, in any order and to any depth.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::context::Context;
use super::message::{Message, unrecognized};
use crate::error::{Error, one_line};

/// The detail-type of an EventBridge event that must have an `EventID`.
const CLUSTER_EVENT: &str = "RDS DB Cluster Event";

type Messages = Vec<Result<Message, Error>>;

/// All messages of a payload, in their order; at least one.
pub(super) fn open(payload: &Value) -> Messages {
    match payload {
        Value::Object(_) | Value::Array(_) => open_value(payload, &Context::default()),
        _ => vec![Err(unrecognized(&format!("the payload is {}", kind_of(payload))))],
    }
}

fn open_value(value: &Value, context: &Context) -> Messages {
    match value {
        Value::Object(object) => open_object(object, context),
        Value::Array(list) => open_list(list, context),
        Value::String(text) => open_text(text, context),
        other => vec![Ok(Message::Other(format!("{} is {}, not an event", context.place(), kind_of(other))))],
    }
}

/// The text of a message or body. What is not JSON is not an event: RDS announces a subscription in plain text, and an input
/// transformer of EventBridge puts text into quotes.
fn open_text(text: &str, context: &Context) -> Messages {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => open_value(&value, context),
        // JSON, but nested too deep or with numbers too large for us.
        Err(error) if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            vec![Err(unrecognized(&format!("{} is JSON that cannot be read: {error}", context.place())))]
        }
        Err(_) => {
            let reason = "is not JSON, so it is not an event (RDS announces its subscription in plain text)";
            vec![Ok(Message::Other(format!("{} {reason}", context.place())))]
        }
    }
}

fn open_list(list: &[Value], context: &Context) -> Messages {
    if list.is_empty() {
        return vec![Ok(Message::Other(format!("{} is an empty list", context.place())))];
    }
    let open_element = |(i, element): (usize, &Value)| {
        let context = context.at(&format!("[{i}]"));
        match element {
            Value::Object(object) => open_object(object, &context),
            other => vec![Err(unrecognized(&format!("{} is {}, not an object", context.place(), kind_of(other))))],
        }
    };
    list.iter().enumerate().flat_map(open_element).collect()
}

/// The one rule: the first of these fields that an object has decides what it is.
fn open_object(object: &Map<String, Value>, context: &Context) -> Messages {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let message = if object.contains_key("action") {
        context.only_at_top(Message::Action(Value::Object(object.clone())), "an action")
    } else if let Some(records) = object.get("Records") {
        match records {
            Value::Array(list) => return open_list(list, &context.at("Records")),
            _ => Err(unrecognized(&format!("{} is not a list", context.at("Records").place()))),
        }
    } else if let Some(sns) = object.get("Sns") {
        return open_sns(sns, &context.at("Sns"));
    } else if let (Some("aws:sqs"), Some(body)) = (text("eventSource"), text("body")) {
        return open_text(body, &context.at("body"));
    } else if let Some(source) = object.get("source") {
        match source.as_str() {
            Some("aws.events" | "aws.scheduler") => context.only_at_top(Message::Schedule, "a schedule"),
            Some("aws.rds") => read_eventbridge(object, context),
            _ => Err(unserved(object, context, &format!("source {source} is not one of aws.rds, aws.events, aws.scheduler"))),
        }
    } else if let (Some(_), Some(Value::String(_))) = (object.get("Type"), object.get("Message")) {
        return open_sns(&Value::Object(object.clone()), context);
    } else if object.contains_key("Event ID") {
        read_notification(object, context)
    } else if object.contains_key("EventID") {
        read_detail(object, context)
    } else {
        let known = "it has no Records, Sns, source, Type with Message, Event ID, EventID or action";
        Err(unserved(object, context, &format!("{} is not an event: {known}", context.place())))
    };
    vec![message]
}

/// The `Sns` of a record, or an SNS envelope by itself.
fn open_sns(sns: &Value, context: &Context) -> Messages {
    let Some(message) = sns.get("Message").and_then(Value::as_str) else {
        return vec![Err(unrecognized(&format!("{} has no Message that is a text", context.place())))];
    };
    open_text(message, &context.sent_at("Timestamp", sns.get("Timestamp")).at("Message"))
}

fn read_notification(object: &Map<String, Value>, context: &Context) -> Result<Message, Error> {
    context.notification(object, &["Event ID", "Event Message", "Source ARN", "Source ID"], "Event Time")
}

fn read_detail(object: &Map<String, Value>, context: &Context) -> Result<Message, Error> {
    context.notification(object, &["EventID", "Message", "SourceArn", "SourceIdentifier"], "Date")
}

fn read_eventbridge(event: &Map<String, Value>, context: &Context) -> Result<Message, Error> {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    let (Some(detail_type), Some(detail)) = (text("detail-type"), event.get("detail").and_then(Value::as_object)) else {
        return Err(unrecognized(&format!("{} is of aws.rds, but has no detail-type or detail", context.place())));
    };
    if !detail.contains_key("EventID") && detail_type != CLUSTER_EVENT {
        return Ok(Message::Other(one_line(&format!(
            "an aws.rds event of type {detail_type:?} without EventID is not a failover"
        ))));
    }
    let mut inside = context.sent_at("time", event.get("time")).at("detail");
    inside.account = text("account").map(str::to_owned);
    inside.region = text("region").map(str::to_owned);
    inside.is_replay |= event.contains_key("replay-name");
    read_detail(detail, &inside)
}

/// A Lambda destination record holds an event on which the function has failed; by now the schedule has followed the writer.
fn unserved(object: &Map<String, Value>, context: &Context, what: &str) -> Error {
    let detail = object.get("detail").and_then(Value::as_object);
    if [Some(object), detail].into_iter().flatten().any(|object| object.contains_key("requestPayload")) {
        return unrecognized(&format!(
            "{} has requestPayload, so it is a Lambda destination record: there is nothing to replay, since later runs follow the \
             writer anyway",
            context.place()
        ));
    }
    unrecognized(what)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a JSON boolean",
        Value::Number(_) => "a JSON number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
