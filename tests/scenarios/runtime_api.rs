//! The Lambda Runtime API on loopback, and the built binary started against it as Lambda starts it
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::process::{Child, Command};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What the function sent back: the path after `/2018-06-01/runtime/`, and the body.
pub type Sent = Arc<Mutex<Vec<(String, Value)>>>;

/// Payloads in the order in which they are handed out.
pub trait Payloads: IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static> {}
impl<T: IntoIterator<Item = Vec<u8>, IntoIter: Send + 'static>> Payloads for T {}

pub struct RuntimeApi {
    server: MockServer,
    pub sent: Sent,
}

impl RuntimeApi {
    /// Hands out these payloads one after another, each with this much time; then none any more.
    pub async fn start(payloads: impl Payloads, timeout: Duration) -> RuntimeApi {
        let deadline = move || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + timeout;
        RuntimeApi::start_with(payloads, deadline).await
    }

    /// The same with a deadline of any kind in `Lambda-Runtime-Deadline-Ms`.
    pub async fn start_with(payloads: impl Payloads, deadline: impl Fn() -> Duration + Send + Sync + 'static) -> RuntimeApi {
        let server = MockServer::builder().disable_request_recording().start().await;
        let waiting = Mutex::new(payloads.into_iter().enumerate());
        let next = move |_: &Request| match waiting.lock().unwrap().next() {
            None => ResponseTemplate::new(200).set_delay(Duration::from_secs(3600)),
            Some((i, payload)) => ResponseTemplate::new(200)
                .insert_header("Lambda-Runtime-Aws-Request-Id", format!("request-{i}"))
                .insert_header("Lambda-Runtime-Deadline-Ms", deadline().as_millis().to_string())
                .insert_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f")
                .set_body_raw(payload, "application/json"),
        };
        Mock::given(method("GET")).and(path("/2018-06-01/runtime/invocation/next")).respond_with(next).mount(&server).await;
        let sent = Sent::default();
        let keep = sent.clone();
        let take = move |request: &Request| {
            let path = request.url.path().trim_start_matches("/2018-06-01/runtime/").to_owned();
            keep.lock().unwrap().push((path, serde_json::from_slice(&request.body).unwrap_or(Value::Null)));
            ResponseTemplate::new(202)
        };
        Mock::given(method("POST")).and(path_regex("^/2018-06-01/runtime/")).respond_with(take).mount(&server).await;
        RuntimeApi { server, sent }
    }

    /// Starts the binary with Lambda's environment, these variables, and nothing else. It dies with the handle.
    pub fn spawn(&self, variables: &[(&str, &str)]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_aurora-nlb-failover"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", self.server.address().to_string())
            .envs([
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ])
            .envs([("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")])
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Waits until the function has sent so many messages.
    pub async fn sent(&self, count: usize) -> Vec<(String, Value)> {
        self.count(count, Duration::from_secs(20)).await;
        self.sent.lock().unwrap().clone()
    }

    /// Waits until the function has sent so many messages, for this long at the most.
    pub async fn count(&self, count: usize, patience: Duration) {
        let begin = std::time::Instant::now();
        while self.sent.lock().unwrap().len() < count {
            assert!(begin.elapsed() < patience, "only {} of {count} answers came", self.sent.lock().unwrap().len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
