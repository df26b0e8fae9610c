//! The climates, as plain data. All are assumptions: the lag of RDS's API is not published, so the worse of what the public
//! observations allow is modelled (of *late*: an AWS driver maintainer calls the API "rate limited" and "not current", 2023; no
//! public capture says when `failing-over` becomes visible).

use fastrand::Rng;

use crate::history::{MINUTE, Ms, SECOND};

#[derive(Debug)]
pub struct Climate {
    pub name: &'static str,
    pub follows: Follows,
    /// How long all is quiet at the beginning, and how many failovers there are at most.
    pub quiet_before: Ms,
    pub most_failovers: u64,
    /// The share of failovers that begin within 5 s of the end of the last one, and how long after that the others begin at least.
    pub back_to_back: f64,
    pub least_gap: Ms,
    /// How long no instance takes writes, at least and at most.
    no_writer: (Ms, Ms),
    /// How much later RDS says that the failover has ended.
    ended: (Ms, Ms),
    /// The share of failovers that come through.
    completed: f64,
    /// The share in which RDS shows `failing-over` before the writer flips, and how long after the start at most.
    shown: (f64, Ms),
    /// The share of failovers after which instances are replaced.
    pub replaced: f64,
    pub service: Service,
    initial: Initial,
}

/// What the function follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    Cluster,
    /// One RDS Multi-AZ DB instance.
    Instance,
}

/// How well AWS serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// A tenth of the events is lost, a fifth comes twice, 15 % are late; calls fail and processes die.
    Poor,
    /// Each event comes once, 0.55 to 3.15 s after it happened, and nothing fails.
    Good,
}

/// How long a target stays `initial`.
#[derive(Clone, Copy, Debug)]
enum Initial {
    /// 10 s to 5 min, most often about a minute, the one figure published since the balancers became faster in 2024. In a third of
    /// the histories exactly a minute.
    AboutAMinute,
    /// Anything from 10 s to 5 min.
    Even,
}

/// Nearly all failovers come through, and RDS shows them late: half of them not before the writer flips.
const LATE: Climate = Climate {
    name: "late",
    follows: Follows::Cluster,
    quiet_before: 30 * SECOND,
    most_failovers: 4,
    back_to_back: 0.25,
    least_gap: 30 * SECOND,
    no_writer: (3 * SECOND, 30 * SECOND),
    ended: (0, 4 * SECOND),
    completed: 0.96,
    shown: (0.5, 12 * SECOND),
    replaced: 0.05,
    service: Service::Poor,
    initial: Initial::AboutAMinute,
};
/// Three of ten failovers fail or are taken back, and RDS mostly shows within seconds that one is under way.
const ROUGH: Climate = Climate { name: "rough", completed: 0.70, shown: (0.9, 4 * SECOND), ..LATE };
/// The same two with a balancer of unknown speed.
const LATE_EVEN: Climate = Climate { name: "late, `initial` spread evenly", initial: Initial::Even, ..LATE };
const ROUGH_EVEN: Climate = Climate { name: "rough, `initial` spread evenly", initial: Initial::Even, ..ROUGH };
/// One RDS Multi-AZ DB instance, by 14 forced failovers in public measurements. RDS does not fail over again right after a failover
/// (RDS-EVENT-0034).
pub const INSTANCE: Climate = Climate {
    name: "one DB instance",
    follows: Follows::Instance,
    back_to_back: 0.0,
    least_gap: 2 * MINUTE,
    no_writer: (17 * SECOND, 39 * SECOND),
    ended: (3 * SECOND, 42 * SECOND),
    completed: 1.0,
    replaced: 0.0,
    ..LATE
};
/// One failover of a cluster with the times of public captures, for what consumers meet in it.
pub const CAPTURED: Climate = Climate {
    name: "all goes well",
    quiet_before: 5 * MINUTE,
    most_failovers: 1,
    no_writer: (14 * SECOND, 17 * SECOND),
    ended: (2 * SECOND, 8 * SECOND),
    completed: 1.0,
    replaced: 0.0,
    service: Service::Good,
    ..LATE
};
pub const CAPTURED_POOR: Climate =
    Climate { name: "events are lost, repeated and late, calls fail", service: Service::Poor, ..CAPTURED };

/// How a failover ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Completed,
    Failed,
    TakenBack,
}

impl Climate {
    pub const ALL: [&'static Climate; 5] = [&LATE, &ROUGH, &LATE_EVEN, &ROUGH_EVEN, &INSTANCE];
    /// Each climate of a cluster, and the same with `initial` spread evenly.
    pub const PAIRS: [[&'static Climate; 2]; 2] = [[&LATE, &LATE_EVEN], [&ROUGH, &ROUGH_EVEN]];

    /// Its place in `ALL`, for replays.
    pub fn number(&self) -> Option<usize> {
        Climate::ALL.iter().position(|climate| climate.name == self.name)
    }

    /// When the new writer takes writes, and when RDS says that the failover has ended.
    pub fn promoted_and_ended(&self, rng: &mut Rng, started: Ms) -> (Ms, Ms) {
        let promoted = started + rng.u64(self.no_writer.0..self.no_writer.1);
        (promoted, promoted + rng.u64(self.ended.0..self.ended.1))
    }

    pub fn end(&self, rng: &mut Rng) -> End {
        match rng.f64() {
            share if share < self.completed => End::Completed,
            _ if rng.bool() => End::Failed,
            _ => End::TakenBack,
        }
    }

    /// How long after the start of a failover RDS shows `failing-over`, if it does before the writer flips.
    pub fn failing_over(&self, rng: &mut Rng) -> Option<Ms> {
        let (share, within) = self.shown;
        (rng.f64() < share).then(|| rng.u64(0..within))
    }

    /// How long a target is `initial`. Both spreads leave the rest of a seed's history as it is.
    pub fn initial(&self, seed: u64, about_a_minute: Ms) -> Ms {
        match self.initial {
            Initial::AboutAMinute => about_a_minute,
            Initial::Even => Rng::with_seed(seed ^ 0xE7E4).u64(10 * SECOND..5 * MINUTE),
        }
    }
}
