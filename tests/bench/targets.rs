//! What the benchmark must show.

use crate::measure::{CALLS_IN_A_ROW, Sample};
use crate::report::median;

/// What is measured, the least or most that it may be, and what it was; `None` if this run cannot say.
pub struct Target {
    what: String,
    bound: f64,
    is_least: bool,
    measured: Option<f64>,
}

/// The group is right so many milliseconds after the calls alone would have made it so.
pub fn right(what: &str, latency: u64, more: u64, of: fn(&Sample) -> f64, samples: &[Vec<Sample>], limited: bool) -> Target {
    let [ours, ..] = samples else { panic!("nothing was measured") };
    let calls = CALLS_IN_A_ROW * latency as f64;
    let what = format!("{what}: right ms ({calls} + {more})");
    Target { what, bound: calls + more as f64, is_least: false, measured: limited.then(|| median(ours, of)) }
}

/// The second subject needs at least so many times as much as the first.
pub fn times_less(what: &str, times: f64, of: fn(&Sample) -> f64, samples: &[Vec<Sample>]) -> Target {
    let measured = if let [ours, theirs] = samples { Some(median(theirs, of) / median(ours, of)) } else { None };
    Target { what: format!("{what}: boto3 ÷ this function"), bound: times, is_least: true, measured }
}

/// Prints which targets were met; returns whether all were that could be judged.
pub fn judge(targets: &[Target]) -> bool {
    println!("\n| target | | measured | |\n|---|---|---|---|");
    for Target { what, bound, is_least, measured } in targets {
        let sign = if *is_least { '≥' } else { '≤' };
        let (measured, verdict) = match measured {
            None => ("–".to_owned(), "not judged: it takes the limit on the CPU, or boto3"),
            Some(measured) => (format!("{measured:.1}"), if holds(*bound, *is_least, *measured) { "met" } else { "**missed**" }),
        };
        println!("| {what} | {sign} {bound} | {measured} | {verdict} |");
    }
    targets.iter().all(|target| target.measured.is_none_or(|measured| holds(target.bound, target.is_least, measured)))
}

fn holds(bound: f64, is_least: bool, measured: f64) -> bool {
    if is_least { measured >= bound } else { measured <= bound }
}
