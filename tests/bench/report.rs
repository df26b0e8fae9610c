//! Medians, the tables that go into tests/README.md, and whether the goals are met.

use crate::measure::Sample;
use crate::subject::Subject;

/// A line of a table: its name, how many digits it has, and where it stands.
pub type Figure = (&'static str, usize, fn(&Sample) -> f64);

/// Of the first event.
pub const COLD: [Figure; 9] = [
    ("init ms", 1, |sample| sample.init),
    ("right ms", 1, |sample| sample.cold.right),
    ("invoke ms", 1, |sample| sample.cold.invoke),
    ("total ms, init and invoke", 1, |sample| sample.init + sample.cold.invoke),
    ("right ÷ (3 × latency)", 2, |sample| sample.cold.right_to_calls),
    ("CPU ms, init and invoke", 1, |sample| sample.cold_cpu),
    ("peak memory MB", 1, |sample| sample.rss_mb),
    ("calls", 0, |sample| sample.cold.calls as f64),
    ("calls in a row until right", 0, |sample| sample.cold.calls_in_a_row as f64),
];

/// Of the second event, to a process that was frozen.
pub const THAWED: [Figure; 7] = [
    ("right ms", 1, |sample| sample.warm.right),
    ("invoke ms", 1, |sample| sample.warm.invoke),
    ("right ÷ (3 × latency)", 2, |sample| sample.warm.right_to_calls),
    ("CPU ms", 1, |sample| sample.warm.cpu),
    ("calls", 0, |sample| sample.warm.calls as f64),
    ("calls in a row until right", 0, |sample| sample.warm.calls_in_a_row as f64),
    ("new connections", 0, |sample| sample.warm.connections as f64),
];

const GROWTH: [Figure; 5] = [
    ("init ms", 1, |sample| sample.init),
    ("cold right ms", 1, |sample| sample.cold.right),
    ("warm right ms", 1, |sample| sample.warm.right),
    ("CPU ms, init and cold", 1, |sample| sample.cold_cpu),
    ("peak memory MB", 1, |sample| sample.rss_mb),
];

/// The median of one figure over the samples.
pub fn median(samples: &[Sample], figure: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<_> = samples.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[values.len() / 2], values[(values.len() - 1) / 2])
}

/// One table: a line for each figure, a column for each subject, and how many times the first is smaller than the second.
pub fn comparison(title: &str, figures: &[Figure], subjects: &[Subject], samples: &[Vec<Sample>]) {
    let names = subjects.iter().map(|subject| subject.name);
    head(title, &names.chain(["ratio"]).collect::<Vec<_>>());
    for (name, digits, figure) in figures {
        let values: Vec<_> = samples.iter().map(|samples| median(samples, *figure)).collect();
        // Nothing can be compared with a latency of 0.
        if values.iter().all(|value| value.is_finite()) {
            line(name, &values, *digits);
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

fn head(title: &str, columns: &[&str]) {
    println!("\n{title}\n\n| | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

pub fn growth_head() {
    head("How cost grows (a whole CPU, 0 ms a call)", &GROWTH.map(|(name, ..)| name));
}

pub fn growth_line(what: &str, samples: &[Sample]) {
    let cells = GROWTH.map(|(_, digits, figure)| format!("{:.digits$}", median(samples, figure)));
    println!("| {what} | {} |", cells.join(" | "));
}

/// What the benchmark must show: a figure, the least or most that it may be, and what it was, if this run can say.
pub struct Goal {
    pub what: String,
    pub bound: f64,
    pub is_least: bool,
    pub measured: Option<f64>,
}

impl Goal {
    pub fn is_missed(&self) -> bool {
        self.measured.is_some_and(|measured| if self.is_least { measured < self.bound } else { measured > self.bound })
    }

    pub fn print(&self) {
        let sign = if self.is_least { '≥' } else { '≤' };
        let (measured, verdict) = match self.measured {
            None => ("–".to_owned(), "not judged: it takes boto3"),
            Some(measured) => (format!("{measured:.1}"), if self.is_missed() { "**missed**" } else { "met" }),
        };
        println!("| {} | {sign} {} | {measured} | {verdict} |", self.what, self.bound);
    }
}
