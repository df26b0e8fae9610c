//! Bad nights by the thousand: the real handler with the real SDK client in a world that fails over, loses, repeats,
//! delays and lies.
//!
//! * `cargo test --test simulation` plays a few thousand histories.
//! * `SIMULATION_HISTORIES=1000000 cargo test --profile bench --test simulation no_history -- --nocapture` as many as you like.
//! * `SIMULATION_SEED=42 cargo test --test simulation replay -- --nocapture` plays one alone and prints it.
//! * `SIMULATION_COMPARED=1000 cargo test --profile bench --test simulation comparison -- --nocapture` prints the table
//!   of the README.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod algorithm;
mod history;
mod play;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod standin;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use algorithm::Algorithm;
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use history::History;
use play::{Result, play};
use standin::Standin;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// The function's own settings, but for two that have no part in what is simulated and together cost a quarter of the time.
fn sdk() -> SdkConfig {
    let sdk = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Standin::new().in_process());
    let unguarded = StalledStreamProtectionConfig::disabled();
    sdk.to_builder().identity_cache(IdentityCache::no_cache()).stalled_stream_protection(unguarded).build()
}

/// What must hold of this function in every history; the trace with it if it does not.
fn verdict(history: &History, result: &Result) -> std::result::Result<(), String> {
    let mut broken = result.violations.clone();
    if !result.ends_right {
        broken.push("the group does not end with exactly the writer".to_owned());
    }
    let lines = || format!("seed {}: {}\n{}", history.seed, broken.join("; "), result.trace.join("\n"));
    if broken.is_empty() { Ok(()) } else { Err(lines()) }
}

/// Plays the seeds below `histories` on all cores; hands each result to `take`.
fn play_all(histories: u64, algorithm: Algorithm, take: impl Fn(&History, Result) + Sync) {
    let next = AtomicU64::new(0);
    let work = || {
        let sdk = sdk();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= histories {
                return;
            }
            let history = History::new(seed);
            take(&history, play(&history, algorithm, &sdk));
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
}

#[test]
fn no_history_breaks_a_promise() {
    let histories = number("SIMULATION_HISTORIES", 2_000);
    let (begin, played) = (std::time::Instant::now(), AtomicU64::new(0));
    play_all(histories, Algorithm::Whole, |history, result| {
        if let Err(broken) = verdict(history, &result) {
            panic!("{broken}\n\nreplay: SIMULATION_SEED={} cargo test --test simulation replay -- --nocapture", history.seed);
        }
        let played = played.fetch_add(1, Ordering::Relaxed) + 1;
        if played % 50_000 == 0 {
            println!("{played} histories, {:.0} s", begin.elapsed().as_secs_f64());
        }
    });
    assert_eq!(played.into_inner(), histories);
    let seconds = begin.elapsed().as_secs_f64();
    println!("{histories} histories in {seconds:.1} s, {:.0} a second", histories as f64 / seconds);
}

/// Not only a verdict, a measure: the same histories by this function, by halves of it, and by the article's algorithm.
#[test]
fn comparison() {
    let histories = number("SIMULATION_COMPARED", 100);
    println!(
        "| {histories} histories | target right | time to right: median | 95 % | 99 % | group emptied | for | ends right |\n|---|---|---|---|---|---|---|---|"
    );
    let rows = Algorithm::ALL.map(|algorithm| (algorithm, Measure::of(algorithm, histories)));
    for (algorithm, measure) in &rows {
        println!("| {} | {measure} |", algorithm.name());
    }
    let [(_, whole), halves @ ..] = &rows;
    assert!((whole.ends_right - 1.0).abs() < f64::EPSILON);
    for (algorithm, other) in halves {
        assert!(whole.right > other.right, "{} is right more often", algorithm.name());
    }
}

/// Shares and times over many histories.
#[derive(Default)]
struct Measure {
    right: f64,
    ends_right: f64,
    /// How often a write left the group empty, and for how long; a history.
    emptied: f64,
    empty_seconds: f64,
    /// Sorted, in seconds.
    recoveries: Vec<f64>,
}

impl Measure {
    fn of(algorithm: Algorithm, histories: u64) -> Measure {
        let sum = Mutex::new((0, 0, 0, 0_u64, Vec::new(), 0_u64));
        play_all(histories, algorithm, |_, result| {
            let mut sum = sum.lock().unwrap();
            sum.0 += result.with_writer;
            sum.1 += result.right;
            sum.2 += result.empty;
            sum.3 += u64::from(result.ends_right);
            sum.4.extend(result.recoveries.iter().map(|ms| *ms as f64 / 1000.0));
            sum.5 += result.emptied;
        });
        let (with_writer, right, empty, ends_right, mut recoveries, emptied) = sum.into_inner().unwrap();
        recoveries.sort_by(f64::total_cmp);
        Measure {
            right: right as f64 / with_writer as f64,
            ends_right: ends_right as f64 / histories as f64,
            emptied: emptied as f64 / histories as f64,
            empty_seconds: empty as f64 / 1000.0 / histories as f64,
            recoveries,
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quantile = |share: f64| self.recoveries[((self.recoveries.len() - 1) as f64 * share) as usize];
        write!(f, "{:.2} % | {:.1} s | {:.0} s | {:.0} s", self.right * 100.0, quantile(0.5), quantile(0.95), quantile(0.99))?;
        write!(f, " | {:.3} times | {:.2} s | {:.2} %", self.emptied, self.empty_seconds, self.ends_right * 100.0)
    }
}

#[test]
fn replay() {
    let seed = number("SIMULATION_SEED", 0);
    let history = History::new(seed);
    let result = play(&history, Algorithm::Whole, &sdk());
    println!("{history:#?}\n{}", result.trace.join("\n"));
    verdict(&history, &result).unwrap();
    assert_eq!(play(&history, Algorithm::Whole, &sdk()).trace, result.trace, "a history plays the same twice");
}
