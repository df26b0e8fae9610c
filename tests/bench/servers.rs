//! The two servers that a function meets: the Lambda Runtime API, and AWS over TLS. Both on loopback, both keep the time.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::standin::{Reply, Standin};

type Answer = Response<Full<Bytes>>;

/// A server on a free port; it ends with the handle.
struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<H, F>(tls: Option<TlsAcceptor>, handler: H) -> Server
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(connection(stream, tls.clone(), handler.clone()));
        }
    });
    Server { address, task }
}

async fn connection<H, F>(stream: TcpStream, tls: Option<TlsAcceptor>, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    match tls {
        None => talk(stream, handler).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                talk(stream, handler).await;
            }
        }
    }
}

async fn talk<S, H, F>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    // A function that is killed drops its connections: that is no fault.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

/// The Lambda Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
pub struct RuntimeApi {
    server: Server,
    events: mpsc::UnboundedSender<Vec<u8>>,
    notes: mpsc::UnboundedReceiver<Note>,
}

/// What happened there, and when.
#[derive(Debug)]
pub enum Note {
    /// The function asked for an event.
    Asked(Instant),
    /// It was given one.
    Given(Instant),
    /// It answered: the last part of the path, and the body.
    Answered(Instant, String, Bytes),
}

impl RuntimeApi {
    /// `ready` is called when the function has asked for its first event, that is when the init phase is over.
    pub async fn start(ready: impl Fn() + Send + Sync + 'static) -> RuntimeApi {
        let (events, waiting) = mpsc::unbounded_channel();
        let (note, notes) = mpsc::unbounded_channel();
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let ready = Arc::new(ready);
        let handler = move |request: Request<Incoming>| {
            let (waiting, note, ready) = (waiting.clone(), note.clone(), ready.clone());
            async move {
                if request.method() == Method::POST {
                    let kind = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    drop(note.send(Note::Answered(Instant::now(), kind, body)));
                    return Response::builder().status(202).body(Full::default()).unwrap();
                }
                drop(note.send(Note::Asked(Instant::now())));
                ready();
                let event: Option<Vec<u8>> = waiting.lock().await.recv().await;
                drop(note.send(Note::Given(Instant::now())));
                invocation(event.unwrap_or_default())
            }
        };
        RuntimeApi { server: serve(None, handler).await, events, notes }
    }

    pub fn address(&self) -> String {
        self.server.address.to_string()
    }

    pub fn send(&self, event: Vec<u8>) {
        self.events.send(event).unwrap();
    }

    pub async fn note(&mut self) -> Note {
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

/// AWS: the stand-in of the tests, over TLS, each answer `latency` later.
pub struct Aws {
    server: Server,
    calls: Arc<Mutex<Vec<(Instant, Instant)>>>,
}

impl Aws {
    pub async fn start(standin: Standin, tls: TlsAcceptor, latency: Duration) -> Aws {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let keep = calls.clone();
        let handler = move |request: Request<Incoming>| {
            let (standin, calls, begin) = (standin.clone(), keep.clone(), Instant::now());
            async move {
                let is_call = request.method() == Method::POST;
                let body = request.into_body().collect().await.unwrap().to_bytes();
                // Tokio's timer counts in whole milliseconds, upwards.
                tokio::time::sleep(latency.saturating_sub(Duration::from_millis(1))).await;
                while begin.elapsed() < latency {
                    tokio::task::yield_now().await;
                }
                if !is_call {
                    return Response::new(Full::default());
                }
                let Reply::Answer { status, body, .. } = standin.answer(&body) else { panic!("no faults here") };
                calls.lock().unwrap().push((begin, Instant::now()));
                Response::builder().status(status).header("Content-Type", "text/xml").body(Full::from(body)).unwrap()
            }
        };
        Aws { server: serve(Some(tls), handler).await, calls }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.server.address.port())
    }

    /// How many calls so far, and how many of them in a row: each of those began after the one before had ended.
    pub fn calls_and_chain(&self) -> (usize, usize) {
        let mut calls = self.calls.lock().unwrap().clone();
        calls.sort_by_key(|(_, end)| *end);
        let mut last = None;
        let chain = calls.iter().filter(|(begin, end)| {
            let follows = last.is_none_or(|last| *begin >= last);
            if follows {
                last = Some(*end);
            }
            follows
        });
        (calls.len(), chain.count())
    }
}
