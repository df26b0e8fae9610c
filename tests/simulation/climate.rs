//! The two climates. Both are assumptions: the lag of RDS's API is not published, so the worse of what the public observations
//! allow is modelled (of *late*: an AWS driver maintainer calls the API "rate limited" and "not current", 2023; no public capture
//! says when `failing-over` becomes visible).

use fastrand::Rng;

use crate::history::{Ms, SECOND};

#[derive(Debug)]
pub struct Climate {
    pub name: &'static str,
    /// The share of failovers that come through.
    completed: f64,
    /// The share in which RDS shows `failing-over` before the writer flips, and how long after the start at most.
    shown: (f64, Ms),
}

/// Nearly all failovers come through, and RDS shows them late: half of them not before the writer flips.
const LATE: Climate = Climate { name: "late", completed: 0.96, shown: (0.5, 12 * SECOND) };
/// Three of ten failovers fail or are taken back, and RDS mostly shows within seconds that one is under way.
const ROUGH: Climate = Climate { name: "rough", completed: 0.70, shown: (0.9, 4 * SECOND) };

/// How a failover ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Completed,
    Failed,
    TakenBack,
}

impl Climate {
    pub const ALL: [&'static Climate; 2] = [&LATE, &ROUGH];

    pub fn of(seed: u64) -> &'static Climate {
        Climate::ALL[(seed % 2) as usize]
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
