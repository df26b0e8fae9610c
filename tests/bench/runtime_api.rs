//! The Lambda Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>), which keeps the time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response};
use tokio::sync::mpsc;

use crate::server::{Answer, Server};

pub struct RuntimeApi {
    server: Server,
    events: mpsc::UnboundedSender<Vec<u8>>,
    notes: mpsc::UnboundedReceiver<Note>,
}

/// What happened there, and when.
#[derive(Debug)]
enum Note {
    /// The function asked for an event.
    Asked(Instant),
    /// It was given one.
    Given(Instant),
    /// It answered: the last part of the path, and the body.
    Answered(Instant, String, Bytes),
}

impl RuntimeApi {
    pub async fn start() -> RuntimeApi {
        let (events, waiting) = mpsc::unbounded_channel();
        let (note, notes) = mpsc::unbounded_channel();
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let handler = move |request: Request<Incoming>| {
            let (waiting, note) = (waiting.clone(), note.clone());
            async move {
                if request.method() == Method::POST {
                    let kind = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    drop(note.send(Note::Answered(Instant::now(), kind, body)));
                    return Response::builder().status(202).body(Full::default()).unwrap();
                }
                drop(note.send(Note::Asked(Instant::now())));
                let event: Option<Vec<u8>> = waiting.lock().await.recv().await;
                drop(note.send(Note::Given(Instant::now())));
                invocation(event.unwrap_or_default())
            }
        };
        RuntimeApi { server: Server::start(None, handler).await, events, notes }
    }

    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    /// When the function asks for an event, which ends the init phase or the invocation before.
    pub async fn asked(&mut self) -> Instant {
        match self.note().await {
            Note::Asked(at) => at,
            other => panic!("{other:?}: expected that the function asks for an event"),
        }
    }

    /// Gives the function the event that it has asked for; when.
    pub async fn give(&mut self, event: Vec<u8>) -> Instant {
        self.events.send(event).unwrap();
        match self.note().await {
            Note::Given(at) => at,
            other => panic!("{other:?}: expected that the function takes the event"),
        }
    }

    /// When the function answers. What it has done, the stand-in knows.
    pub async fn answered(&mut self) -> Instant {
        match self.note().await {
            Note::Answered(at, kind, body) => {
                assert_eq!(kind, "response", "the function answers {}", String::from_utf8_lossy(&body));
                at
            }
            other => panic!("{other:?}: expected that the function answers"),
        }
    }

    async fn note(&mut self) -> Note {
        let note = tokio::time::timeout(Duration::from_secs(60), self.notes.recv()).await;
        note.unwrap_or_else(|_| panic!("the function said nothing for 60 s")).unwrap()
    }
}

fn invocation(event: Vec<u8>) -> Answer {
    let deadline = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(30);
    Response::builder()
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-0000-0000-000000000000")
        .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:f")
        .header("Lambda-Runtime-Trace-Id", "Root=1-5e1b4151-43a0913a12345678901234567")
        .body(Full::from(event))
        .unwrap()
}
