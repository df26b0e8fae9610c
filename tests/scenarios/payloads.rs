//! Payloads in all their variety: what is acted on, what is ignored, what is refused.

use serde_json::{Value, json};

use crate::standin::Standin;
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn variations_of_the_notification_are_understood_alike() {
    let base = notification("RDS-EVENT-0073", "Started cross AZ failover to DB instance: aurora-2", 0);
    let with = |key: &str, value: Value| {
        let mut notification = base.clone();
        notification[key] = value;
        notification
    };
    let without = |keys: &[&str]| {
        let mut notification = base.clone();
        keys.iter().for_each(|key| drop(notification.as_object_mut().unwrap().remove(*key)));
        notification
    };
    let id = |text: &str| with("Event ID", text.into());
    let message = |text: &str| with("Event Message", text.into());
    let mut with_empty_source = without(&["Source ARN"]);
    with_empty_source["Source ID"] = " ".into();
    let variations = [
        id("https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html#RDS-EVENT-0073"),
        id("http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html#RDS-EVENT-0073 "),
        id("RDS-EVENT-0072"),
        message("Started same AZ failover to DB instance: aurora-2."),
        message("Started: some new: sentence: \t AURORA-2 .\n"),
        without(&["Source ARN", "Tags"]),
        without(&["Source ID"]),
        without(&["Source ID", "Source ARN"]), // as in 2016: no other cluster is named, so it is ours
        with_empty_source,
        without(&["Identifier Link", "Event Source", "Tags"]),
        with("Tags", json!({"aws:cloudformation:stack-name": "prod"})),
        with("Source ID", "AURORA-PROD".into()),
        with("Event Time", "not a time".into()),
        without(&["Event Time"]),
        with("Event Time", "2026-03-14 03:11:09".into()),
    ];
    for notification in variations {
        let standin = Standin::new();
        let answer = invoke(&standin, WITH_RDS, &sns([&notification])).await.unwrap();
        assert_eq!((&answer["writer"], &answer["evidence"]), (&json!("aurora-2"), &json!("event")), "{notification}");
        assert_eq!(standin.registered(), ["10.0.2.22:3306"], "{notification}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_field_that_nobody_reads_does_not_lose_an_eventbridge_event() {
    let detail = json!({"EventID": "RDS-EVENT-0073", "Message": "Started cross AZ failover to DB instance: aurora-2",
                        "SourceIdentifier": "aurora-prod", "Date": now().to_rfc3339()});
    let event = json!({"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": detail});
    for (key, odd) in [("time", json!("yesterday")), ("time", json!(0)), ("account", json!(123)), ("resources", json!("x"))] {
        let (standin, mut event) = (Standin::new(), event.clone());
        event[key] = odd;
        assert_eq!(invoke(&standin, WITH_RDS, &event).await.unwrap()["evidence"], "event", "{event}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_newest_claim_of_several_records_decides() {
    let to = |instance: &str, age| {
        notification("RDS-EVENT-0073", &format!("Started cross AZ failover to DB instance: {instance}"), age)
    };
    let mut timeless = to("aurora-3", 0);
    timeless["Event Time"] = "2030-01-01 00:00:00.000".into(); // far in the future: of unknown age
    let mut foreign = to("aurora-3", 0);
    foreign["Source ID"] = "billing".into();
    foreign["Source ARN"] = "arn:aws:rds:eu-west-1:123456789012:cluster:billing".into();
    let noise = Value::from("This is a message to notify that RDS will attempt to send you event notifications");
    let table = [
        vec![to("aurora-2", 1_000), to("aurora-3", 9_000)],
        vec![to("aurora-3", 9_000), to("aurora-2", 1_000)],
        vec![to("aurora-2", 1_000), to("aurora-2", 1_000)],
        vec![to("aurora-3", 1_000), to("aurora-2", 1_000)], // of two alike the later record
        vec![to("aurora-2", 1_000), timeless],
        vec![to("aurora-2", 1_000), foreign, noise],
    ];
    for messages in table {
        let standin = Standin::new();
        let answer = invoke(&standin, WITH_RDS, &sns(&messages)).await.unwrap();
        assert_eq!(answer["writer"], "aurora-2", "{messages:?}");
        assert_eq!(standin.registered(), ["10.0.2.22:3306"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_failover_of_this_cluster_is_ignored_with_the_reason() {
    let mut foreign = notification("RDS-EVENT-0073", "Started cross AZ failover to DB instance: aurora-2", 0);
    foreign["Source ID"] = "billing".into();
    foreign["Source ARN"] = "arn:aws:rds:eu-west-1:123456789012:cluster:billing".into();
    let mut odd = notification("RDS-EVENT-0073", "Started cross AZ failover to DB instance: aurora-2", 0);
    odd["Source ID"] = "a name that RDS would not give".into();
    odd["Source ARN"] = Value::Null;
    let mut of_no_cluster = notification("RDS-EVENT-0073", "Started cross AZ failover to DB instance: aurora-2", 0);
    of_no_cluster["Source ID"] = Value::Null;
    of_no_cluster["Source ARN"] = "arn:aws:rds:eu-west-1:123456789012:db:aurora-prod".into();
    let table = [
        (sns([&"This is a message to notify that RDS will attempt to send you event notifications".into()]), "not JSON"),
        (sns([&"".into()]), "not JSON"),
        (sns([&notification("RDS-EVENT-0170", "DB cluster started.", 0)]), "RDS-EVENT-0170"),
        (sns([&notification("RDS-EVENT-0049", "Multi-AZ instance failover completed.", 0)]), "RDS-EVENT-0049"),
        (sns([&foreign]), "billing"),
        (sns([&odd]), "a name that rds would not give"),
        (sns([&of_no_cluster]), ":db:aurora-prod"),
        (sns([]), "Records is an empty list"),
        (
            json!({"source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {"EventID": "RDS-EVENT-0006"}}),
            "RDS-EVENT-0006",
        ),
    ];
    for (payload, reason) in table {
        let standin = Standin::new();
        let answer = invoke(&standin, WITH_RDS, &payload).await.unwrap();
        assert_eq!(answer["outcome"], "ignored", "{payload}");
        assert!(answer["reason"].as_str().unwrap().contains(reason), "{answer}");
        assert!(standin.calls().is_empty(), "{payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_refused_before_any_call() {
    let payloads = [
        json!(null),
        json!("text"),
        json!(42),
        json!({}),
        json!({"Records": {}}),
        json!({"Records": [{}]}),
        json!({"Records": [{"s3": {"object": {"key": "x"}}}]}),
        json!({"Records": [{"Sns": {}}]}),
        json!({"Records": [{"Sns": {"Message": 1}}]}),
        sns([&json!({"hello": "world"})]),
        sns([&("[".repeat(200) + &"]".repeat(200)).into()]),
        sns([&json!([1])]),
        sns([&json!({"Event ID": "RDS-EVENT-"})]),
        sns([&json!({"Event ID": 73})]),
        sns([&"a plain-text notice".into(), &json!({"hello": "world"})]),
        json!({"source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": {}}),
        json!({"source": "aws.rds"}),
        json!({"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": {}}),
        json!({"source": 1}),
        json!({"action": "destroy"}),
        json!({"action": "two\nlines"}), // found by the hostile inputs: the refusal took two lines as well
        json!({"action": null}),
        json!({"action": "reconcile", "dry_run": "yes"}),
        json!({"action": "reconcile", "dryrun": true}),
        json!({"action": "reconcile", "force": "yes"}),
        json!({"action": "check", "force": true}),
    ];
    for payload in payloads {
        let standin = Standin::new();
        let error = invoke(&standin, WITH_RDS, &payload).await.unwrap_err();
        assert_eq!(error.name(), "UnrecognizedEvent", "{payload}");
        assert!(!error.to_string().contains('\n'), "{error}");
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
        let error = invoke(&standin, WITHOUT_RDS, &payload).await.unwrap_err();
        assert_eq!(error.name(), "MalformedEvent", "{message}");
        assert!(standin.calls().is_empty());
        let standin = Standin::new().rds_shows(&[("available", "aurora-2")]);
        let answer = invoke(&standin, WITH_RDS, &payload).await.unwrap();
        assert_eq!((&answer["writer"], &answer["evidence"]), (&json!("aurora-2"), &json!("rds")), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_does_not_lose_the_claim_beside_it() {
    let claim = notification("RDS-EVENT-0073", "Started cross AZ failover to DB instance: aurora-2", 0);
    let mut broken = sns([&claim, &json!({"hello": "world"})]);
    broken["Records"].as_array_mut().unwrap().insert(0, json!({"s3": {}}));
    let standin = Standin::new();
    assert_eq!(invoke(&standin, WITH_RDS, &broken).await.unwrap()["writer"], "aurora-2");
    assert_eq!(standin.registered(), ["10.0.2.22:3306"]);
}

#[tokio::test(start_paused = true)]
async fn with_switch_on_completed_started_events_are_ignored_and_make_no_claim() {
    let completed_only = |more: &[(&'static str, &'static str)]| [&[("SWITCH_ON", "completed")], more].concat();
    for variables in [completed_only(WITH_RDS), completed_only(WITHOUT_RDS)] {
        for age in [0, 3_600_000] {
            let standin = Standin::new();
            let answer = invoke(&standin, &variables, &started("aurora-2", age)).await.unwrap();
            assert_eq!((&answer["outcome"], &answer["cause"]), (&json!("ignored"), &json!("RDS-EVENT-0073")));
            assert!(answer["reason"].as_str().unwrap().contains("SWITCH_ON"), "{answer}");
            assert!(standin.calls().is_empty());
        }
    }
    // The newer started event does not compete with the completed one of the same payload.
    let older = notification("RDS-EVENT-0071", "Completed failover to DB instance: aurora-2", 9_000);
    let newer = notification("RDS-EVENT-0072", "Started same AZ failover to DB instance: aurora-3", 1_000);
    let standin = Standin::new().rds_shows(&[("available", "aurora-2")]);
    let answer = invoke(&standin, &completed_only(WITH_RDS), &sns([&older, &newer])).await.unwrap();
    assert_eq!((&answer["writer"], &answer["evidence"]), (&json!("aurora-2"), &json!("event+rds")));
    // The schedule still follows RDS.
    let standin = Standin::new().rds_shows(&[("available", "aurora-3")]);
    assert_eq!(invoke(&standin, &completed_only(WITH_RDS), &reconcile()).await.unwrap()["writer"], "aurora-3");
}
