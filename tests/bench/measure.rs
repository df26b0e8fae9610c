//! One measurement: a function is started as Lambda starts it, given a first event, let rest, and given a second one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::aws::{Aws, last_write};
use crate::case::{self, Case};
use crate::certificates::Certificates;
use crate::cgroup::Cgroup;
use crate::process::{Frozen, Process};
use crate::standin::Standin;
use crate::standin::runtime_api::RuntimeApi;
use crate::subject::Subject;

/// How many calls in a row must be answered until the group is right: read, register, deregister.
pub const CALLS_IN_A_ROW: f64 = 3.0;

/// How long an event is in the socket of a frozen function before it goes on: Lambda lets it go on because of an event.
const ARRIVES: Duration = Duration::from_millis(20);

/// How long a process rests that is not frozen.
const IDLE: Duration = Duration::from_millis(300);

/// What one process took. Times in milliseconds.
pub struct Sample {
    pub init: f64,
    pub cold: Invocation,
    /// CPU of init and the first invocation.
    pub cold_cpu: f64,
    pub rss_mb: f64,
    /// The second event, to the process that has served the first.
    pub warm: Invocation,
}

/// What one invocation took. Times in milliseconds, from the event handed over.
pub struct Invocation {
    /// Until the last write was answered: the group is right. Not a number if nothing was written.
    pub right: f64,
    /// The same, in relation to the time that AWS takes for as many calls in a row as it needs.
    pub right_to_calls: f64,
    /// Until the function's answer.
    pub invoke: f64,
    pub cpu: f64,
    pub calls: usize,
    /// How many calls in a row it took until the group was right.
    pub calls_in_a_row: usize,
    /// How many new connections it made.
    pub connections: usize,
}

/// A process and what it talks to. Everything is new: process, cgroup, servers, connections.
struct Function {
    process: Process,
    _cgroup: Option<Cgroup>,
    lambda: RuntimeApi,
    aws: Aws,
    standin: Standin,
}

/// Starts the function, and gives it its first event. What is returned lets it rest, and gives it its second one.
pub async fn start(subject: &Subject, case: &Case, certificates: &Certificates) -> impl Future<Output = Sample> {
    let (mut function, init) = Function::start(subject, case, certificates).await;
    let is_scheduled = case.frozen.is_some() && subject.is_scheduled;
    let first = if is_scheduled { case::SCHEDULED.to_vec() } else { case.failover_to(1) };
    let cold = function.invoke(first, case, None).await;
    assert_eq!(function.standin.registered(), [case::target(1)], "{} after the first event", subject.name);
    let (cold_cpu, rss_mb) = (ms(function.process.cpu_since(&BTreeMap::new())), function.process.peak_rss());
    function.lambda.asked().await;
    let frozen = case.frozen.map(|_| Frozen::new(&function.process));
    if case.is_closed {
        function.aws.server.close_connections().await;
    }
    let rested = tokio::time::Instant::now() + case.frozen.unwrap_or(IDLE);
    async move {
        tokio::time::sleep_until(rested).await;
        let open = function.aws.server.open();
        assert_eq!(open == 0, case.is_closed, "{} has {open} open connections", subject.name);
        let warm = function.invoke(case.failover_to(2), case, frozen).await;
        assert_eq!(function.standin.registered(), [case::target(2)], "{} after the second event", subject.name);
        Sample { init: ms(init), cold, cold_cpu, rss_mb, warm }
    }
}

impl Function {
    /// Starts it, and limits it when the init phase is over; how long that took.
    async fn start(subject: &Subject, case: &Case, certificates: &Certificates) -> (Function, Duration) {
        let standin = case.standin();
        let aws = Aws::start(standin.clone(), certificates.acceptor.clone(), case.latency).await;
        let mut lambda = RuntimeApi::start().await;
        let url = format!("https://localhost:{}", aws.server.address.port());
        let start = Instant::now();
        let process = subject.spawn(&lambda.address(), &url, &certificates.bundle, &case.ip_dict());
        let init = lambda.asked().await - start;
        let cgroup = case.share.map(|share| Cgroup::limit(process.pid(), share));
        (Function { process, _cgroup: cgroup, lambda, aws, standin }, init)
    }

    async fn invoke(&mut self, event: Vec<u8>, case: &Case, frozen: Option<Frozen>) -> Invocation {
        let (before, connections) = (self.process.threads(), self.aws.server.accepted());
        let mut given = self.lambda.give(event).await;
        if let Some(frozen) = &frozen {
            tokio::time::sleep(ARRIVES).await;
            given = frozen.thaw();
        }
        let answer = self.lambda.sent().await;
        assert!(answer.path.ends_with("/response"), "the function sends {} {}", answer.path, answer.body);
        let calls = self.aws.calls_since(given);
        let (right, calls_in_a_row) = last_write(&calls).map_or((f64::NAN, 0), |(at, calls)| (ms(at - given), calls));
        Invocation {
            right,
            right_to_calls: right / (CALLS_IN_A_ROW * ms(case.latency)),
            invoke: ms(answer.at - given),
            cpu: ms(self.process.cpu_since(&before)),
            calls: calls.len(),
            calls_in_a_row,
            connections: self.aws.server.accepted() - connections,
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
