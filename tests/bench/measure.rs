//! One measurement: a function is started as Lambda starts it, given a first event, let rest, and given a second one.

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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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

/// A process that has served its first event, and rests.
pub struct Resting<'a> {
    subject: &'a Subject,
    case: &'a Case,
    frozen: Option<Frozen>,
    live: Live,
    since: Instant,
    /// Without the second event as yet.
    sample: Sample,
}

/// A process and what it talks to. Everything is new: process, cgroup, servers, connections.
struct Live {
    process: Process,
    _cgroup: Option<Cgroup>,
    lambda: RuntimeApi,
    aws: Aws,
    standin: Standin,
}

impl<'a> Resting<'a> {
    /// Starts the function, gives it its first event, and lets it rest.
    pub async fn start(subject: &'a Subject, case: &'a Case, certificates: &Certificates, limited: bool) -> Resting<'a> {
        let (mut live, init) = Live::start(subject, case, certificates, limited).await;
        let is_scheduled = case.rest.frozen.is_some() && subject.is_scheduled;
        let first = if is_scheduled { case::SCHEDULED.to_vec() } else { case.failover_to(1) };
        let cold = live.invoke(first, case, None).await;
        assert_eq!(live.standin.registered(), [case::target(1)], "{} after the first event", subject.name);
        let (cold_cpu, rss_mb) = (ms(live.process.cpu()), live.process.peak_rss());
        live.lambda.asked().await;
        let frozen = case.rest.frozen.map(|_| Frozen::new(live.process.pid()));
        assert_ne!(live.aws.server.open(), 0, "{} has no connection that could be closed", subject.name);
        if case.rest.is_closed {
            live.aws.server.close_connections().await;
        }
        let sample = Sample { init: ms(init), warm: cold.clone(), cold, cold_cpu, rss_mb };
        Resting { subject, case, frozen, live, since: Instant::now(), sample }
    }

    /// The second event, once it has rested.
    pub async fn finish(mut self) -> Sample {
        tokio::time::sleep((self.since + self.case.rest.frozen.unwrap_or(IDLE)).saturating_duration_since(Instant::now())).await;
        assert!(self.frozen.as_ref().is_none_or(Frozen::stands_still), "{} has gone on by itself", self.subject.name);
        let open = self.live.aws.server.open();
        assert_eq!(open == 0, self.case.rest.is_closed, "{} has {open} open connections", self.subject.name);
        let warm = self.live.invoke(self.case.failover_to(2), self.case, self.frozen.as_mut()).await;
        assert_eq!(self.live.standin.registered(), [case::target(2)], "{} after the second event", self.subject.name);
        Sample { warm, ..self.sample }
    }
}

impl Live {
    /// Starts the function, and limits it when the init phase is over; how long that took.
    async fn start(subject: &Subject, case: &Case, certificates: &Certificates, limited: bool) -> (Live, Duration) {
        let standin = case.standin();
        let aws = Aws::start(standin.clone(), certificates.acceptor.clone(), case.latency).await;
        let mut lambda = RuntimeApi::start().await;
        let cgroup = limited.then(|| Cgroup::new().expect("a cgroup can be made, as one could before"));
        let start = Instant::now();
        let process = subject.spawn(&lambda.address(), &aws.url(), &certificates.bundle, &case.ip_dict());
        cgroup.iter().for_each(|cgroup| cgroup.add(process.pid()));
        let ready = lambda.asked().await;
        cgroup.iter().for_each(|cgroup| cgroup.set(case.share));
        (Live { process, _cgroup: cgroup, lambda, aws, standin }, ready - start)
    }

    async fn invoke(&mut self, event: Vec<u8>, case: &Case, frozen: Option<&mut Frozen>) -> Invocation {
        let (before, connections) = (self.process.cpu(), self.aws.server.accepted());
        let mut given = self.lambda.give(event).await;
        if let Some(frozen) = frozen {
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
            cpu: ms(self.process.cpu() - before),
            calls: calls.len(),
            calls_in_a_row,
            connections: self.aws.server.accepted() - connections,
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
