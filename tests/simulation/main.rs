//! Plays histories by the thousand: the real handler with the real SDK client, in a world that fails over, that loses,
//! repeats and delays events, and whose RDS lags.
//!
//! * `cargo test --test simulation` plays a few hundred histories.
//! * `SIMULATION_HISTORIES=1000000 cargo test --profile long --test simulation no_history -- --nocapture` as many as you like.
//! * `SIMULATION_CLIMATE=1 SIMULATION_SEED=42 cargo test --test simulation replay -- --nocapture` plays one alone and prints it.
//! * `SIMULATION_COMPARED=4000 cargo test --profile long --test simulation comparison -- --nocapture` prints the tables
//!   of tests/README.md; `SIMULATION_CONSUMERS=4000 … consumers …` those about consumers.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod algorithm;
mod climate;
mod consumers;
mod delivery;
mod failover;
mod history;
mod instance;
mod lambda;
mod ledger;
mod measure;
mod play;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod standin;
mod world;

use std::sync::Mutex;
use std::thread;

use algorithm::{ARTICLE, Algorithm, COMPLETED, EVENTS_ONLY, EVERY_5_MINUTES, POLL_ONLY, WHOLE};
use algorithm::{RESOLVE_AT_THE_EVENT, RESOLVE_ON_A_SCHEDULE};
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use climate::{CAPTURED, CAPTURED_POOR, Climate, Follows, INSTANCE};
use history::History;
use ledger::Outcome;
use measure::Measure;
use play::play;
use standin::Standin;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// The function's own settings without two that play no part here and cost a quarter of the time.
fn sdk() -> SdkConfig {
    let sdk = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Standin::new().in_process());
    let unguarded = StalledStreamProtectionConfig::disabled();
    sdk.to_builder().identity_cache(IdentityCache::no_cache()).stalled_stream_protection(unguarded).build()
}

/// What must hold of this function in every history; the trace with it if it does not.
fn verdict(seed: u64, outcome: &Outcome) -> Result<(), String> {
    let mut broken = outcome.violations.clone();
    broken.extend(outcome.ends_empty.then(|| "the history ends with an empty group".to_owned()));
    broken.extend((outcome.measure.ends_right == 0).then(|| "the group does not end with exactly the writer".to_owned()));
    let lines = || format!("seed {seed}: {}\n{}", broken.join("; "), outcome.trace.join("\n"));
    if broken.is_empty() { Ok(()) } else { Err(lines()) }
}

