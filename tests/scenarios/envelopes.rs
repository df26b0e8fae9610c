//! What AWS puts around an RDS event, and what only looks like one. The shapes are those of public captures.

use crate::support::*;

/// An RDS notification: a failover to aurora-2 has just started.
fn notification_of_now() -> Value {
    notification("RDS-EVENT-0073", "Started cross AZ failover to DB instance: aurora-2", 0)
}

/// The same by EventBridge.
fn eventbridge() -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": "RDS DB Cluster Event", "source": "aws.rds", "account": "123456789012",
        "time": now().to_rfc3339(), "region": "eu-west-1", "resources": [], "detail": detail(),
    })
}

fn detail() -> Value {
    json!({
        "EventCategories": ["failover"], "SourceType": "CLUSTER", "Date": now().to_rfc3339(), "EventID": "RDS-EVENT-0073",
        "SourceArn": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod", "SourceIdentifier": "aurora-prod",
        "Message": "Started cross AZ failover to DB instance: aurora-2",
    })
}

fn sqs(body: &Value) -> Value {
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    json!({ "Records": [sqs_record(&body)] })
}

fn sqs_record(body: &str) -> Value {
    json!({ "messageId": "1", "eventSource": "aws:sqs", "body": body, "attributes": { "SentTimestamp": "1795802400000" } })
}

/// The message of an SNS topic, as SQS gets it without raw delivery.
fn sns_envelope(message: &Value) -> Value {
    let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    json!({ "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": message })
}

fn with(mut value: Value, key: &str, new: Value) -> Value {
    value[key] = new;
    value
}

/// Outcome, or the error's name; and the reason, or the error's text.
async fn outcome(payload: &Value) -> (String, String) {
    let standin = Standin::new();
    match invoke(&standin, WITH_RDS, payload).await {
        Ok(answer) => {
            let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
            if text("outcome") == "switched" {
                assert_eq!((text("evidence"), standin.registered()), ("event".to_owned(), vec![B.to_owned()]), "{payload}");
            } else {
                assert!(standin.calls().is_empty(), "{payload}");
            }
            (text("outcome"), text("reason"))
        }
        Err(error) => (error.name().to_owned(), error.to_string()),
    }
}

