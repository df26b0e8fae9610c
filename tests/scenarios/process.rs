//! The built binary, started as Lambda starts it: events over the Runtime API, AWS over HTTP, log lines on standard
//! output.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Child;

use crate::runtime_api::RuntimeApi;
use crate::standin::{CLUSTER, Fault, Standin, TARGET_GROUP};
use crate::support::*;

pub const LAMBDA_TIMEOUT: Duration = Duration::from_secs(30);

/// The log as JSON lines, and what else the process said; ends it.
pub async fn lines(mut child: Child) -> (Vec<Value>, String) {
    child.start_kill().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).await.unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
    (out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), err)
}

pub fn fresh(payload: &Value) -> Vec<u8> {
    aged(payload, Duration::ZERO)
}

fn aged(payload: &Value, age: Duration) -> Vec<u8> {
    let time = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now() - age);
    let time = time.format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    let then = now().format("%Y-%m-%d %H:%M:%S%.3f").to_string();
    payload.to_string().replace(&then, &time).into_bytes()
}

#[tokio::test]
async fn one_event_in_the_answer_out_and_the_same_in_the_log() {
    let standin = Standin::new();
    let (aws, api) = (standin.serve().await, RuntimeApi::start([fresh(&started("aurora-2", 0))], LAMBDA_TIMEOUT).await);
    let function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    let (path, answer) = api.sent(1).await.remove(0);
    assert_eq!(path, "invocation/request-0/response");
    assert_eq!((&answer["outcome"], &answer["target"]), (&json!("switched"), &json!("10.0.2.22:3306")));
    assert!((0..30_000).contains(&answer["event_age_ms"].as_i64().unwrap()), "{answer}");
    assert_eq!(standin.registered(), ["10.0.2.22:3306"]);

    let (lines, _) = lines(function).await;
    let decisions: Vec<_> = lines.iter().filter(|line| line["message"] == "decision").collect();
    assert_eq!(decisions.len(), 1);
    for (key, value) in answer.as_object().unwrap() {
        assert_eq!(&decisions[0][key], value, "{key}");
    }
    assert_eq!((&decisions[0]["level"], &decisions[0]["requestId"]), (&json!("INFO"), &json!("request-0")));
    let writes: Vec<_> =
        lines.iter().filter(|line| line["message"] == "registered" || line["message"] == "deregistered").collect();
    assert_eq!((&writes[0]["registered"], &writes[1]["deregistered"]), (&json!(["10.0.2.22:3306"]), &json!(["10.0.1.11:3306"])));
}

