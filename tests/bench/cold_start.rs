//! The cold path, measured: `cargo bench`.
//!
//! Starts the built function as Lambda does, against a Runtime API and a stand-in for AWS that speaks TLS with an RSA chain,
//! and hands it a fresh failover event. As soon as the function asks for the event, which ends the init phase, a cgroup
//! holds it to the share of the CPU that Lambda gives at 128 MB (7 %) or 512 MB (29 %). A plain boto3 function that does the
//! same job takes turns with it. What comes out are medians, and what they are in relation to each other.
//!
//! ```sh
//! cargo bench                                   # all of it: 10 minutes of building, then 3
//! cargo bench -- --runs 21                      # more runs, for a quieter median
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

mod certificates;
mod cpu;
mod report;
mod servers;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod standin;
mod subject;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use certificates::Certificates;
use cpu::Cgroup;
use subject::{Case, Sample, Subject};

/// Percent of a CPU, memory, and latency of a call.
const CASES: [(u64, &str, u64); 4] = [(7, "128 MB", 30), (29, "512 MB", 30), (7, "128 MB", 0), (29, "512 MB", 0)];
const PACKAGES: [&str; 2] = ["boto3==1.44.5", "awslambdaric==4.2.2"];

struct Options {
    runs: usize,
    /// The release build, unless told otherwise.
    binary: Option<PathBuf>,
    only_ours: bool,
    without_growth: bool,
}

#[tokio::main]
async fn main() {
    let options = options();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    let certificates = Certificates::make(&folder);
    let cgroup = Cgroup::new().map(Arc::new);
    if cgroup.is_none() {
        println!("No cgroup can be made here (are you root?): the CPU is not limited, and throttled times are left out.");
    }
    let mut subjects = vec![ours(&options.binary.clone().unwrap_or_else(release_build), &folder)];
    if !options.only_ours {
        subjects.push(boto3(&folder));
    }
    for (share, memory, latency) in CASES {
        let case = Case { share: Some(share), latency: Duration::from_millis(latency), ..Case::default() };
        let samples = in_turn(&subjects, &case, options.runs, &certificates, cgroup.as_ref()).await;
        let title = format!("{memory} ({share} % of a CPU after init), {latency} ms a call, medians of {} runs", options.runs);
        report::comparison(&title, &subjects, &samples, cgroup.is_some());
    }
    if !options.without_growth {
        growth(&subjects[0], options.runs, &certificates, cgroup.as_ref()).await;
    }
}

/// The first run of each is not counted: it brings files into memory, and shows that our certificate is trusted by way of
/// AWS_CA_BUNDLE too.
async fn in_turn(
    subjects: &[Subject],
    case: &Case,
    runs: usize,
    certificates: &Certificates,
    cgroup: Option<&Arc<Cgroup>>,
) -> Vec<Vec<Sample>> {
    let mut samples = vec![Vec::new(); subjects.len()];
    for run in 0..=runs {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let trust = if run == 0 { "AWS_CA_BUNDLE" } else { subject.trust };
            let sample = subject.measure(case, trust, certificates, cgroup).await;
            if run > 0 {
                samples.push(sample);
            }
        }
    }
    samples
}

async fn growth(subject: &Subject, runs: usize, certificates: &Certificates, cgroup: Option<&Arc<Cgroup>>) {
    report::growth_head();
    let entries =
        [2, 10, 100, 1000].map(|map_entries| (format!("{map_entries} map entries"), Case { map_entries, ..Case::default() }));
    let targets =
        [1, 10, 100].map(|stale_targets| (format!("{stale_targets} stale targets"), Case { stale_targets, ..Case::default() }));
    let records = [1, 10, 100].map(|records| (format!("{records} records"), Case { records, ..Case::default() }));
    for (what, case) in entries.into_iter().chain(targets).chain(records) {
        let samples = in_turn(std::slice::from_ref(subject), &case, runs, certificates, cgroup).await;
        report::growth_line(&what, &samples[0]);
    }
}

fn options() -> Options {
    let mut options = Options { runs: 11, binary: None, only_ours: false, without_growth: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--runs" => options.runs = arguments.next().and_then(|runs| runs.parse().ok()).expect("--runs NUMBER"),
            "--binary" => options.binary = Some(arguments.next().expect("--binary PATH").into()),
            "--only-ours" => options.only_ours = true,
            "--without-growth" => options.without_growth = true,
            // Cargo's own.
            "--bench" => {}
            other => panic!("{other}: expected --runs NUMBER, --binary PATH, --only-ours, --without-growth"),
        }
    }
    options
}

/// The function as it is deployed. The one in `CARGO_BIN_EXE_…` is made with what the tests need as well.
fn release_build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--bin", "aurora-nlb-failover"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells a benchmark about its package would make it compile some dependencies anew.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
        build.env_remove(name);
    }
    run(&mut build);
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("release").join("aurora-nlb-failover")
}

fn ours(binary: &Path, folder: &Path) -> Subject {
    let python = Path::new("python3");
    Subject {
        name: "this function",
        trust: "SSL_CERT_FILE",
        command: vec![binary.to_owned()],
        zip_bytes: zip(python, binary, folder),
    }
}

/// The peer, with what it needs from PyPI. Its zip is its one file: Lambda's Python brings boto3.
fn boto3(folder: &Path) -> Subject {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    if !venv.join("complete").exists() {
        println!("installing {} into {} (once)", PACKAGES.join(" and "), venv.display());
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES));
        std::fs::write(venv.join("complete"), "").unwrap();
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/boto3_function.py");
    let arguments = ["-m", "awslambdaric", "boto3_function.handler"].map(PathBuf::from);
    let command = std::iter::once(python.clone()).chain(arguments).collect();
    Subject { name: "boto3", trust: "AWS_CA_BUNDLE", command, zip_bytes: zip(&python, &source, folder) }
}

fn zip(python: &Path, file: &Path, folder: &Path) -> u64 {
    let zip = folder.join("function.zip");
    run(Command::new(python).args(["-m", "zipfile", "-c"]).arg(&zip).arg(file));
    std::fs::metadata(zip).unwrap().len()
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
