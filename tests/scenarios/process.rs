//! The built binary, started as Lambda starts it: events over the Runtime API, AWS over HTTP, log lines on standard
//! output.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::lambda::{Lambda, aged, fresh};
use crate::standin::events::file;
use crate::support::*;

/// The log lines of this level.
fn of_level<'a>(lines: &'a [Value], level: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["level"] == level).collect()
}

/// The one line of the decision, which has all the fields of the answer.
fn decision<'a>(lines: &'a [Value], answer: &Value) -> &'a Value {
    let decisions: Vec<_> = lines.iter().filter(|line| line["message"] == "decision").collect();
    assert_eq!(decisions.len(), 1);
    answer.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(&decisions[0][key], value, "{key}"));
    decisions[0]
}

#[tokio::test]
async fn one_event_in_the_answer_out_and_the_same_in_the_log() {
    let standin = Standin::new();
    let mut lambda = Lambda::start(&standin, WITHOUT_RDS).await;
    let (path, answer) = lambda.invoke(fresh(&started("aurora-2", 0))).await;
    assert_eq!(path, "invocation/request-0/response");
    assert_eq!((&answer["outcome"], &answer["target"]), (&json!("switched"), &json!(B)));
    assert!((0..30_000).contains(&answer["event_age_ms"].as_i64().unwrap()), "{answer}");
    assert_eq!(standin.registered(), [B]);

    let lines = lambda.log().await;
    let decision = decision(&lines, &answer);
    assert_eq!((&decision["level"], &decision["requestId"]), (&json!("INFO"), &json!("request-0")));
    let writes: Vec<_> =
        lines.iter().filter(|line| ["registered", "deregistered"].iter().any(|m| line["message"] == *m)).collect();
    assert_eq!((&writes[0]["registered"], &writes[1]["deregistered"]), (&json!([B]), &json!([A])));
}

#[tokio::test]
async fn what_check_finds_is_in_the_log_too() {
    let standin = Standin::new().with_targets("10.0.2.22:3306 unhealthy");
    let mut lambda = Lambda::start(&standin, WITH_RDS).await;
    let (_, answer) = lambda.invoke(fresh(&check())).await;
    assert_eq!((&answer["outcome"], &answer["in_sync"]), (&json!("checked"), &json!(false)));
    decision(&lambda.log().await, &answer);
}

#[tokio::test]
async fn without_rds_an_old_event_is_acted_on_with_a_warning() {
    let mut lambda = Lambda::start(&Standin::new(), WITHOUT_RDS).await;
    assert_eq!(lambda.invoke(aged(&started("aurora-2", 0), HOUR)).await.1["outcome"], "switched");
    let lines = lambda.log().await;
    let warnings = of_level(&lines, "WARN");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["requestId"], "request-0");
    assert!(warnings[0]["event_age_ms"].as_i64().unwrap() > 60_000, "{warnings:?}");
}

#[tokio::test]
async fn what_is_passed_over_and_what_could_not_be_seen_is_in_the_log() {
    let standin = Standin::new().with_fault("DescribeTargetHealth", PASS).with_fault("DescribeTargetHealth", DENIED);
    let records = sns([&failover_to("aurora-3", 60_000), &failover_to("aurora-2", 0), &json!({"no": "event"})]);
    let mut lambda = Lambda::start(&standin, WITHOUT_RDS).await;
    assert_eq!(lambda.invoke(fresh(&records)).await.1["target"], B);
    let lines = lambda.log().await;
    for (level, words) in [
        ("INFO", "aurora-3\\\": superseded"),
        ("WARN", "Records[2].Sns.Message is not an event"),
        ("WARN", "could not check whether the group still holds a target"),
    ] {
        let found = of_level(&lines, level).iter().filter(|line| line.to_string().contains(words)).count();
        assert_eq!(found, 1, "{level} {words}: {lines:?}");
    }
}