#[tokio::test]
async fn what_check_finds_is_in_the_log_too() {
    let standin = Standin::new().with_targets("10.0.2.22:3306 unhealthy");
    let (aws, api) = (standin.serve().await, RuntimeApi::start([br#"{"action":"check"}"#.to_vec()], LAMBDA_TIMEOUT).await);
    let function = api.spawn(&[
        ("AWS_ENDPOINT_URL", &aws.uri()),
        ("TARGET_GROUP_ARN", TARGET_GROUP),
        ("IP_DICT", IP_DICT),
        ("DB_CLUSTER_ID", CLUSTER),
    ]);
    let (_, answer) = api.sent(1).await.remove(0);
    assert_eq!((&answer["outcome"], &answer["in_sync"]), (&json!("checked"), &json!(false)));
    let (lines, _) = lines(function).await;
    let decision = lines.iter().find(|line| line["message"] == "decision").unwrap();
    for (key, value) in answer.as_object().unwrap() {
        assert_eq!(&decision[key], value, "{key}");
    }
}

#[tokio::test]
async fn without_rds_an_old_event_is_acted_on_with_a_warning() {
    let standin = Standin::new();
    let old = aged(&started("aurora-2", 0), Duration::from_secs(3600));
    let (aws, api) = (standin.serve().await, RuntimeApi::start([old], LAMBDA_TIMEOUT).await);
    let function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    assert_eq!(api.sent(1).await[0].1["outcome"], "switched");
    let (lines, _) = lines(function).await;
    let warnings: Vec<_> = lines.iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["requestId"], "request-0");
    assert!(warnings[0]["event_age_ms"].as_i64().unwrap() > 60_000, "{warnings:?}");
}

#[tokio::test]
async fn what_is_passed_over_and_what_could_not_be_seen_is_in_the_log() {
    let standin = Standin::new()
        .with_fault("DescribeTargetHealth", Fault::Delay(Duration::ZERO))
        .with_fault("DescribeTargetHealth", Fault::Error(403, "AccessDenied", "not authorized"));
    let message = |instance: &str, age| notification("RDS-EVENT-0073", &format!("Started same AZ failover: {instance}"), age);
    let records = sns([&message("aurora-3", 60_000), &message("aurora-2", 0), &json!({"no": "event"})]);
    let (aws, api) = (standin.serve().await, RuntimeApi::start([fresh(&records)], LAMBDA_TIMEOUT).await);
    let function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    assert_eq!(api.sent(1).await[0].1["target"], "10.0.2.22:3306");
    let (lines, _) = lines(function).await;
    let says = |level: &str, words: &str| {
        let found = lines.iter().filter(|line| line["level"] == level && line.to_string().contains(words)).count();
        assert_eq!(found, 1, "{level} {words}: {lines:?}");
    };
    says("INFO", "aurora-3\\\": superseded");
    says("WARN", "Records[2].Sns.Message is not an event");
    says("WARN", "could not check whether the group still holds a target");
}

#[tokio::test]
async fn errors_reach_lambda_by_name_are_logged_once_and_the_process_lives_on() {
    let standin = Standin::new();
    let aws = standin.serve().await;
    let deep = "[".repeat(200) + &"]".repeat(200);
    let mut payloads: Vec<Vec<u8>> = [r#"{"action":"\ud800"}"#, r#"{"a":1e999}"#, &deep, "", "{}"].map(Vec::from).to_vec();
    payloads.extend([b"\xff\xfe not JSON \0".to_vec(), b"\"\xff\"".to_vec()]);
    let refused = payloads.len();
    payloads.extend([fresh(&started("aurora-9", 0)), fresh(&started("aurora-2", 0))]);
    let api = RuntimeApi::start(payloads, LAMBDA_TIMEOUT).await;
    let function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    let sent = api.sent(refused + 2).await;
    for (path, body) in &sent[..refused] {
        assert!(path.ends_with("/error") && body["errorType"] == "UnrecognizedEvent", "{path} {body}");
    }
    assert_eq!(sent[refused].1["errorType"], "UnknownInstance");
    assert_eq!(sent[refused + 1].1["target"], "10.0.2.22:3306");

    let (lines, _) = lines(function).await;
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
    let (aws, api) = (standin.serve().await, RuntimeApi::start([fresh(&started("aurora-2", 0))], LAMBDA_TIMEOUT).await);
    let _function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    assert_eq!(api.sent(1).await[0].1["outcome"], "switched");
    assert_eq!(standin.registered(), ["10.0.2.22:3306"]);
}

#[tokio::test]
async fn a_service_that_hangs_ends_in_our_own_error_before_the_deadline() {
    let standin = Standin::new().with_faults("DescribeTargetHealth", Fault::Delay(Duration::from_secs(3600)), 10);
    let (aws, api) = (standin.serve().await, RuntimeApi::start([fresh(&started("aurora-2", 0))], Duration::from_secs(2)).await);
    let _function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    let (path, error) = api.sent(1).await.remove(0);
    assert_eq!((path.as_str(), &error["errorType"]), ("invocation/request-0/error", &json!("DeadlineExceeded")));
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_named_with_the_reason() {
    let api = RuntimeApi::start([fresh(&started("aurora-2", 0))], Duration::from_secs(2)).await;
    let _function =
        api.spawn(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    let (_, error) = api.sent(1).await.remove(0);
    assert_eq!(error["errorType"], "DeadlineExceeded");
    assert!(error["errorMessage"].as_str().unwrap().contains("no answer (tcp connect error: Connection refused"), "{error}");
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
    let api = RuntimeApi::start([fresh(&started("aurora-2", 0))], Duration::from_secs(2)).await;
    let _function = api.spawn(&[("AWS_ENDPOINT_URL", &endpoint), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    let (_, error) = api.sent(1).await.remove(0);
    assert_eq!(error["errorType"], "DeadlineExceeded", "{error}");
    assert!(error["errorMessage"].as_str().unwrap().contains("its last attempt: no answer ("), "{error}");
}

/// In Lambda's plain format too the decision can be read: its fields are not escaped.
#[tokio::test]
async fn the_plain_line_of_the_decision_has_the_answer_as_it_is() {
    let standin = Standin::new();
    let (aws, api) = (standin.serve().await, RuntimeApi::start([fresh(&started("aurora-2", 0))], LAMBDA_TIMEOUT).await);
    let mut function = api.spawn(&[
        ("AWS_ENDPOINT_URL", &aws.uri()),
        ("TARGET_GROUP_ARN", TARGET_GROUP),
        ("IP_DICT", IP_DICT),
        ("AWS_LAMBDA_LOG_FORMAT", "Text"),
    ]);
    api.sent(1).await;
    function.start_kill().unwrap();
    let log = String::from_utf8(function.wait_with_output().await.unwrap().stdout).unwrap();
    assert!(log.contains(r#"decision fields={"outcome":"switched","cause":"RDS-EVENT-0073","writer":"aurora-2""#), "{log}");
}

/// Seen with cargo-lambda 1.9: its emulator sends 600000, a duration, where Lambda sends milliseconds since 1970.
#[tokio::test]
async fn a_deadline_that_is_long_past_does_not_stop_a_run() {
    let standin = Standin::new();
    let event = fresh(&started("aurora-2", 0));
    let (aws, api) = (standin.serve().await, RuntimeApi::start_with([event], || Duration::from_millis(600_000)).await);
    let _function = api.spawn(&[("AWS_ENDPOINT_URL", &aws.uri()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)]);
    assert_eq!(api.sent(1).await[0].1["outcome"], "switched");
}
