//! Makes what happens to a cluster in a history: failovers and replacements one after another, and what RDS shows of each.

use fastrand::Rng;

use crate::climate::{Climate, End, Follows};
use crate::history::{MINUTE, Ms, Replacement, SECOND, Truth, View, instance, pick};

/// An event as RDS emits it: its ID, its message, and when it happened.
pub type Event = (&'static str, String, Ms);

/// A history in the making.
pub struct Draft<'a> {
    pub rng: &'a mut Rng,
    climate: &'a Climate,
    members: usize,
    mapped: usize,
    writer: usize,
    /// When the last thing that happened was over.
    pub at: Ms,
    pub truths: Vec<Truth>,
    pub views: Vec<View>,
    pub replacements: Vec<Replacement>,
    pub events: Vec<Event>,
}

impl<'a> Draft<'a> {
    pub fn new(rng: &'a mut Rng, climate: &'a Climate, members: usize, mapped: usize) -> Draft<'a> {
        Draft {
            rng,
            climate,
            members,
            mapped,
            writer: 0,
            at: climate.quiet_before,
            truths: vec![Truth { at: 0, writer: Some(0), rightful: 0 }],
            views: vec![View { at: 0, status: "available", writers: vec![0] }],
            replacements: Vec::new(),
            events: Vec::new(),
        }
    }

    /// So many failovers, after some of which instances are replaced. Only those that the map does not have: its entries are its
    /// owner's to change.
    pub fn fill(&mut self, failovers: u64) {
        for _ in 0..failovers {
            self.failover();
            if self.mapped < self.members && self.rng.f64() < self.climate.replaced {
                self.replacement();
            }
        }
    }

    /// One failover, planned or after a crash. Times as public measurements have them, and worse now and then.
    fn failover(&mut self) {
        let started = self.at + self.gap();
        let old = self.writer;
        let target = (old + self.rng.usize(1..self.members)) % self.members;
        let (promoted, ended) = self.climate.promoted_and_ended(self.rng, started);

        let (id, message) = self.first_words(target);
        self.events.push((id, message, started));
        let end = self.climate.end(self.rng);
        self.writer = if end == End::Completed { target } else { old };
        let (id, message) = self.last_words(end);
        self.events.push((id, message, ended));
        self.truths.push(Truth { at: started, writer: None, rightful: self.writer });
        self.truths.push(Truth { at: promoted, writer: Some(self.writer), rightful: self.writer });
        self.show(old, started, promoted, ended);
        self.at = ended;
    }

    fn gap(&mut self) -> Ms {
        let back_to_back = self.rng.f64() < self.climate.back_to_back;
        if back_to_back { self.rng.u64(0..5 * SECOND) } else { self.rng.u64(self.climate.least_gap..20 * MINUTE) }
    }

    fn first_words(&mut self, target: usize) -> (&'static str, String) {
        let (id, zones) = *pick(self.rng, &[("RDS-EVENT-0072", "same"), ("RDS-EVENT-0073", "cross")]);
        match self.climate.follows {
            Follows::Cluster => (id, format!("Started {zones} AZ failover to DB instance: {}", instance(target))),
            Follows::Instance => ("RDS-EVENT-0013", "Multi-AZ instance failover started.".to_owned()),
        }
    }

    fn last_words(&mut self, end: End) -> (&'static str, String) {
        if self.climate.follows == Follows::Instance {
            let (id, message) = *pick(
                self.rng,
                &[
                    ("RDS-EVENT-0015", "Multi-AZ failover to standby complete - DNS propagation may take a few minutes."),
                    ("RDS-EVENT-0049", "Multi-AZ instance failover completed."),
                ],
            );
            return (id, message.to_owned());
        }
        let writer = instance(self.writer);
        match end {
            End::Completed => {
                let by = *pick(self.rng, &["", "customer initiated ", "RDS initiated "]);
                ("RDS-EVENT-0071", format!("Completed {by}failover to DB instance: {writer}"))
            }
            End::Failed => ("RDS-EVENT-0069", "Cluster failover failed, check the health of your cluster instances.".to_owned()),
            End::TakenBack => ("RDS-EVENT-0070", format!("Promoting previous primary again: {writer}")),
        }
    }

    /// What RDS shows of it: late, sometimes very late, sometimes never the status, sometimes with no writer or two in
    /// between.
    fn show(&mut self, old: usize, started: Ms, promoted: Ms, ended: Ms) {
        let writer = self.writer;
        let lag = if self.rng.f64() < 0.1 { self.rng.u64(0..30 * SECOND) } else { self.rng.u64(0..6 * SECOND) };
        let flipped = promoted + lag;
        let failing_over = self.climate.failing_over(self.rng).map(|after| started + after);
        let status = |at: Ms| if failing_over.is_some_and(|seen| seen <= at) { "failing-over" } else { "available" };
        let mut views: Vec<_> =
            failing_over.iter().map(|at| View { at: *at, status: "failing-over", writers: vec![old] }).collect();
        if self.rng.f64() < 0.1 {
            let writers = if self.rng.bool() { vec![] } else { vec![old, (old + 1) % self.members] };
            views.push(View { at: promoted, status: status(promoted), writers });
        }
        views.retain(|view| view.at < flipped);
        let status = if self.rng.f64() < 0.8 { "failing-over" } else { "available" };
        views.push(View { at: flipped, status, writers: vec![writer] });
        let settled = flipped.max(ended) + self.rng.u64(0..25 * SECOND);
        let status = *pick(self.rng, &["available", "available", "backing-up", "modifying"]);
        views.push(View { at: settled, status, writers: vec![writer] });
        // Once RDS shows something of this failover, it shows nothing of an earlier one any more.
        let first = views.iter().map(|view| view.at).min().unwrap();
        self.views.retain(|view| view.at < first);
        self.views.extend(views);
    }

    /// One instance that the map does not have, or, where it has none, all at once, as a blue/green switchover does. No event of
    /// the category `failover` announces it. A writer that is replaced alone is away for a while.
    fn replacement(&mut self) {
        let at = self.at + self.gap();
        let all = self.mapped == 0 && self.rng.bool();
        let members = if all { (0..self.members).collect() } else { vec![self.rng.usize(self.mapped..self.members)] };
        if members == [self.writer] {
            let back = at + self.rng.u64(5 * SECOND..MINUTE);
            self.truths.push(Truth { at, writer: None, rightful: self.writer });
            self.truths.push(Truth { at: back, writer: Some(self.writer), rightful: self.writer });
            self.at = back;
        } else {
            self.at = at;
        }
        let generation = self.replacements.len() as u8 + 1;
        // The endpoints' records live for 5 s.
        let in_dns = at + self.rng.u64(0..10 * SECOND);
        self.replacements.push(Replacement { at, in_dns, members, generation });
    }
}
