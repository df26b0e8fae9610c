//! What one process remembers from run to run: the newest event that it acted on. Pure; times are the wall clock's, since a process
//! is frozen between runs.

use chrono::{DateTime, TimeDelta, Utc};

use super::confirm::Protection;
use crate::cluster::InstanceId;
use crate::event::failover::{FRESH_MS, FailoverEvent};
use crate::target::Target;

/// An event that is older than another by no more than this may be the same one, reported twice. Milliseconds.
const SAME_MOMENT_MS: i64 = 2_000;

/// What a process remembers. A new process knows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    newest: Option<LastActedOn>,
}

/// The newest event that this process has acted on: its run ended `switched` or `unchanged`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastActedOn {
    /// The event's time.
    pub time: DateTime<Utc>,
    /// The instance that it named, and the instance's target, if the run looked that up.
    pub named: Option<(InstanceId, Target)>,
}

impl LastActedOn {
    /// Whether `event` speaks of an earlier moment: it is late by order.
    fn overtakes(&self, event: &FailoverEvent) -> bool {
        event.time.is_some_and(|time| self.time - time > TimeDelta::milliseconds(SAME_MOMENT_MS))
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.time <= TimeDelta::milliseconds(FRESH_MS)
    }
}

impl Memory {
    /// Keeps `event` if it is the newest. An event of unknown age has no place in the order.
    pub fn remember(&mut self, event: &FailoverEvent, target: Option<&Target>) {
        let Some(time) = event.time else { return };
        if self.newest.as_ref().is_none_or(|newest| newest.time <= time) {
            self.newest = Some(LastActedOn { time, named: event.instance.clone().zip(target.cloned()) });
        }
    }

    /// The event that this process has acted on and that makes `event` late by order.
    pub fn overtaken_by(&self, event: &FailoverEvent) -> Option<&LastActedOn> {
        self.newest.as_ref().filter(|newest| newest.overtakes(event))
    }

    /// What RDS alone may not take away now (rule 9).
    pub fn protection(&self, now: DateTime<Utc>) -> Protection {
        let fresh = self.newest.as_ref().filter(|newest| newest.is_fresh(now));
        Protection { named: fresh.and_then(|newest| newest.named.clone()) }
    }
}
