//! The Lambda Runtime API on loopback (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>), which notes when what
//! happened.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::server::{Answer, Server};

/// What Lambda sets for each function.
pub const ENVIRONMENT: [(&str, &str); 9] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "f"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_DEFAULT_REGION", "eu-west-1"),
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
    ("AWS_SESSION_TOKEN", "token"),
];

const PATH: &str = "/2018-06-01/runtime/";

pub struct RuntimeApi {
    server: Server,
    events: UnboundedSender<Event>,
    asked: UnboundedReceiver<Instant>,
    given: UnboundedReceiver<Instant>,
    sent: UnboundedReceiver<Sent>,
}

/// A payload, and what its `Lambda-Runtime-Deadline-Ms` says.
type Event = (Vec<u8>, Duration);

/// What the function sent, an answer or an error.
pub struct Sent {
    pub at: Instant,
    /// What follows `/2018-06-01/runtime/`.
    pub path: String,
    pub body: Value,
}

struct Lambda {
    /// The events to come, and how many were given.
    waiting: Mutex<(UnboundedReceiver<Event>, usize)>,
    asked: UnboundedSender<Instant>,
    given: UnboundedSender<Instant>,
    sent: UnboundedSender<Sent>,
}

impl RuntimeApi {
    pub async fn start() -> RuntimeApi {
        let ((events, waiting), (to_asked, asked)) = (unbounded_channel(), unbounded_channel());
        let ((to_given, given), (to_sent, sent)) = (unbounded_channel(), unbounded_channel());
        let lambda = Arc::new(Lambda { waiting: Mutex::new((waiting, 0)), asked: to_asked, given: to_given, sent: to_sent });
        let handler = move |request: Request<Incoming>| {
            let lambda = lambda.clone();
            async move { if request.method() == Method::POST { lambda.take(request).await } else { lambda.next(request).await } }
        };
        RuntimeApi { server: Server::start(None, handler).await, events, asked, given, sent }
    }

    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// When the function asks for an event, which ends the init phase or the invocation before.
    pub async fn asked(&mut self) -> Instant {
        note(&mut self.asked).await
    }

    /// Gives the function an event as soon as it asks for one; when.
    pub async fn give(&mut self, event: Vec<u8>) -> Instant {
        self.offer(event, from_now(Duration::from_secs(30)));
        note(&mut self.given).await
    }

    /// The same with a deadline of any kind, without waiting.
    pub fn offer(&self, event: Vec<u8>, deadline: Duration) {
        self.events.send((event, deadline)).unwrap();
    }

    /// The next answer or error of the function.
    pub async fn sent(&mut self) -> Sent {
        note(&mut self.sent).await
    }
}

/// A deadline so far ahead, as milliseconds since 1970.
pub fn from_now(time: Duration) -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + time
}

async fn note<T>(notes: &mut UnboundedReceiver<T>) -> T {
    timeout(Duration::from_secs(60), notes.recv()).await.unwrap_or_else(|_| panic!("the function was silent for 60 s")).unwrap()
}

impl Lambda {
    async fn take(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().strip_prefix(PATH)?.to_owned();
        let body = request.into_body().collect().await.ok()?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or_default();
        self.sent.send(Sent { at: Instant::now(), path, body }).ok()?;
        Some(Response::builder().status(202).body(Full::default()).unwrap())
    }

    async fn next(&self, request: Request<Incoming>) -> Answer {
        assert_eq!(request.uri().path().strip_prefix(PATH), Some("invocation/next"));
        self.asked.send(Instant::now()).ok()?;
        let (waiting, given) = &mut *self.waiting.lock().await;
        let (event, deadline) = waiting.recv().await?;
        self.given.send(Instant::now()).ok()?;
        let id = format!("request-{given}");
        *given += 1;
        let answer = Response::builder()
            .header("Content-Type", "application/json")
            .header("Lambda-Runtime-Aws-Request-Id", id)
            .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f")
            .header("Lambda-Runtime-Trace-Id", "Root=1-5e1b4151-43a0913a12345678901234567")
            .body(Full::from(event));
        Some(answer.unwrap())
    }
}