/// Plays the histories of these seeds on all cores, and hands on the outcome of each.
fn play_each(
    climate: &'static Climate,
    seeds: impl Iterator<Item = u64> + Send,
    algorithm: Algorithm,
    of_each: impl Fn(History, Outcome) + Sync,
) {
    let seeds = Mutex::new(seeds);
    let work = || {
        let sdk = sdk();
        loop {
            let Some(seed) = seeds.lock().unwrap().next() else { return };
            let history = History::new(climate, seed);
            of_each(history.clone(), play(history, algorithm, &sdk));
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
}

/// The same, counted; of a promised algorithm each history must keep the promises.
fn play_all(
    climate: &'static Climate,
    seeds: impl Iterator<Item = u64> + Send,
    algorithm: Algorithm,
    is_promised: bool,
) -> Measure {
    let measure = Mutex::new(Measure::default());
    play_each(climate, seeds, algorithm, |History { seed, .. }, outcome| {
        if is_promised && let Err(broken) = verdict(seed, &outcome) {
            let number = climate.number().unwrap();
            panic!(
                "{broken}\n\nreplay: SIMULATION_CLIMATE={number} SIMULATION_SEED={seed} cargo test --test simulation replay -- --nocapture"
            );
        }
        measure.lock().unwrap().add(&outcome.measure);
    });
    measure.into_inner().unwrap()
}

#[test]
fn no_history_breaks_a_promise() {
    let (histories, begin) = (number("SIMULATION_HISTORIES", 500), std::time::Instant::now());
    for (remainder, climate) in (0..).zip(Climate::ALL) {
        let measure = play_all(climate, (remainder..histories).step_by(Climate::ALL.len()), WHOLE, true);
        println!("{}, {} failovers: {measure}\n{}", climate.name, measure.failovers, measure.causes());
        if climate.follows == Follows::Instance {
            println!("{}", measure.aims().unwrap());
            continue;
        }
        let undone = measure.undone_by_one_witness();
        // In fewer than 1,200 histories, two say nothing.
        let failovers = measure.failovers.max(3_000);
        assert!(undone * 1000 < failovers, "{}: {undone} of {} failovers undone by RDS alone", climate.name, measure.failovers);
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{histories} histories in {seconds:.1} s, {:.0} a second", histories as f64 / seconds);
}

/// Not only a verdict, a measure: the same histories by this function, by halves of it, and by the article's algorithm.
#[test]
fn comparison() {
    let histories = number("SIMULATION_COMPARED", 20);
    for [climate, _] in Climate::PAIRS {
        println!("\n| {}, {histories} histories | {}", climate.name, Measure::HEAD);
        let measure = |algorithm: Algorithm| {
            let measure = play_all(climate, 0..histories, algorithm, false);
            println!("| {} | {measure} |", algorithm.name);
            measure
        };
        let whole = measure(WHOLE);
        // Where many failovers fail, waiting for *completed* can be as good; in few histories a slower schedule can, too.
        measure(COMPLETED);
        measure(EVERY_5_MINUTES);
        for algorithm in [POLL_ONLY, EVENTS_ONLY, ARTICLE] {
            let other = measure(algorithm);
            assert!(whole.share_right() > other.share_right(), "{} is right more often", algorithm.name);
        }
        println!("\n{} failovers; {}:\n{}", whole.failovers, WHOLE.name, whole.causes());
    }
}

/// Where rule 9 (b) ends depends on how long a target is `initial`: the same histories with both spreads of that.
#[test]
fn comparison_of_the_spreads_of_initial() {
    let histories = number("SIMULATION_COMPARED", 20);
    println!("\n| {}, {histories} histories | {}", WHOLE.name, Measure::HEAD);
    for climate in Climate::PAIRS.concat() {
        let measure = play_all(climate, 0..histories, WHOLE, true);
        println!("| {} | {measure} |", climate.name);
        println!("{} failovers\n{}", measure.failovers, measure.causes());
    }
}

/// One RDS Multi-AZ DB instance, by this function, by halves of it, and as the peers do.
#[test]
fn comparison_for_one_instance() {
    let histories = number("SIMULATION_COMPARED", 20);
    println!("\n| {}, {histories} histories | {}", INSTANCE.name, Measure::HEAD.replace("RDS", "DNS"));
    let measure = |algorithm: Algorithm, is_promised| {
        let measure = play_all(&INSTANCE, 0..histories, algorithm, is_promised);
        println!("| {} | {measure} |", algorithm.name);
        measure
    };
    let whole = measure(WHOLE, true);
    measure(EVERY_5_MINUTES, false);
    for algorithm in [POLL_ONLY, EVENTS_ONLY, RESOLVE_AT_THE_EVENT, RESOLVE_ON_A_SCHEDULE] {
        let other = measure(algorithm, false);
        assert!(whole.share_right() > other.share_right(), "{} is right more often", algorithm.name);
    }
    println!("\n{} failovers; {}:\n{}{}", whole.failovers, WHOLE.name, whole.causes(), whole.aims().unwrap());
}

/// What becomes of a consumer of the binary log in a failover.
#[test]
fn consumers_are_not_stopped_where_readers_have_a_gate() {
    let failovers = number("SIMULATION_CONSUMERS", 20);
    for climate in [&CAPTURED, &CAPTURED_POOR] {
        let groups = [WHOLE, COMPLETED].map(|mode| {
            let groups = Mutex::new(vec![]);
            play_each(climate, 0..failovers, mode, |history, outcome| {
                groups.lock().unwrap().push(consumers::Failover::new(&history, outcome.registrations));
            });
            groups.into_inner().unwrap()
        });
        println!("\n{}, {failovers} failovers\n\n{}", climate.name, consumers::HEAD);
        for row in consumers::rows(&groups) {
            println!("{row}");
            assert!(row.all_served_with_a_gate(), "{row}");
        }
    }
}

#[test]
fn replay() {
    let seed = number("SIMULATION_SEED", 0);
    let climate = Climate::ALL[number("SIMULATION_CLIMATE", 0) as usize];
    let history = History::new(climate, seed);
    let outcome = play(history.clone(), WHOLE, &sdk());
    println!("{climate:?}\n{history:#?}\n{}", outcome.trace.join("\n"));
    verdict(seed, &outcome).unwrap();
    assert_eq!(play(history.clone(), WHOLE, &sdk()).trace, outcome.trace, "a history plays the same twice");
}
