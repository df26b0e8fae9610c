//! What the benchmark must show.

use crate::measure::{CALLS_IN_A_ROW, Sample};
use crate::report::median;

/// What is measured, the least or most that it may be, and what it was; `None` if this run cannot say.
pub struct Target {
    what: String,
    bound: Bound,
    measured: Option<f64>,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// The group is right so many milliseconds after the calls alone would have made it so.
pub fn right(what: &str, latency: u64, more: u64, of: fn(&Sample) -> f64, samples: &[Vec<Sample>], limited: bool) -> Target {
    let [ours, ..] = samples else { panic!("nothing was measured") };
    let calls = CALLS_IN_A_ROW * latency as f64;
    Target {
        what: format!("{what}: right ms ({calls} + {more})"),
        bound: Bound::AtMost(calls + more as f64),
        measured: limited.then(|| median(ours, of)),
    }
}

/// The second subject needs at least so many times as much as the first.
pub fn times_less(what: &str, times: f64, of: fn(&Sample) -> f64, samples: &[Vec<Sample>]) -> Target {
    let measured = if let [ours, theirs] = samples { Some(median(theirs, of) / median(ours, of)) } else { None };
    Target { what: format!("{what}: boto3 ÷ this function"), bound: Bound::AtLeast(times), measured }
}

/// Prints which targets were met; gives whether none was missed.
pub fn judge(targets: &[Target]) -> bool {
    println!("\n| target | | measured | |\n|---|---|---|---|");
    for target in targets {
        let measured = target.measured.map_or_else(|| "–".to_owned(), |measured| format!("{measured:.1}"));
        println!("| {} | {} | {measured} | {} |", target.what, target.bound.text(), target.verdict());
    }
    targets.iter().all(|target| target.verdict() != MISSED)
}

const MISSED: &str = "**missed**";

impl Target {
    fn verdict(&self) -> &'static str {
        match self.measured {
            None => "not judged: it takes the limit on the CPU, or boto3",
            Some(measured) if self.bound.holds(measured) => "met",
            Some(_) => MISSED,
        }
    }
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Bound::AtMost(limit) => measured <= limit,
            Bound::AtLeast(limit) => measured >= limit,
        }
    }

    fn text(self) -> String {
        match self {
            Bound::AtMost(limit) => format!("≤ {limit}"),
            Bound::AtLeast(limit) => format!("≥ {limit}"),
        }
    }
}
