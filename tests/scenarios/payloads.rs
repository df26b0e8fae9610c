//! Payloads in all their variety: what is acted on, what is ignored, what is refused.

use crate::support::*;

/// The notification of a failover to aurora-2 that has just started, with these fields changed.
fn with(fields: &[(&str, Value)]) -> Value {
    let mut notification = failover_to("aurora-2", 0);
    fields.iter().for_each(|(key, value)| notification[key] = value.clone());
    notification
}

fn without(fields: &[&str]) -> Value {
    let mut notification = failover_to("aurora-2", 0);
    notification.as_object_mut().unwrap().retain(|key, _| !fields.contains(&key.as_str()));
    notification
}

/// The same of another cluster.
fn foreign() -> Value {
    with(&[("Source ID", json!("billing")), ("Source ARN", json!("arn:aws:rds:eu-west-1:123456789012:cluster:billing"))])
}

#[rustfmt::skip]
fn variations() -> Vec<Value> {
    let (id, message) = ("Event ID", "Event Message");
    vec![
        with(&[(id, "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html#RDS-EVENT-0073".into())]),
        with(&[(id, "http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html#RDS-EVENT-0073 ".into())]),
        with(&[(id, "RDS-EVENT-0072".into())]),
        with(&[(message, "Started same AZ failover to DB instance: aurora-2.".into())]),
        with(&[(message, "Started: some new: sentence: \t AURORA-2 .\n".into())]),
        without(&["Source ARN", "Tags"]),
        without(&["Source ID"]),
        without(&["Source ID", "Source ARN"]), // as in 2016: no other cluster is named, so it is ours
        with(&[("Source ID", " ".into()), ("Source ARN", Value::Null)]),
        with(&[("Source ID", "AURORA-PROD".into())]),
        without(&["Identifier Link", "Event Source", "Tags"]),
        with(&[("Tags", json!({"aws:cloudformation:stack-name": "prod"}))]),
        with(&[("Event Time", "not a time".into())]),
        without(&["Event Time"]),
        with(&[("Event Time", "2026-03-14 03:11:09".into())]),
    ]
}

