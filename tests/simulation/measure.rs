//! Shares and times over many histories.

use std::collections::BTreeMap;
use std::fmt;

use crate::history::Ms;

#[derive(Clone, Debug, Default)]
pub struct Measure {
    pub histories: u64,
    pub failovers: u64,
    /// Milliseconds with a writer since the first failover began, and those of them with exactly its target registered.
    pub with_writer: Ms,
    pub right: Ms,
    /// How many histories ended with exactly the writer in the group.
    pub ends_right: u64,
    /// How often a write left the group empty.
    pub emptied: u64,
    /// For each failover or replacement of the writer, from the moment that there is a writer again until its target is the only one.
    pub recoveries: Vec<Ms>,
    /// For one DB instance, the same from the moment that the resolver of the process that did it gives the new address.
    pub after_first_answer: Vec<Ms>,
    /// The same where a *started* event waited for that moment and no call failed, by its own resolver.
    pub watched: Vec<Ms>,
    /// How often a write took the rightful writer's target away, by its cause.
    pub undone: BTreeMap<Cause, u64>,
}

/// Why a right target was taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The answer's evidence was `rds` or `dns`, or there was no answer and it would have been; and it was not RDS-EVENT-0069, fresh, that
    /// asked: that event is a second witness, because it says itself that the failover is over.
    pub by_one_witness: bool,
    pub trigger: String,
    pub shown: &'static str,
}

impl Measure {
    pub fn add(&mut self, other: &Measure) {
        self.histories += other.histories;
        self.failovers += other.failovers;
        self.with_writer += other.with_writer;
        self.right += other.right;
        self.ends_right += other.ends_right;
        self.emptied += other.emptied;
        self.recoveries.extend(&other.recoveries);
        self.after_first_answer.extend(&other.after_first_answer);
        self.watched.extend(&other.watched);
        other.undone.iter().for_each(|(cause, times)| *self.undone.entry(cause.clone()).or_default() += times);
    }

    /// The share of the time with a writer in which exactly its target is registered.
    pub fn share_right(&self) -> f64 {
        self.right as f64 / self.with_writer as f64
    }

    /// By RDS alone, or for one DB instance by DNS alone.
    pub fn undone_by_one_witness(&self) -> u64 {
        self.undone.iter().filter(|(cause, _)| cause.by_one_witness).map(|(_, times)| times).sum()
    }

    fn per_thousand_failovers(&self, times: u64) -> f64 {
        times as f64 * 1000.0 / self.failovers as f64
    }

    /// The time, in seconds, within which this share of the recoveries was over.
    pub fn time_to_right(&self, share: f64) -> f64 {
        quantile(&self.recoveries, share)
    }

    /// What is promised of one DB instance, once a resolver gives the new address.
    pub fn aims(&self) -> Result<String, String> {
        let (watched, all) = (quantile(&self.watched, 1.0), quantile(&self.after_first_answer, 0.99));
        let line = format!(
            "right after the resolver's first new answer: at most {watched:.1} s where a started event waited for it ({} times), {all:.0} s in 99 % of {}",
            self.watched.len(),
            self.after_first_answer.len()
        );
        if watched <= 2.0 && all <= 75.0 { Ok(line) } else { Err(line) }
    }

    pub const HEAD: &str = "target right | time to right: median | 95 % | 99 % | undone by RDS alone | by an event | emptied | ends right |\n|---|---|---|---|---|---|---|---|---|";

    pub fn causes(&self) -> String {
        let line = |(cause, times): (&Cause, &u64)| {
            let by = if cause.by_one_witness { "RDS or DNS alone" } else { "an event" };
            format!("  undone {times} times by {by}: {}, {}\n", cause.trigger, cause.shown)
        };
        self.undone.iter().map(line).collect()
    }
}

/// The time, in seconds, that this share of the times does not exceed.
pub fn quantile(times: &[Ms], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get((sorted.len().saturating_sub(1) as f64 * share) as usize).map_or(f64::NAN, |time| *time as f64 / 1000.0)
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |share| self.time_to_right(share);
        write!(f, "{:.2} % | {:.1} s | {:.0} s | {:.0} s", self.share_right() * 100.0, time(0.5), time(0.95), time(0.99))?;
        let by_rds = self.undone_by_one_witness();
        let by_events = self.undone.values().sum::<u64>() - by_rds;
        let [by_rds, by_events, emptied] = [by_rds, by_events, self.emptied].map(|times| self.per_thousand_failovers(times));
        write!(f, " | {by_rds:.1} | {by_events:.1} | {emptied:.1}")?;
        write!(f, " | {:.2} %", self.ends_right as f64 / self.histories as f64 * 100.0)
    }
}
