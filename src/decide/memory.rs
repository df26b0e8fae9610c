//! What one process remembers from run to run. Pure; times are the wall clock's, since a process is frozen between runs.

use chrono::{DateTime, TimeDelta, Utc};

use super::confirm::{Observation, Protection};
use super::plan::Change;
use crate::cluster::InstanceId;
use crate::event::failover::{FRESH_MS, FailoverEvent, FailoverKind};
use crate::target::Target;

/// An event that is older than another by no more than this may be the same one, reported twice.
const SAME_MOMENT: TimeDelta = TimeDelta::seconds(2);
/// For this long after a switch, rule 9 (b) no longer protects the target that this process itself has registered for an event.
const OWN_REGISTRATION_SETTLES: (TimeDelta, TimeDelta) = (TimeDelta::seconds(60), TimeDelta::minutes(10));
/// How long rule 9 (b) holds the same change back.
const LONGEST_HOLD: TimeDelta = TimeDelta::minutes(2);

/// What a process remembers. A new process knows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    newest: Option<LastActedOn>,
    held: Option<Held>,
    switched_at: Option<DateTime<Utc>>,
}

/// The newest event that this process has acted on: its run ended `switched` or `unchanged`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastActedOn {
    /// The event's time.
    pub time: DateTime<Utc>,
    pub kind: FailoverKind,
    /// The instance that it named.
    pub instance: Option<InstanceId>,
    /// The instance's target, if a run looked that up.
    target: Option<Target>,
    /// When this process acted on it.
    acted_at: DateTime<Utc>,
}

/// A change that rule 9 holds back, look after look.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    change: Change,
    since: DateTime<Utc>,
}

impl LastActedOn {
    /// Whether `event` speaks of an earlier moment: it is late by order.
    fn overtakes(&self, event: &FailoverEvent) -> bool {
        event.time.is_some_and(|time| self.time - time > SAME_MOMENT)
    }

    /// Whether `event`, of this time, is the same one again.
    fn is_repeated_by(&self, event: &FailoverEvent, time: DateTime<Utc>) -> bool {
        self.kind == event.kind && self.instance == event.instance && (self.time - time).abs() <= SAME_MOMENT
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.time <= TimeDelta::milliseconds(FRESH_MS)
    }

    fn is_own_registration_settled(&self, now: DateTime<Utc>) -> bool {
        let (least, most) = OWN_REGISTRATION_SETTLES;
        let passed = now - self.acted_at;
        passed > least && passed < most
    }
}

impl Memory {
    /// Keeps `event` if it is the newest and not a repeat. An event of unknown age has no place in the order.
    pub fn remember(&mut self, event: &FailoverEvent, target: Option<&Target>, acted_at: DateTime<Utc>) {
        let Some(time) = event.time else { return };
        if self.newest.as_ref().is_some_and(|newest| newest.time > time || newest.is_repeated_by(event, time)) {
            return;
        }
        let FailoverEvent { kind, instance, .. } = event.clone();
        self.newest = Some(LastActedOn { time, kind, instance, target: target.cloned(), acted_at });
    }

    /// Keeps when this process last switched.
    pub fn note_switch(&mut self, now: DateTime<Utc>) {
        self.switched_at = Some(now);
    }

    pub fn has_switched_since(&self, time: DateTime<Utc>) -> bool {
        self.switched_at.is_some_and(|switched| switched >= time)
    }

    /// Whether this process has acted on an event of this moment or a newer one.
    pub fn has_acted_on_as_new_as(&self, time: DateTime<Utc>) -> bool {
        self.newest.as_ref().is_some_and(|newest| time - newest.time <= SAME_MOMENT)
    }

    /// The event that this process has acted on and that makes `event` late by order.
    pub fn overtaken_by(&self, event: &FailoverEvent) -> Option<&LastActedOn> {
        self.newest.as_ref().filter(|newest| newest.overtakes(event))
    }

    /// The instance of the newest event, if its target matters to rule 9 and is not known yet.
    pub fn instance_without_target(&self, now: DateTime<Utc>) -> Option<&InstanceId> {
        let matters = |newest: &&LastActedOn| newest.target.is_none() && newest.is_own_registration_settled(now);
        self.newest.as_ref().filter(matters)?.instance.as_ref()
    }

    /// Adds the target of `instance`, if that is still the newest event's.
    pub fn learn_target(&mut self, instance: &InstanceId, target: Target) {
        if let Some(newest) = self.newest.as_mut().filter(|newest| newest.instance.as_ref() == Some(instance)) {
            newest.target = Some(target);
        }
    }

    /// Keeps since when the change that an observation asks for has been held back. Any other observation ends that.
    pub fn note(&mut self, observation: &Observation, is_held: bool, now: DateTime<Utc>) {
        let change = observation.wanted.as_ref().ok().filter(|change| !change.plan.is_empty());
        let same = |held: &Held| change.is_some_and(|change| change.is_same(&held.change));
        if !self.held.as_ref().is_some_and(same) {
            self.held = change.filter(|_| is_held).map(|change| Held { change: change.clone(), since: now });
        }
    }

    /// What RDS alone may not take away now (rule 9), and where that ends.
    pub fn protection(&self, now: DateTime<Utc>) -> Protection {
        let newest = self.newest.as_ref();
        let fresh = newest.filter(|newest| newest.is_fresh(now));
        let settled = newest.filter(|newest| newest.is_own_registration_settled(now));
        let held = self.held.as_ref().filter(|held| now - held.since >= LONGEST_HOLD);
        Protection {
            event_is_fresh: fresh.is_some(),
            named: fresh.and_then(|newest| newest.instance.clone().zip(newest.target.clone())),
            settled: settled.and_then(|newest| newest.target.clone()),
            held_long: held.map(|held| held.change.clone()),
        }
    }
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;
