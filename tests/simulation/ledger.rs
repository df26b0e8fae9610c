//! Keeps the time, the promises, and the count of what was undone.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::climate::Follows;
use crate::history::{History, Ms, address, instance};
use crate::measure::Measure;
use crate::standin::Target;

mod undone;

/// The outcome of a history.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Broken promises, each with its moment.
    pub violations: Vec<String>,
    pub measure: Measure,
    /// Whether the group held nothing when all was over, before the last scheduled run.
    pub ends_empty: bool,
    pub trace: Vec<String>,
    /// What was registered from a moment on.
    pub registrations: Vec<(Ms, Vec<String>)>,
}

tokio::task_local! {
    /// The run that a call belongs to.
    pub static RUN: Rc<Run>;
}

#[derive(Default)]
pub struct Run {
    pub trigger: String,
    /// Which resolver its process asks.
    resolver: usize,
    pub killed: Notify,
    /// Whether the last list of targets that this run was given was unreadable.
    pub garbled: Cell<bool>,
    /// What RDS or the balancer showed when this run took the rightful writer's target away.
    undid: RefCell<Vec<&'static str>>,
}

impl Run {
    pub fn new(trigger: String, resolver: usize) -> Run {
        Run { trigger, resolver, ..Run::default() }
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
    /// For one DB instance: when a run that waits for the new address can see it.
    watched_from: Option<Ms>,
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
            watched_from: None,
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
        if self.outcome.registrations.last().is_none_or(|(_, last)| *last != self.registered) {
            self.outcome.registrations.push((now, self.registered.clone()));
        }
    }

    fn recovered(&mut self) {
        if self.is_right() {
            self.close_recovery();
        }
    }

    /// Right at last, or the next failover is under way.
    fn close_recovery(&mut self) {
        let now = self.now();
        let (measure, calm) = (&mut self.outcome.measure, self.history.faults == 0.0 && self.history.kills == 0.0);
        if let Some(since) = self.recovering.take() {
            measure.recoveries.push(now - since);
            let resolver = RUN.try_with(|run| run.resolver).ok();
            let answered = self.history.first_answer(since, resolver);
            measure.after_first_answer.extend(answered.map(|at| now.saturating_sub(at)));
            measure.watched.extend(self.watched_from.take().filter(|_| calm).map(|at| now.saturating_sub(at)));
        }
    }

    /// A run begins that a fresh *started* event asked for. It waits for the address to move if the group holds the one that its
    /// resolver gives.
    pub fn watching(&mut self, started: Ms, resolver: usize) {
        let (now, history) = (self.now(), &self.history);
        let is_next = |i: &usize| history.truths[*i].at > started && history.truths[*i].writer.is_some();
        let Some(truth) = (0..history.truths.len()).find(is_next).filter(|_| history.follows == Follows::Instance) else {
            return;
        };
        let moves = history.name_moves(truth, resolver);
        let is_in_order = self.registered == [address(history.resolved(resolver, now), 0)];
        let is_current = history.truth(now).at <= history.truths[truth].at;
        if is_in_order && is_current && now < moves {
            self.watched_from = Some(self.watched_from.map_or(moves, |known| known.min(moves)));
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
            self.close_recovery();
            self.recovering = (writer.is_some() && now > 0).then_some(now);
            if self.recovering.is_none() {
                self.watched_from = None;
            }
            (self.writer, self.rightful) = (writer, rightful);
        }
        self.recovered();
    }

    /// A write took effect.
    pub fn written(&mut self, before: &[Target], action: &str, after: &[Target]) {
        let rightful = before.iter().find(|target| target.id == self.rightful);
        let before_state = rightful.map_or_else(String::new, |target| target.state.clone());
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
            let shown = self.shown(&before_state);
            self.note(|| format!("UNDONE while {shown}"));
            RUN.with(|run| run.undid.borrow_mut().push(shown));
        }
        self.book(after);
        self.recovered();
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
        self.close_recovery();
        self.outcome.measure.ends_right = self.is_right().into();
        self.outcome.clone()
    }
}

fn registered(targets: &[Target]) -> Vec<String> {
    targets.iter().filter(|target| target.is_registered()).map(|target| target.id.clone()).collect()
}
