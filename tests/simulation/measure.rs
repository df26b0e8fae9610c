//! Shares and times over many histories.

use std::collections::BTreeMap;
use std::fmt;

use crate::history::History;
use crate::ledger::{Cause, Outcome};

#[derive(Default)]
pub struct Measure {
    pub histories: u64,
    pub failovers: u64,
    with_writer: u64,
    right: u64,
    ends_right: u64,
    emptied: u64,
    /// In seconds.
    recoveries: Vec<f64>,
    pub undone: BTreeMap<Cause, u64>,
}

impl Measure {
    pub fn add(&mut self, history: &History, outcome: &Outcome) {
        self.histories += 1;
        self.failovers += history.failovers;
        self.with_writer += outcome.with_writer;
        self.right += outcome.right;
        self.ends_right += u64::from(outcome.ends_right);
        self.emptied += outcome.emptied;
        self.recoveries.extend(outcome.recoveries.iter().map(|ms| *ms as f64 / 1000.0));
        for (cause, times) in &outcome.undone {
            *self.undone.entry(cause.clone()).or_default() += times;
        }
    }

    /// The share of the time with a writer in which exactly its target is registered.
    pub fn right(&self) -> f64 {
        self.right as f64 / self.with_writer as f64
    }

    pub fn undone_by_rds_alone(&self) -> u64 {
        self.undone.iter().filter(|(cause, _)| cause.by_rds_alone).map(|(_, times)| times).sum()
    }

    fn per_thousand_failovers(&self, times: u64) -> f64 {
        times as f64 * 1000.0 / self.failovers as f64
    }

    /// The time, in seconds, within which this share of the recoveries was over.
    pub fn time_to_right(&self, share: f64) -> f64 {
        let mut sorted = self.recoveries.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[((sorted.len() - 1) as f64 * share) as usize]
    }

    pub const HEAD: &str = "target right | time to right: median | 95 % | 99 % | undone by RDS alone | by an event | emptied | ends right |\n|---|---|---|---|---|---|---|---|---|";

    pub fn causes(&self) -> String {
        let line = |(cause, times): (&Cause, &u64)| {
            let by = if cause.by_rds_alone { "RDS alone" } else { "an event" };
            format!("  undone {times} times by {by}: {}, RDS showed {}\n", cause.trigger, cause.rds_showed)
        };
        self.undone.iter().map(line).collect()
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |share| self.time_to_right(share);
        write!(f, "{:.2} % | {:.1} s | {:.0} s | {:.0} s", self.right() * 100.0, time(0.5), time(0.95), time(0.99))?;
        let by_rds = self.undone_by_rds_alone();
        let by_events = self.undone.values().sum::<u64>() - by_rds;
        let [by_rds, by_events, emptied] = [by_rds, by_events, self.emptied].map(|times| self.per_thousand_failovers(times));
        write!(f, " | {by_rds:.1} | {by_events:.1} | {emptied:.1}")?;
        write!(f, " | {:.2} %", self.ends_right as f64 / self.histories as f64 * 100.0)
    }
}
