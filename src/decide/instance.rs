//! Decides how to follow one RDS Multi-AZ DB instance. No event names an address, so the witness is the DNS of its endpoint. Pure.

use std::time::Duration;

use chrono::TimeDelta;

use super::confirm::Requester;
use super::memory::Memory;
use crate::event::failover::FailoverEvent;

/// The TTL of an RDS endpoint in DNS is 5 s: a later lookup asks RDS's name servers anew.
pub const LOOKUP_INTERVAL: Duration = Duration::from_secs(6);
/// How long an event that a failover has ended waits for the address to move.
const ENDED_WAITS: Duration = Duration::from_secs(15);
/// The address moves before RDS says that the failover has ended: 3 to 42 s in public measurements.
const MOVED_BEFORE_ENDED: TimeDelta = TimeDelta::minutes(2);

/// How to find the address, given an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approach {
    /// The event and one lookup are two witnesses. Look up every second until the address has moved.
    Watch(Wait),
    /// As DNS says.
    AskDns(Requester),
}

/// How long a fresh event waits for the address to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// One lookup.
    No,
    /// Until so much time has passed.
    For(Duration),
    UntilDeadline,
}

/// The table of decisions for one DB instance.
pub fn approach(event: &FailoverEvent, memory: &Memory) -> Approach {
    let Some(time) = event.time.filter(|_| event.is_fresh() && memory.overtaken_by(event).is_none()) else {
        return Approach::AskDns(Requester::LateEvent);
    };
    let is_started = event.kind.is_started();
    let moved_since = if is_started { time } else { time - MOVED_BEFORE_ENDED };
    let wait = if memory.has_acted_on_as_new_as(time) || memory.has_switched_since(moved_since) {
        Wait::No
    } else if is_started {
        Wait::UntilDeadline
    } else {
        Wait::For(ENDED_WAITS)
    };
    Approach::Watch(wait)
}

/// Whether the name of an instance in this status does not resolve because the instance is stopped.
pub fn is_stopped(status: &str) -> bool {
    ["stopped", "stopping", "starting"].iter().any(|stopped| status.eq_ignore_ascii_case(stopped))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::event::failover::FailoverKind;

    fn at(seconds: i64) -> DateTime<Utc> {
        "2026-03-14T03:12:07Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(seconds)
    }

    /// An event of this moment, of which the function learns at 300 s.
    fn event(kind: FailoverKind, seconds: i64) -> FailoverEvent {
        FailoverEvent {
            kind,
            instance: None,
            message: String::new(),
            age_ms: Some((300 - seconds) * 1_000),
            time: Some(at(seconds)),
            is_replay: false,
            unreadable_times: vec![],
        }
    }

    const STARTED: FailoverKind = FailoverKind::InstanceStarted("RDS-EVENT-0013");
    const ENDED: FailoverKind = FailoverKind::InstanceEnded("RDS-EVENT-0049");

    #[test]
    fn a_fresh_event_waits_unless_the_address_has_moved_already() {
        let late = || Approach::AskDns(Requester::LateEvent);
        let (until_deadline, for_15_s, one_lookup) =
            (|| Approach::Watch(Wait::UntilDeadline), || Approach::Watch(Wait::For(ENDED_WAITS)), || Approach::Watch(Wait::No));
        // Kind; the event's time; when this process switched last; the time of the newest event that it has acted on.
        let table = [
            (STARTED, 299, None, None, until_deadline()),
            (STARTED, 240, None, None, until_deadline()),
            (STARTED, 239, None, None, late()),
            (STARTED, 299, Some(298), None, until_deadline()),
            (STARTED, 299, Some(299), None, one_lookup()),
            (STARTED, 299, None, Some(296), until_deadline()),
            (STARTED, 299, None, Some(297), one_lookup()),
            (STARTED, 299, None, Some(299), one_lookup()),
            (STARTED, 297, None, Some(299), one_lookup()),
            (STARTED, 296, None, Some(299), late()),
            (ENDED, 299, None, None, for_15_s()),
            (ENDED, 239, None, None, late()),
            (ENDED, 299, Some(178), None, for_15_s()),
            (ENDED, 299, Some(179), None, one_lookup()),
            (ENDED, 299, None, Some(290), for_15_s()),
            (ENDED, 299, None, Some(298), one_lookup()),
            (ENDED, 290, None, Some(299), late()),
        ];
        for (kind, time, switched, acted_on, expected) in table {
            let mut memory = Memory::default();
            acted_on.iter().for_each(|time| memory.remember(&event(STARTED, *time), None, at(300)));
            switched.iter().for_each(|time| memory.note_switch(at(*time)));
            assert_eq!(approach(&event(kind, time), &memory), expected, "{kind:?} {time} {switched:?} {acted_on:?}");
        }
        let unknown = FailoverEvent { time: None, age_ms: None, ..event(STARTED, 299) };
        assert_eq!(approach(&unknown, &Memory::default()), late());
        let replay = FailoverEvent { is_replay: true, ..event(STARTED, 299) };
        assert_eq!(approach(&replay, &Memory::default()), late());
    }

    #[test]
    fn three_statuses_are_a_stopped_instance() {
        for (status, expected) in
            [("stopped", true), ("Stopping", true), ("starting", true), ("available", false), ("rebooting", false), ("", false)]
        {
            assert_eq!(is_stopped(status), expected, "{status}");
        }
    }
}