#[tokio::test]
async fn errors_reach_lambda_by_name_are_logged_once_and_the_process_lives_on() {
    let mut lambda = Lambda::start(&Standin::new(), WITHOUT_RDS).await;
    let deep = "[".repeat(200) + &"]".repeat(200);
    let texts: [&[u8]; 5] = [br#"{"action":"\ud800"}"#, br#"{"a":1e999}"#, deep.as_bytes(), b"", b"{}"];
    for payload in texts.into_iter().chain([&b"\xff\xfe not JSON \0"[..], b"\"\xff\""]) {
        let (path, body) = lambda.invoke(payload.to_vec()).await;
        assert!(path.ends_with("/error") && body["errorType"] == "UnrecognizedEvent", "{path} {body}");
    }
    assert_eq!(lambda.invoke(fresh(&started("aurora-9", 0))).await.1["errorType"], "UnknownInstance");
    assert_eq!(lambda.invoke(fresh(&started("aurora-2", 0))).await.1["target"], B);

    let lines = lambda.log().await;
    let unknown: Vec<_> = lines.iter().filter(|line| line.to_string().contains("aurora-9")).collect();
    assert_eq!(unknown.len(), 1, "{unknown:?}");
    assert_eq!((&unknown[0]["level"], &unknown[0]["requestId"]), (&json!("ERROR"), &json!("request-7")));
}

#[tokio::test]
async fn dropped_connections_and_a_slow_service_are_survived_over_real_sockets() {
    let standin = Standin::new()
        .with_fault("RegisterTargets", Fault::DropBefore)
        .with_fault("RegisterTargets", Fault::DropAfter)
        .with_fault("DeregisterTargets", Fault::Delay(Duration::from_millis(300)));
    let mut lambda = Lambda::start(&standin, WITHOUT_RDS).await;
    assert_eq!(lambda.invoke(fresh(&started("aurora-2", 0))).await.1["outcome"], "switched");
    assert_eq!(standin.registered(), [B]);
}

/// The error that the function reports within two seconds if AWS is at this address.
async fn error_at(endpoint: &str) -> String {
    let mut lambda = Lambda::start_at(endpoint, WITHOUT_RDS).await;
    let (path, error) = lambda.invoke_within(Duration::from_secs(2), fresh(&started("aurora-2", 0))).await;
    assert_eq!((path.as_str(), &error["errorType"]), ("invocation/request-0/error", &json!("DeadlineExceeded")), "{error}");
    error["errorMessage"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_named_with_the_reason() {
    assert_has(&error_at("http://127.0.0.1:1").await, &["no answer (tcp connect error: Connection refused"]);
}

/// HTTP 200 and half a body, then the end of the connection: that is tried again, like every dropped connection.
#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer_whatever_its_status() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (_, half) = (stream.read(&mut [0; 4096]).await, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<Describe");
            drop(stream.write_all(half.as_bytes()).await);
        }
    });
    assert_has(&error_at(&endpoint).await, &["its last attempt: no answer ("]);
}

/// In Lambda's plain format too the decision can be read: its fields are not escaped.
#[tokio::test]
async fn the_plain_line_of_the_decision_has_the_answer_as_it_is() {
    let mut lambda = Lambda::start(&Standin::new(), &[("AWS_LAMBDA_LOG_FORMAT", "Text")]).await;
    lambda.invoke(fresh(&started("aurora-2", 0))).await;
    let decision = r#"decision fields={"outcome":"switched","cause":"RDS-EVENT-0073","writer":"aurora-2""#;
    assert_has(&lambda.output().await, &[decision]);
}

/// Seen with cargo-lambda 1.9: its emulator sends 600000, a duration, where Lambda sends milliseconds since 1970.
#[tokio::test]
async fn a_deadline_that_is_long_past_does_not_stop_a_run() {
    let mut lambda = Lambda::start(&Standin::new(), WITHOUT_RDS).await;
    lambda.api.offer(fresh(&started("aurora-2", 0)), Duration::from_millis(600_000));
    assert_eq!(lambda.api.sent().await.body["outcome"], "switched");
}

/// What `template.yaml` counts for the alarms: a line of level ERROR with `finding`, and the answer all the same.
#[tokio::test]
async fn a_scheduled_run_logs_a_zonal_shift_and_a_target_in_a_secondary_region() {
    let (shifted, secondary) = (Standin::new(), Standin::new().in_secondary_region());
    shifted.world().is_shifted = true;
    let empty = Standin::new().in_secondary_region().with_targets("");
    let table = [(shifted, vec!["zonal-shift"]), (secondary, vec!["writer-in-another-region"]), (empty, vec![])];
    for (standin, expected) in table {
        let mut lambda = Lambda::start(&standin, WITH_RDS).await;
        assert_eq!(lambda.invoke(schedule().to_string().into_bytes()).await.1["outcome"], "unchanged");
        let lines = lambda.log().await;
        let found: Vec<_> = of_level(&lines, "ERROR").iter().map(|line| line["finding"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_a_warning_with_its_text() {
    let mut event = file("eventbridge-started");
    event["detail"]["Date"] = "2026-11-27T18:00Z".into();
    event["time"] = Value::Null;
    let mut lambda = Lambda::start(&Standin::new(), WITH_RDS).await;
    assert_eq!(lambda.invoke(event.to_string().into_bytes()).await.1["evidence"], "rds");
    let lines = lambda.log().await;
    let warnings = of_level(&lines, "WARN");
    assert!(warnings.iter().any(|line| line["reason"] == "Date \"2026-11-27T18:00Z\""), "{lines:?}");
}
