//! How fast a failover makes the group right: `cargo bench`; what it measures, and how, is in tests/README.md.
//!
//! ```sh
//! cargo bench                                   # all of it: 10 minutes of building, then 6
//! cargo bench -- --runs 21                      # more runs, for a quieter median
//! cargo bench -- --freeze 5                     # frozen for 5 s instead of 60
//! cargo bench -- --binary PATH --only-ours      # another build of the function, without Python
//! ```
//!
//! Needs root, `openssl` and Python 3.10 or later; boto3 and awslambdaric come from PyPI, into target/tmp/bench.
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

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use case::{Case, PLAIN};
use certificates::Certificates;
use cgroup::Cgroup;
use measure::{CALLS_IN_A_ROW, Sample};
use report::{Figure, Goal, median};
use subject::Subject;

/// How long AWS takes for a call, in the measurements that have a goal.
const LATENCY: u64 = 30;
/// Percent of a CPU, memory, and latency of a call.
const SMALL: (u64, &str, u64) = (7, "128 MB", LATENCY);
const OTHERS: [(u64, &str, u64); 3] = [(29, "512 MB", LATENCY), (7, "128 MB", 0), (29, "512 MB", 0)];

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
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = options();
    Cgroup::assert_possible();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let certificates = Certificates::make(&folder);
    let mut subjects = vec![Subject::ours(options.binary.as_deref(), &folder)];
    if !options.only_ours {
        subjects.push(Subject::boto3(&folder));
    }
    let bench = Bench { options, subjects, certificates };
    let mut goals = bench.cold().await;
    goals.push(bench.frozen("connection open", false).await);
    goals.push(bench.frozen("connection closed meanwhile", true).await);
    bench.growth().await;
    println!("\n| target | | measured | |\n|---|---|---|---|");
    goals.iter().for_each(Goal::print);
    if goals.iter().any(Goal::is_missed) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Bench {
    async fn cold(&self) -> Vec<Goal> {
        let samples = self.compare("cold", &report::COLD, SMALL, PLAIN).await;
        report::zips(&self.subjects);
        for other in OTHERS {
            self.compare("cold", &report::COLD, other, PLAIN).await;
        }
        vec![
            right("cold", 9.0, |sample| sample.cold.right, &samples),
            times_less("CPU, init and cold invoke", 36.0, |sample| sample.cold_cpu, &samples),
            times_less("peak memory", 5.0, |sample| sample.rss_mb, &samples),
        ]
    }

    async fn frozen(&self, what: &str, is_closed: bool) -> Goal {
        let length = self.options.freeze;
        let what = format!("frozen for {} s, {what}", length.as_secs());
        let samples = self.compare(&what, &report::THAWED, SMALL, Case { frozen: Some(length), is_closed, ..PLAIN }).await;
        right(&what, 5.0, |sample| sample.warm.right, &samples)
    }

    async fn compare(&self, what: &str, figures: &[Figure], on: (u64, &str, u64), case: Case) -> Vec<Vec<Sample>> {
        let ((share, memory, latency), runs) = (on, self.options.runs);
        let case = Case { share: Some(share), latency: Duration::from_millis(latency), ..case };
        let samples = self.in_turn(&self.subjects, &case).await;
        let title = format!("{what}: {memory} ({share} % of a CPU after init), {latency} ms a call, medians of {runs} runs");
        report::comparison(&title, figures, &self.subjects, &samples);
        samples
    }

    async fn growth(&self) {
        report::growth_head();
        let entries = [2, 10, 100, 1000].map(|n| (format!("{n} map entries"), Case { map_entries: n, ..PLAIN }));
        let targets = [1, 10, 100].map(|n| (format!("{n} stale targets"), Case { stale_targets: n, ..PLAIN }));
        let records = [1, 10, 100].map(|n| (format!("{n} records"), Case { records: n, ..PLAIN }));
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
            for subject in subjects {
                resting.push(measure::start(subject, case, &self.certificates).await);
            }
        }
        let mut samples: Vec<_> = subjects.iter().map(|_| Vec::new()).collect();
        for (i, process) in resting.into_iter().enumerate() {
            let sample = process.await;
            if i >= subjects.len() {
                samples[i % subjects.len()].push(sample);
            }
        }
        samples
    }
}

/// The group is right so many milliseconds after the calls alone would have made it so.
fn right(what: &str, more: f64, of: fn(&Sample) -> f64, samples: &[Vec<Sample>]) -> Goal {
    let calls = CALLS_IN_A_ROW * LATENCY as f64;
    let what = format!("{what}: right ms ({calls} + {more})");
    Goal { what, bound: calls + more, is_least: false, measured: Some(median(&samples[0], of)) }
}

/// The second subject needs at least so many times as much as the first.
fn times_less(what: &str, times: f64, of: fn(&Sample) -> f64, samples: &[Vec<Sample>]) -> Goal {
    let measured = samples.get(1).map(|theirs| median(theirs, of) / median(&samples[0], of));
    Goal { what: format!("{what}: boto3 ÷ this function"), bound: times, is_least: true, measured }
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