async fn assert_outcomes(table: impl IntoIterator<Item = (Value, &str, &str)>) {
    for (payload, expected, words) in table {
        let (outcome, why) = outcome(&payload).await;
        assert_eq!(outcome, expected, "{payload}: {why}");
        assert!(why.contains(words), "{payload}: {why:?} lacks {words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failover_is_acted_on_in_each_envelope_and_however_many() {
    let quoted = |value: &Value| Value::String(Value::String(value.to_string()).to_string());
    let payloads = [
        notification_of_now(),
        detail(),
        eventbridge(),
        sns([&notification_of_now()]),
        sns([&eventbridge()]),
        sns([&detail()]),
        sns_envelope(&notification_of_now()),
        sqs(&notification_of_now()),
        sqs(&eventbridge()),
        sqs(&sns_envelope(&notification_of_now())),
        sqs(&sns_envelope(&eventbridge())),
        sqs(&sns([&notification_of_now()])),
        sqs(&json!([eventbridge()])),
        sns([&quoted(&notification_of_now())]),
        sqs(&quoted(&sns_envelope(&quoted(&eventbridge())))),
        json!([eventbridge()]),
        json!([sqs_record(&eventbridge().to_string())]),
        json!([sns([&notification_of_now()])["Records"][0]]),
        json!([sns_envelope(&notification_of_now())]),
        json!([notification_of_now(), "a text", 1]),
        json!({"Records": [sqs_record("a text"), sqs_record(&detail().to_string())]}),
        json!({"Records": [sqs_record(&json!({"action": "reconcile"}).to_string()), sqs_record(&detail().to_string())]}),
    ];
    assert_outcomes(payloads.map(|payload| (payload, "switched", ""))).await;
}

#[tokio::test(start_paused = true)]
async fn the_newest_event_of_all_envelopes_decides() {
    let older = notification("RDS-EVENT-0071", "Completed failover to DB instance: aurora-3", 30_000);
    let payload = json!([sns([&older]), sqs(&sns_envelope(&eventbridge())), sns([&older])]);
    assert_eq!(outcome(&payload).await.0, "switched");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_a_failover_is_ignored_with_the_reason() {
    let eventbridge =
        |detail_type: &str, detail: Value| json!({"source": "aws.rds", "detail-type": detail_type, "detail": detail});
    let text = |text: &str| Value::String(text.to_owned());
    assert_outcomes([
        (
            eventbridge("RDS DB Instance Event", json!({"Message": "Performance Insights has been disabled"})),
            "ignored",
            "EventID",
        ),
        (eventbridge("AWS API Call via CloudTrail", json!({"eventName": "FailoverDBCluster"})), "ignored", "CloudTrail"),
        (eventbridge("RDS DB Instance Event", json!({"EventID": "RDS-EVENT-0049"})), "ignored", "RDS-EVENT-0049"),
        (sns([&text("\"AWS RDS change: FailoverDBCluster for aurora-prod\"")]), "ignored", "not JSON"),
        (sns([&text("42")]), "ignored", "a JSON number"),
        (sns([&text("true")]), "ignored", "a JSON boolean"),
        (sns([&text("null")]), "ignored", "null"),
        (sns([&text("[]")]), "ignored", "an empty list"),
        (sqs(&text("hello")), "ignored", "not JSON"),
        (json!([]), "ignored", "an empty list"),
        (json!({"Records": []}), "ignored", "an empty list"),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_account_region_partition_or_kind_is_ignored() {
    let arns = [
        "arn:aws:rds:eu-west-1:210987654321:cluster:aurora-prod",
        "arn:aws:rds:us-east-1:123456789012:cluster:aurora-prod",
        "arn:aws-cn:rds:eu-west-1:123456789012:cluster:aurora-prod",
        "arn:aws:rds:eu-west-1:123456789012:db:aurora-prod",
    ];
    for arn in arns {
        let by_sns = with(notification_of_now(), "Source ARN", arn.into());
        let by_eventbridge = with(eventbridge(), "detail", with(detail(), "SourceArn", arn.into()));
        assert_outcomes([(sns([&by_sns]), "ignored", arn), (by_eventbridge, "ignored", arn), (sqs(&by_sns), "ignored", arn)])
            .await;
    }
    let without_arn = with(eventbridge(), "detail", with(detail(), "SourceArn", Value::Null));
    assert_outcomes([
        (without_arn.clone(), "switched", ""),
        (with(without_arn.clone(), "account", "210987654321".into()), "ignored", "210987654321"),
        (with(without_arn.clone(), "region", "us-east-1".into()), "ignored", "us-east-1"),
        (with(without_arn, "account", 1.into()), "switched", ""),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_an_error_that_names_it() {
    let error = "UnrecognizedEvent";
    let destination = json!({"version": "1.0", "requestContext": {}, "requestPayload": sns([&notification_of_now()])});
    let on_a_bus =
        json!({"source": "lambda", "detail-type": "Lambda Function Invocation Result - Failure", "detail": destination});
    assert_outcomes([
        (json!({"source": "custom", "action": "reconcile"}), error, "unknown field `source`"),
        (json!({"Records": [], "action": "check"}), error, "unknown field `Records`"),
        (destination.clone(), error, "requestPayload"),
        (destination.clone(), error, "nothing to replay"),
        (on_a_bus, error, "nothing to replay"),
        (sqs(&destination), error, "nothing to replay"),
        (json!(["text"]), error, "[0] is a text"),
        (json!([[eventbridge()]]), error, "[0] is a list"),
        (sns([&json!(["text"])]), error, "Records[0].Sns.Message[0]"),
        (json!("text"), error, "a text"),
        (json!(42), error, "a JSON number"),
        (json!({"Records": [{"eventSource": "aws:sqs", "body": {}}]}), error, "Records[0] is not an event"),
    ])
    .await;
}

/// Who may publish to a topic or a queue may not steer.
#[tokio::test(start_paused = true)]
async fn an_action_or_a_schedule_inside_an_envelope_does_nothing() {
    let steering = [reconcile(), json!({"action": "check"}), json!({"source": "aws.events"}), schedule()];
    for message in steering {
        for payload in [sns([&message]), sqs(&message), sqs(&sns_envelope(&message)), json!([message])] {
            assert_outcomes([(payload, "UnrecognizedEvent", "inside an envelope")]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_as_old_as_the_first_time_that_can_be_read_from_the_inside_out() {
    let hour_ago = (now() - chrono::TimeDelta::hours(1)).to_rfc3339();
    let dated = |date: Value| with(detail(), "Date", date);
    let sent = |time: &str, detail: Value| with(with(eventbridge(), "detail", detail), "time", time.into());
    let table = [
        (sent(&hour_ago, dated(now().to_rfc3339().into())), json!(0)),
        (sent(&hour_ago, dated(Value::Null)), json!(3_600_000)),
        (sent(&hour_ago, dated("2026-03-14T03:12Z".into())), json!(3_600_000)),
        (sent("soon", dated(1.into())), Value::Null),
        (sns([&sent("soon", dated(1.into()))]), json!(0)),
        (sqs(&with(sns_envelope(&dated("soon".into())), "Timestamp", hour_ago.as_str().into())), json!(3_600_000)),
        (dated("2026-03-14T03:14:07.412Z".into()), Value::Null),
    ];
    for (payload, age) in table {
        let answer = invoke(&Standin::new(), WITH_RDS, &payload).await.unwrap();
        assert_eq!(answer["event_age_ms"], age, "{payload}");
        assert_eq!(answer["outcome"], if age == 0 { "switched" } else { "unchanged" }, "{payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_from_an_archive_is_never_fresh() {
    let replay = with(eventbridge(), "replay-name", "after-the-fix".into());
    let with_rds = invoke(&Standin::new(), WITH_RDS, &replay).await.unwrap();
    assert_eq!((&with_rds["outcome"], &with_rds["evidence"]), (&json!("unchanged"), &json!("rds")), "as RDS says");
    let standin = Standin::new();
    let without_rds = invoke(&standin, WITHOUT_RDS, &sqs(&replay)).await.unwrap();
    assert_eq!(without_rds["outcome"], "ignored");
    assert!(without_rds["reason"].as_str().unwrap().contains("archive"), "{without_rds}");
    assert!(standin.calls().is_empty());
}
