//! How fast a failover makes the group right: `cargo bench`.
//!
//! Starts the built function as Lambda does, against a Runtime API and a stand-in for AWS that speaks TLS with an RSA chain,
//! and hands it a fresh failover event: to a new process, and to one that has served a scheduled run and was then frozen
//! (SIGSTOP) for a minute, as Lambda freezes one between two invocations. As soon as the function asks for its first event,
//! which ends the init phase, a cgroup holds it to the share of the CPU that Lambda gives at 128 MB (7 %) or 512 MB (29 %). A
//! plain boto3 function that does the same job takes turns with it. What comes out are medians, what they are in relation to
//! each other, and whether the targets are met: exit code 1 if one is missed.
//!
//! ```sh
//! cargo bench                                   # all of it: 10 minutes of building, then 6
//! cargo bench -- --runs 21                      # more runs, for a quieter median
//! cargo bench -- --freeze 5                     # frozen for 5 s instead of 60
//! cargo bench -- --binary PATH --only-ours      # another build of the function, without Python
//! ```
//!
//! Needs `openssl` and Python 3.10 or later; boto3 and awslambdaric come from PyPI, into target/tmp/bench. The limit on the
//! CPU takes root and a cgroup: without, CPU time and memory are reported, and throttled times are left out.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod aws;
mod case;
mod certificates;
mod cgroup;
mod measure;
mod process;
mod report;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod standin;
mod subject;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use case::{Case, Rest};
use certificates::Certificates;
use cgroup::Cgroup;
use measure::{Resting, Sample};
use subject::Subject;
use targets::Target;

/// The smallest function, and how long AWS takes for a call: what the targets are set for.
const SMALL: (u64, &str) = (7, "128 MB");
const LATENCY: u64 = 30;
/// Percent of a CPU, memory, and latency of a call.
const OTHERS: [(u64, &str, u64); 3] = [(29, "512 MB", LATENCY), (SMALL.0, SMALL.1, 0), (29, "512 MB", 0)];

struct Options {
    runs: usize,
    freeze: Duration,
    /// Instead of the release build.
    binary: Option<PathBuf>,
    only_ours: bool,
}

/// What all measurements share.
struct Bench {
    options: Options,
    subjects: Vec<Subject>,
    certificates: Certificates,
    /// Whether the CPU can be limited here.
    limited: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = options();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let certificates = Certificates::make(&folder);
    let limited = Cgroup::new().is_some();
    if !limited {
        println!("No cgroup can be made here (are you root?): the CPU is not limited, and throttled times are left out.");
    }
    let mut subjects = vec![Subject::ours(options.binary.as_deref(), &folder)];
    if !options.only_ours {
        subjects.push(Subject::boto3(&folder));
    }
    let bench = Bench { options, subjects, certificates, limited };
    let mut targets = bench.cold().await;
    for (what, closed) in [("connection open", false), ("connection closed meanwhile", true)] {
        targets.push(bench.frozen(what, closed).await);
    }
    bench.growth().await;
    if targets::judge(&targets) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Bench {
    async fn cold(&self) -> Vec<Target> {
        let samples = self.compare_cold(SMALL, LATENCY).await;
        report::zips(&self.subjects);
        for (share, memory, latency) in OTHERS {
            self.compare_cold((share, memory), latency).await;
        }
        vec![
            targets::right("cold", LATENCY, 9, |sample| sample.cold.right, &samples, self.limited),
            targets::times_less("CPU, init and cold invoke", 36.0, |sample| sample.cold_cpu, &samples),
            targets::times_less("peak memory", 5.0, |sample| sample.rss_mb, &samples),
        ]
    }

    async fn compare_cold(&self, memory: (u64, &str), latency: u64) -> Vec<Vec<Sample>> {
        self.compare("cold", &report::COLD, memory, latency, Rest::default()).await
    }

    async fn frozen(&self, what: &str, closed: bool) -> Target {
        let length = self.options.freeze;
        let what = format!("frozen for {} s, {what}", length.as_secs());
        let samples =
            self.compare(&what, &report::THAWED, SMALL, LATENCY, Rest { frozen: Some(length), is_closed: closed }).await;
        targets::right(&what, LATENCY, 5, |sample| sample.warm.right, &samples, self.limited)
    }

    async fn compare(
        &self,
        what: &str,
        figures: &[report::Figure],
        (share, memory): (u64, &str),
        latency: u64,
        rest: Rest,
    ) -> Vec<Vec<Sample>> {
        let case = Case { share: Some(share), latency: Duration::from_millis(latency), rest, ..Case::default() };
        let samples = self.in_turn(&self.subjects, &case).await;
        let runs = self.options.runs;
        let title = format!("{what}: {memory} ({share} % of a CPU after init), {latency} ms a call, medians of {runs} runs");
        report::comparison(&title, figures, &self.subjects, &samples, self.limited);
        samples
    }

    async fn growth(&self) {
        report::growth_head();
        let entries =
            [2, 10, 100, 1000].map(|map_entries| (format!("{map_entries} map entries"), Case { map_entries, ..Case::default() }));
        let targets = [1, 10, 100]
            .map(|stale_targets| (format!("{stale_targets} stale targets"), Case { stale_targets, ..Case::default() }));
        let records = [1, 10, 100].map(|records| (format!("{records} records"), Case { records, ..Case::default() }));
        for (what, case) in entries.into_iter().chain(targets).chain(records) {
            let samples = self.in_turn(&self.subjects[..1], &case).await;
            report::growth_line(&what, &samples[0]);
        }
    }

    /// The processes are started one after another, each with its first event. In the same order each gets its second one, when
    /// it has rested: all of them rest, or are frozen, at the same time. The first run of each subject is not counted: it brings
    /// files into memory.
    async fn in_turn(&self, subjects: &[Subject], case: &Case) -> Vec<Vec<Sample>> {
        let mut resting = Vec::new();
        for _ in 0..=self.options.runs {
            for (which, subject) in subjects.iter().enumerate() {
                resting.push((which, Resting::start(subject, case, &self.certificates, self.limited).await));
            }
        }
        let mut samples = vec![Vec::new(); subjects.len()];
        for (i, (which, process)) in resting.into_iter().enumerate() {
            let sample = process.finish().await;
            if i >= subjects.len() {
                samples[which].push(sample);
            }
        }
        samples
    }
}

fn options() -> Options {
    let mut options = Options { runs: 11, freeze: Duration::from_secs(60), binary: None, only_ours: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse().ok());
        match argument.as_str() {
            "--runs" => options.runs = number().expect("--runs NUMBER") as usize,
            "--freeze" => options.freeze = Duration::from_secs(number().expect("--freeze SECONDS")),
            "--binary" => options.binary = Some(arguments.next().expect("--binary PATH").into()),
            "--only-ours" => options.only_ours = true,
            // Cargo's own.
            "--bench" => {}
            other => panic!("{other}: expected --runs NUMBER, --freeze SECONDS, --binary PATH, --only-ours"),
        }
    }
    options
}
