//! What is measured: one function, started as Lambda starts it, given one cold event and one warm one.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::certificates::Certificates;
use crate::cpu::{self, Cgroup};
use crate::servers::{Aws, Note, RuntimeApi};
use crate::standin::{Standin, TARGET_GROUP};

/// A program that serves Lambda events.
pub struct Subject {
    pub name: &'static str,
    pub command: Vec<PathBuf>,
    /// The variable by which it learns of trust anchors.
    pub trust: &'static str,
    pub zip_bytes: u64,
}

/// The circumstances.
#[derive(Clone, Debug)]
pub struct Case {
    /// Percent of one CPU once the init phase is over; `None` for a whole one.
    pub share: Option<u64>,
    /// How long AWS takes for a call.
    pub latency: Duration,
    pub map_entries: usize,
    pub stale_targets: usize,
    pub records: usize,
}

impl Default for Case {
    fn default() -> Self {
        Case { share: None, latency: Duration::ZERO, map_entries: 3, stale_targets: 1, records: 1 }
    }
}

/// One measurement. Times in milliseconds.
#[derive(Clone, Debug)]
pub struct Sample {
    pub init: f64,
    pub invoke: f64,
    pub cpu: f64,
    pub rss_mb: f64,
    pub calls: usize,
    pub chain: usize,
    /// A second event, to the process that has served the first.
    pub warm: f64,
    pub warm_cpu: f64,
}

/// A started process; it dies with the handle.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Subject {
    /// One cold start with everything new: servers, process, connections.
    pub async fn measure(&self, case: &Case, trust: &str, certificates: &Certificates, cgroup: Option<&Arc<Cgroup>>) -> Sample {
        let stale: Vec<_> = (0..case.stale_targets).map(|i| format!("10.9.{}.{}:3306 unhealthy", i / 250, i % 250 + 1)).collect();
        let standin = Standin::new().with_targets(&stale.join(", "));
        let aws = Aws::start(standin.clone(), certificates.acceptor.clone(), case.latency).await;
        let limited = cgroup.cloned();
        let share = case.share;
        let mut lambda = RuntimeApi::start(move || limited.iter().for_each(|cgroup| cgroup.set(share))).await;
        cgroup.iter().for_each(|cgroup| cgroup.set(None));
        lambda.send(event(1, case.records));
        let start = Instant::now();
        let process = self.spawn(case, &lambda, &aws, (trust, &certificates.bundle));
        let pid = process.0.id();
        cgroup.iter().for_each(|cgroup| cgroup.add(pid));
        let (ready, invoke) = run(&mut lambda).await;
        let (calls, chain) = aws.calls_and_chain();
        let (cold_cpu, rss_mb) = (cpu::time(pid), cpu::peak_rss(pid));
        assert_eq!(standin.registered(), ["10.0.0.1:3306"], "{} after the cold event", self.name);

        // Whatever the throttle has lent is paid back meanwhile.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = cpu::time(pid);
        lambda.send(event(2, case.records));
        let (_, warm) = run(&mut lambda).await;
        assert_eq!(standin.registered(), ["10.0.0.2:3306"], "{} after the warm event", self.name);
        Sample {
            init: ms(ready - start),
            invoke: ms(invoke),
            cpu: ms(cold_cpu),
            rss_mb,
            calls,
            chain,
            warm: ms(warm),
            warm_cpu: ms(cpu::time(pid) - before),
        }
    }

    fn spawn(&self, case: &Case, lambda: &RuntimeApi, aws: &Aws, trust: (&str, &Path)) -> Process {
        let [program, arguments @ ..] = self.command.as_slice() else { panic!("no command") };
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", lambda.address())
            .env("AWS_ENDPOINT_URL", aws.url())
            .env(trust.0, trust.1)
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench"))
            .env("IP_DICT", ip_dict(case.map_entries))
            .envs([
                ("TARGET_GROUP_ARN", TARGET_GROUP),
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
                ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_DEFAULT_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "id"),
                ("AWS_SECRET_ACCESS_KEY", "secret"),
                ("AWS_SESSION_TOKEN", "token"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Process(child.unwrap_or_else(|error| panic!("{}: {error}", program.display())))
    }
}

/// One invocation: when the function was ready for it, and how long it took.
async fn run(lambda: &mut RuntimeApi) -> (Instant, Duration) {
    let (mut ready, mut given) = (None, None);
    loop {
        match lambda.note().await {
            Note::Asked(at) => ready = Some(at),
            Note::Given(at) => given = Some(at),
            Note::Answered(at, kind, body) => {
                let outcome: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((kind.as_str(), &outcome["outcome"]), ("response", &json!("switched")), "{outcome}");
                return (ready.or(given).unwrap(), at - given.unwrap());
            }
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Instance 1 is at 10.0.0.1, and so on.
fn ip_dict(entries: usize) -> String {
    let mut text = String::from("{");
    for i in 1..=entries.max(2) {
        let comma = if i == 1 { "" } else { "," };
        write!(text, "{comma}\"aurora-{i}\":\"10.0.{}.{}\"", i / 250, i % 250).unwrap();
    }
    text + "}"
}

/// A failover to this instance that has just started. Other records in it are older ones.
fn event(instance: usize, records: usize) -> Vec<u8> {
    let now = SystemTime::now();
    let record = |back: u64| {
        let time = chrono::DateTime::<chrono::Utc>::from(now - Duration::from_millis(back));
        let message = json!({
            "Event Source": "db-cluster",
            "Event Time": time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
            "Source ID": "aurora-prod",
            "Source ARN": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
            "Event ID": "http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html#RDS-EVENT-0073",
            "Event Message": format!("Started cross AZ failover to DB instance: aurora-{instance}"),
        });
        json!({ "EventSource": "aws:sns", "Sns": { "Message": message.to_string(), "Timestamp": time.to_rfc3339() } })
    };
    json!({ "Records": (0..records as u64).rev().map(record).collect::<Vec<_>>() }).to_string().into_bytes()
}
