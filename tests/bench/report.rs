//! Medians, and the tables that go into tests/README.md.

use crate::measure::Sample;
use crate::subject::Subject;

/// One line of a table.
pub struct Figure {
    name: &'static str,
    of: fn(&Sample) -> f64,
    digits: usize,
    /// Whether it depends on the limit on the CPU: without, it would flatter.
    is_throttled: bool,
}

const fn throttled(name: &'static str, of: fn(&Sample) -> f64) -> Figure {
    Figure { name, of, digits: 1, is_throttled: true }
}

const fn plain(name: &'static str, digits: usize, of: fn(&Sample) -> f64) -> Figure {
    Figure { name, of, digits, is_throttled: false }
}

/// Of the first event.
pub const COLD: [Figure; 9] = [
    plain("init ms", 1, |sample| sample.init),
    throttled("right ms", |sample| sample.cold.right),
    throttled("invoke ms", |sample| sample.cold.invoke),
    throttled("total ms, init and invoke", |sample| sample.init + sample.cold.invoke),
    Figure { digits: 2, ..throttled("right ÷ (3 × latency)", |sample| sample.cold.right_to_calls) },
    plain("CPU ms, init and invoke", 1, |sample| sample.cold_cpu),
    plain("peak memory MB", 1, |sample| sample.rss_mb),
    plain("calls", 0, |sample| sample.cold.calls as f64),
    plain("calls in a row until right", 0, |sample| sample.cold.calls_in_a_row as f64),
];

/// Of the second event, to a process that was frozen.
pub const THAWED: [Figure; 7] = [
    throttled("right ms", |sample| sample.warm.right),
    throttled("invoke ms", |sample| sample.warm.invoke),
    Figure { digits: 2, ..throttled("right ÷ (3 × latency)", |sample| sample.warm.right_to_calls) },
    plain("CPU ms", 1, |sample| sample.warm.cpu),
    plain("calls", 0, |sample| sample.warm.calls as f64),
    plain("calls in a row until right", 0, |sample| sample.warm.calls_in_a_row as f64),
    plain("new connections", 0, |sample| sample.warm.connections as f64),
];

const GROWTH: [Figure; 5] = [
    plain("init ms", 1, |sample| sample.init),
    plain("cold right ms", 1, |sample| sample.cold.right),
    plain("warm right ms", 1, |sample| sample.warm.right),
    plain("CPU ms, init and cold", 1, |sample| sample.cold_cpu),
    plain("peak memory MB", 1, |sample| sample.rss_mb),
];

/// The median of one figure over the samples.
pub fn median(samples: &[Sample], figure: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<_> = samples.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.get((values.len().saturating_sub(1)) / 2)) {
        (Some(a), Some(b)) => (a + b) / 2.0,
        _ => f64::NAN,
    }
}

/// One table: a line for each figure, a column for each subject, and how many times the first is smaller than the second.
pub fn comparison(title: &str, figures: &[Figure], subjects: &[Subject], samples: &[Vec<Sample>], limited: bool) {
    let names: Vec<_> = subjects.iter().map(|subject| subject.name).collect();
    println!("\n{title}\n\n| | {} | ratio |\n|---|{}---|", names.join(" | "), "---|".repeat(names.len()));
    for figure in figures.iter().filter(|figure| limited || !figure.is_throttled) {
        let values: Vec<_> = samples.iter().map(|samples| median(samples, figure.of)).collect();
        // Nothing can be compared with a latency of 0.
        if values.iter().all(|value| value.is_finite()) {
            line(figure.name, &values, figure.digits);
        }
    }
}

/// The sizes of what is uploaded.
pub fn zips(subjects: &[Subject]) {
    line("zip MB", &subjects.iter().map(|subject| subject.zip_bytes as f64 / 1e6).collect::<Vec<_>>(), 2);
}

fn line(name: &str, values: &[f64], digits: usize) {
    let cells: Vec<_> = values.iter().map(|value| format!("{value:.digits$}")).collect();
    // Counts are not compared.
    let ratio = if let ([ours, theirs], 1..) = (values, digits) { format!("{:.1}", theirs / ours) } else { String::new() };
    println!("| {name} | {} | {ratio} |", cells.join(" | "));
}

/// The head of the table of growing costs.
pub fn growth_head() {
    let names = GROWTH.map(|figure| figure.name);
    println!("\nHow cost grows (a whole CPU, 0 ms a call)\n\n| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()));
}

/// A line of it.
pub fn growth_line(what: &str, samples: &[Sample]) {
    let cells = GROWTH.map(|figure| format!("{:.digits$}", median(samples, figure.of), digits = figure.digits));
    println!("| {what} | {} |", cells.join(" | "));
}
