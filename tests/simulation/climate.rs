//! The two climates. Both are assumptions: the lag of RDS's API is not published, so the worse of what the public observations
//! allow is modelled (of *late*: an AWS driver maintainer calls the API "rate limited" and "not current", 2023; no public capture
//! says when `failing-over` becomes visible).

use fastrand::Rng;

use crate::history::{MINUTE, Ms, SECOND};

#[derive(Debug)]
pub struct Climate {
    pub name: &'static str,
    /// The share of failovers that come through.
    completed: f64,
    /// The share in which RDS shows `failing-over` before the writer flips, and how long after the start at most.
    shown: (f64, Ms),
    initial: Initial,
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
const LATE: Climate = Climate { name: "late", completed: 0.96, shown: (0.5, 12 * SECOND), initial: Initial::AboutAMinute };
/// Three of ten failovers fail or are taken back, and RDS mostly shows within seconds that one is under way.
const ROUGH: Climate = Climate { name: "rough", completed: 0.70, shown: (0.9, 4 * SECOND), initial: Initial::AboutAMinute };
/// The same two with a balancer of unknown speed.
const LATE_EVEN: Climate = Climate { name: "late, `initial` spread evenly", initial: Initial::Even, ..LATE };
const ROUGH_EVEN: Climate = Climate { name: "rough, `initial` spread evenly", initial: Initial::Even, ..ROUGH };

/// How a failover ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Completed,
    Failed,
    TakenBack,
}

impl Climate {
    pub const ALL: [&'static Climate; 4] = [&LATE, &ROUGH, &LATE_EVEN, &ROUGH_EVEN];
    /// Each climate, and the same with `initial` spread evenly.
    pub const PAIRS: [[&'static Climate; 2]; 2] = [[&LATE, &LATE_EVEN], [&ROUGH, &ROUGH_EVEN]];

    pub fn of(seed: u64) -> &'static Climate {
        Climate::ALL[seed as usize % Climate::ALL.len()]
    }

    /// How long a target is `initial`. Both spreads leave the rest of a seed's history as it is.
    pub fn initial(&self, seed: u64, about_a_minute: Ms) -> Ms {
        match self.initial {
            Initial::AboutAMinute => about_a_minute,
            Initial::Even => Rng::with_seed(seed ^ 0xE7E4).u64(10 * SECOND..5 * MINUTE),
        }
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
}
