//! Keeps the time, the promises, and the count of what was undone.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::history::{History, Ms, address, instance};
use crate::measure::{Cause, Measure};
use crate::standin::Target;

/// The outcome of a history.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Broken promises, each with its moment.
    pub violations: Vec<String>,
    pub measure: Measure,
    /// Whether the group held nothing when all was over, before the last scheduled run.
    pub ends_empty: bool,
    pub trace: Vec<String>,
}

tokio::task_local! {
    /// The run that a call belongs to.
    pub static RUN: Rc<Run>;
}

#[derive(Default)]
pub struct Run {
    pub trigger: String,
    pub killed: Notify,
    /// Whether the last list of targets that this run was given was unreadable.
    pub garbled: Cell<bool>,
    /// What RDS showed when this run took the rightful writer's target away.
    undid: RefCell<Vec<&'static str>>,
}

impl Run {
    pub fn new(trigger: String) -> Run {
        Run { trigger, ..Run::default() }
    }
}

pub struct Ledger {
    history: Arc<History>,
    begin: Instant,
    since: Ms,
    writer: Option<usize>,
    /// Where the rightful writer is.
    rightful: String,
    registered: Vec<String>,
    /// Since when there is a writer whose target is not yet the only one.
    recovering: Option<Ms>,
    outcome: Outcome,
}

impl Ledger {
    pub fn new(history: Arc<History>, begin: Instant) -> Ledger {
        let measure = Measure { histories: 1, failovers: history.failovers, ..Measure::default() };
        Ledger {
            history,
            begin,
            since: 0,
            writer: None,
            rightful: String::new(),
            registered: Vec::new(),
            recovering: None,
            outcome: Outcome { measure, ..Outcome::default() },
        }
    }

    fn now(&self) -> Ms {
        self.begin.elapsed().as_millis() as Ms
    }

    fn is_right(&self) -> bool {
        self.writer.is_some() && self.registered == [self.rightful.as_str()]
    }

    /// Books the time since the last change, then takes over what is registered now.
    fn book(&mut self, targets: &[Target]) {
        let now = self.now();
        // What the group held before the first failover is not counted.
        let passed = now.saturating_sub(self.since.max(self.history.first_failover()));
        self.since = now;
        if self.writer.is_some() {
            self.outcome.measure.with_writer += passed;
            self.outcome.measure.right += if self.is_right() { passed } else { 0 };
        }
        self.registered = registered(targets);
    }

    fn recovered(&mut self) {
        if self.is_right()
            && let Some(since) = self.recovering.take()
        {
            self.outcome.measure.recoveries.push(self.now() - since);
        }
    }

    /// The world has moved on.
    pub fn world(&mut self, targets: &[Target]) {
        self.book(targets);
        let now = self.now();
        let truth = self.history.truth(now);
        let (writer, rightful) = (truth.writer, truth.rightful);
        let rightful = address(rightful, self.history.generation(rightful, now, |moved| moved.at));
        if (writer, &rightful) != (self.writer, &self.rightful) {
            self.note(|| format!("the writer is {} at {rightful}", writer.map_or("unknown".to_owned(), instance)));
            let unrecovered = self.recovering.take().map(|since| now - since);
            self.outcome.measure.recoveries.extend(unrecovered);
            self.recovering = (writer.is_some() && now > 0).then_some(now);
            (self.writer, self.rightful) = (writer, rightful);
        }
        self.recovered();
    }

    /// A write took effect.
    pub fn written(&mut self, before: &[Target], action: &str, after: &[Target]) {
        let (before, now) = (registered(before), registered(after));
        self.note(|| format!("{action}: {before:?} → {now:?}"));
        if !before.is_empty() && now.is_empty() {
            self.outcome.measure.emptied += 1;
            // Without the guard two runs can undo each other: that is counted, not promised away.
            if self.history.guard {
                self.violation("the group was emptied");
            }
        }
        for id in &now {
            if !before.contains(id) && !self.history.has(id) {
                self.violation(&format!("{id} was registered and is not a member"));
            }
        }
        if RUN.with(|run| run.garbled.get()) {
            self.violation("a write followed from a list that could not be read");
        }
        if before.contains(&self.rightful) && !now.contains(&self.rightful) {
            let shown = self.rds_showed();
            self.note(|| format!("UNDONE while RDS showed {shown}"));
            RUN.with(|run| run.undid.borrow_mut().push(shown));
        }
        self.book(after);
        self.recovered();
    }

    fn rds_showed(&self) -> &'static str {
        let now = self.now();
        let (view, rightful) = (self.history.view(now), self.history.truth(now).rightful);
        match (view.status, view.writers.as_slice()) {
            ("failing-over", _) => "failing-over",
            (_, [writer]) if *writer == rightful => "the writer",
            (_, [_]) => "another writer",
            _ => "no single writer",
        }
    }

    /// A run is over, with an answer or without.
    pub fn ended(&mut self, run: &Run, answer: Option<&Value>) {
        let evidence = answer.map(|answer| answer["evidence"].as_str().unwrap_or_default());
        for rds_showed in run.undid.take() {
            let would_be = run.trigger != "fresh started" && rds_showed == "another writer";
            let by_rds_alone = run.trigger != "fresh failed" && evidence.map_or(would_be, |evidence| evidence == "rds");
            let cause = Cause { by_rds_alone, trigger: run.trigger.clone(), rds_showed };
            *self.outcome.measure.undone.entry(cause).or_default() += 1;
        }
    }

    pub fn violation(&mut self, what: &str) {
        let line = format!("{:.3} s: {what}", self.begin.elapsed().as_secs_f64());
        self.outcome.trace.push(line.clone());
        self.outcome.violations.push(line);
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.outcome.trace.push(format!("{:10.3} s  {}", self.begin.elapsed().as_secs_f64(), line()));
    }

    /// Nothing goes wrong any more; the last scheduled run is yet to come.
    pub fn calm(&mut self) {
        self.outcome.ends_empty = self.registered.is_empty();
    }

    pub fn close(&mut self, targets: &[Target]) -> Outcome {
        self.book(targets);
        let now = self.now();
        self.outcome.measure.recoveries.extend(self.recovering.map(|since| now - since));
        self.outcome.measure.ends_right = self.is_right().into();
        self.outcome.clone()
    }
}

fn registered(targets: &[Target]) -> Vec<String> {
    targets.iter().filter(|target| target.is_registered()).map(|target| target.id.clone()).collect()
}