#[tokio::test(start_paused = true)]
async fn variations_of_the_notification_are_understood_alike() {
    for notification in variations() {
        let standin = Standin::new();
        let answer = invoke(&standin, WITH_RDS, &sns([&notification])).await;
        assert_eq!(summary(&answer), "switched aurora-2 event", "{notification}");
        assert_eq!(standin.registered(), [B], "{notification}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_that_is_not_read_does_not_lose_an_eventbridge_event() {
    let detail = json!({"EventID": "RDS-EVENT-0073", "Message": "Started cross AZ failover to DB instance: aurora-2",
                        "SourceIdentifier": "aurora-prod", "Date": now().to_rfc3339()});
    for (key, odd) in [("time", json!("yesterday")), ("time", json!(0)), ("account", json!(123)), ("resources", json!("x"))] {
        let mut event = json!({"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": detail});
        event[key] = odd;
        assert_eq!(summary(&invoke(&Standin::new(), WITH_RDS, &event).await), "switched aurora-2 event", "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_event_of_several_records_decides() {
    let to = failover_to;
    let timeless = [("Event Time", json!("2030-01-01 00:00:00.000"))]; // far in the future: of unknown age
    let table = [
        vec![to("aurora-2", 1_000), to("aurora-3", 9_000)],
        vec![to("aurora-3", 9_000), to("aurora-2", 1_000)],
        vec![to("aurora-2", 1_000), to("aurora-2", 1_000)],
        vec![to("aurora-3", 1_000), to("aurora-2", 1_000)], // of two alike the later record
        vec![to("aurora-2", 1_000), with(&[&timeless[..], &[("Event Message", "x: aurora-3".into())]].concat())],
        vec![to("aurora-2", 1_000), foreign(), "a notice in plain text".into()],
    ];
    for messages in table {
        let standin = Standin::new();
        let answer = invoke(&standin, WITH_RDS, &sns(&messages)).await;
        assert_eq!(summary(&answer), "switched aurora-2 event", "{messages:?}");
    }
}

#[rustfmt::skip]
fn ignored() -> Vec<(Value, &'static str)> {
    let null = Value::Null;
    let of_instance = json!({"source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {"EventID": "RDS-EVENT-0006"}});
    vec![
        (sns([&"This is a message to notify that RDS will attempt to send you event notifications".into()]), "not JSON"),
        (sns([&"".into()]), "not JSON"),
        (sns([&notification("RDS-EVENT-0170", "DB cluster started.", 0)]), "RDS-EVENT-0170"),
        (sns([&notification("RDS-EVENT-0049", "Multi-AZ instance failover completed.", 0)]), "RDS-EVENT-0049"),
        (sns([&foreign()]), "billing"),
        (sns([&with(&[("Source ID", "a name that RDS would not give".into()), ("Source ARN", null.clone())])]), "a name that rds would not give"),
        (sns([&with(&[("Source ID", null), ("Source ARN", "arn:aws:rds:eu-west-1:123456789012:db:aurora-prod".into())])]), ":db:aurora-prod"),
        (sns([]), "Records is an empty list"),
        (of_instance, "RDS-EVENT-0006"),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_is_no_failover_of_this_cluster_is_ignored_with_the_reason() {
    for (payload, reason) in ignored() {
        let standin = Standin::new();
        let answer = invoke(&standin, WITH_RDS, &payload).await.unwrap();
        assert_eq!(answer["outcome"], "ignored", "{payload}");
        assert_has(answer["reason"].as_str().unwrap(), &[reason]);
        assert!(standin.calls().is_empty(), "{payload}");
    }
}

#[rustfmt::skip]
fn not_understood() -> Vec<Value> {
    vec![
        json!(null), json!("text"), json!(42), json!({}), json!({"source": 1}),
        json!({"Records": {}}), json!({"Records": [{}]}), json!({"Records": [{"s3": {"object": {"key": "x"}}}]}),
        json!({"Records": [{"Sns": {}}]}), json!({"Records": [{"Sns": {"Message": 1}}]}),
        sns([&json!({"hello": "world"})]), sns([&json!([1])]), sns([&("[".repeat(200) + &"]".repeat(200)).into()]),
        sns([&json!({"Event ID": "RDS-EVENT-"})]), sns([&json!({"Event ID": 73})]),
        sns([&"a plain-text notice".into(), &json!({"hello": "world"})]),
        json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}}),
        json!({"source": "aws.rds"}), json!({"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": {}}),
        json!({"action": "destroy"}), json!({"action": null}), json!({"action": "check", "force": true}),
        json!({"action": "two\nlines"}), // found by the hostile inputs: the refusal took two lines as well
        json!({"action": "reconcile", "dry_run": "yes"}), json!({"action": "reconcile", "dryrun": true}),
        json!({"action": "reconcile", "force": "yes"}),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_refused_before_any_call() {
    for payload in not_understood() {
        let standin = Standin::new();
        assert_fails(invoke(&standin, WITH_RDS, &payload).await, "UnrecognizedEvent", &[]);
        assert!(standin.calls().is_empty(), "{payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_event_without_a_readable_instance_is_malformed_unless_rds_can_say() {
    for message in
        ["", "Started cross AZ failover", "Started cross AZ failover to DB instance: ", "to DB instance: two words", "x: -"]
    {
        let payload = sns([&notification("RDS-EVENT-0073", message, 0)]);
        let standin = Standin::new();
        assert_eq!(summary(&invoke(&standin, WITHOUT_RDS, &payload).await), "MalformedEvent", "{message}");
        assert!(standin.calls().is_empty());
        let answer = invoke(&Standin::new().rds_shows(SHOWS_B), WITH_RDS, &payload).await;
        assert_eq!(summary(&answer), "switched aurora-2 rds", "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_does_not_lose_the_event_next_to_it() {
    let mut broken = sns([&failover_to("aurora-2", 0), &json!({"hello": "world"})]);
    broken["Records"].as_array_mut().unwrap().insert(0, json!({"s3": {}}));
    assert_eq!(summary(&invoke(&Standin::new(), WITH_RDS, &broken).await), "switched aurora-2 event");
}

const ON_COMPLETED: Variables = &[("SWITCH_ON", "completed")];

#[tokio::test(start_paused = true)]
async fn with_switch_on_completed_started_events_are_ignored() {
    for variables in [WITH_RDS, WITHOUT_RDS] {
        for age in [0, 3_600_000] {
            let standin = Standin::new();
            let answer = invoke(&standin, &[ON_COMPLETED, variables].concat(), &started("aurora-2", age)).await.unwrap();
            assert_eq!((&answer["outcome"], &answer["cause"]), (&json!("ignored"), &json!("RDS-EVENT-0073")));
            assert_has(answer["reason"].as_str().unwrap(), &["SWITCH_ON"]);
            assert!(standin.calls().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn with_switch_on_completed_a_newer_started_event_does_not_compete_and_the_schedule_follows_rds() {
    let older = notification("RDS-EVENT-0071", "Completed failover to DB instance: aurora-2", 9_000);
    let newer = notification("RDS-EVENT-0072", "Started same AZ failover to DB instance: aurora-3", 1_000);
    let variables = [ON_COMPLETED, WITH_RDS].concat();
    let answer = invoke(&Standin::new().rds_shows(SHOWS_B), &variables, &sns([&older, &newer])).await;
    assert_eq!(summary(&answer), "switched aurora-2 event+rds");
    let answer = invoke(&Standin::new().rds_shows(SHOWS_C), &variables, &reconcile()).await;
    assert_eq!(summary(&answer), "switched aurora-3 rds");
}
