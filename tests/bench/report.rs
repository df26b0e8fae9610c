//! Medians, and the tables that go into the README.

use crate::subject::{Sample, Subject};

/// The median of one figure over the samples.
pub fn median(samples: &[Sample], figure: impl Fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<_> = samples.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.get((values.len().saturating_sub(1)) / 2)) {
        (Some(a), Some(b)) => (a + b) / 2.0,
        _ => f64::NAN,
    }
}

type Figure = (&'static str, fn(&Sample) -> f64);

const FIGURES: [Figure; 9] = [
    ("init ms", |sample| sample.init),
    ("invoke ms", |sample| sample.invoke),
    ("total ms", |sample| sample.init + sample.invoke),
    ("warm invoke ms", |sample| sample.warm),
    ("CPU ms, init and cold invoke", |sample| sample.cpu),
    ("CPU ms, warm invoke", |sample| sample.warm_cpu),
    ("peak RSS MB", |sample| sample.rss_mb),
    ("calls", |sample| sample.calls as f64),
    ("longest chain of calls", |sample| sample.chain as f64),
];

/// One table: a line for each figure, a column for each subject, and how many times the first is smaller than the second.
pub fn comparison(title: &str, subjects: &[Subject], samples: &[Vec<Sample>], throttled: bool) {
    let names: Vec<_> = subjects.iter().map(|subject| subject.name).collect();
    println!("\n{title}\n\n| | {} | ratio |\n|---|{}---|", names.join(" | "), "---|".repeat(names.len()));
    let line = |name: &str, values: &[f64], digits: usize| {
        let cells: Vec<_> = values.iter().map(|value| format!("{value:.digits$}")).collect();
        let ratio = if let [ours, theirs] = values { format!("{:.1}", theirs / ours) } else { String::new() };
        println!("| {name} | {} | {ratio} |", cells.join(" | "));
    };
    for (name, figure) in FIGURES {
        // Without a limit on the CPU, times would flatter: they are not those of 128 MB.
        if throttled || !name.ends_with("invoke ms") && !name.starts_with("total") {
            let values: Vec<_> = samples.iter().map(|samples| median(samples, figure)).collect();
            line(name, &values, usize::from(!name.contains("call")));
        }
    }
    line("zip MB", &subjects.iter().map(|subject| subject.zip_bytes as f64 / 1e6).collect::<Vec<_>>(), 2);
}

/// The head of the table of growing costs.
pub fn growth_head() {
    println!("\nHow cost grows (a whole CPU, 0 ms a call)\n");
    println!(
        "| | init ms | cold invoke ms | warm invoke ms | CPU ms, init and cold | CPU ms, warm | peak RSS MB |\n|---|---|---|---|---|---|---|"
    );
}

/// A line of it.
pub fn growth_line(what: &str, samples: &[Sample]) {
    let figures: [fn(&Sample) -> f64; 6] = [|s| s.init, |s| s.invoke, |s| s.warm, |s| s.cpu, |s| s.warm_cpu, |s| s.rss_mb];
    let cells: Vec<_> = figures.into_iter().map(|figure| format!("{:.1}", median(samples, figure))).collect();
    println!("| {what} | {} |", cells.join(" | "));
}
