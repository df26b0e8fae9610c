//! AWS: the stand-in of the tests, over TLS, each answer `latency` later. It keeps the time of each call.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::Incoming;
use tokio_rustls::TlsAcceptor;

use crate::standin::Standin;
use crate::standin::query::Parameters;
use crate::standin::server::Server;

pub struct Aws {
    pub server: Server,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// One call, from its request to its answer.
#[derive(Clone)]
pub struct Call {
    action: String,
    begin: Instant,
    end: Instant,
}

impl Aws {
    pub async fn start(standin: Standin, tls: TlsAcceptor, latency: Duration) -> Aws {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let keep = calls.clone();
        let handler = move |request: Request<Incoming>| {
            let (standin, calls, begin) = (standin.clone(), keep.clone(), Instant::now());
            async move {
                let body = request.into_body().collect().await.ok()?.to_bytes();
                // Tokio's timer counts in whole milliseconds, upwards.
                tokio::time::sleep(latency.saturating_sub(Duration::from_millis(1))).await;
                while begin.elapsed() < latency {
                    tokio::task::yield_now().await;
                }
                let action = Parameters::parse(&body).get("Action").to_owned();
                let answer = standin.respond(&body).await;
                calls.lock().unwrap().push(Call { action, begin, end: Instant::now() });
                answer
            }
        };
        Aws { server: Server::start(Some(tls), handler).await, calls }
    }

    /// The calls of one invocation, in the order of their answers.
    pub fn calls_since(&self, given: Instant) -> Vec<Call> {
        self.calls.lock().unwrap().iter().filter(|call| call.begin >= given).cloned().collect()
    }
}

/// When the last write was answered, and how many calls in a row it took until then; `None` if nothing was written.
pub fn last_write(calls: &[Call]) -> Option<(Instant, usize)> {
    let last = calls.iter().rposition(|call| matches!(call.action.as_str(), "RegisterTargets" | "DeregisterTargets"))?;
    let (mut in_a_row, mut end) = (0, None);
    for call in &calls[..=last] {
        // Each of those in a row began after the one before had ended.
        if end.is_none_or(|end| call.begin >= end) {
            (in_a_row, end) = (in_a_row + 1, Some(call.end));
        }
    }
    Some((calls[last].end, in_a_row))
}
