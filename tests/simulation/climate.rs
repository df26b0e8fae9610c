//! The two climates. Both are assumptions: nobody has published how late RDS's API is, so the worse of what the public
//! observations allow is modelled (of *late*: an AWS driver maintainer calls the API "rate limited" and "not current", 2023; no
//! public capture says when `failing-over` becomes visible).

use fastrand::Rng;

use crate::history::{Ms, SECOND};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Climate {
    /// Nearly all failovers come through, and RDS shows them late: half of them not before the writer flips.
    Late,
    /// Three of ten failovers fail or are taken back, and RDS mostly shows within seconds that one is under way.
    Rough,
}

/// How a failover ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Completed,
    Failed,
    TakenBack,
}

impl Climate {
    pub const ALL: [Climate; 2] = [Climate::Late, Climate::Rough];

    pub fn name(self) -> &'static str {
        match self {
            Climate::Late => "late",
            Climate::Rough => "rough",
        }
    }

    pub fn of(seed: u64) -> Climate {
        if seed.is_multiple_of(2) { Climate::Late } else { Climate::Rough }
    }

    pub fn end(self, rng: &mut Rng) -> End {
        let comes_through = match self {
            Climate::Late => 0.96,
            Climate::Rough => 0.70,
        };
        match rng.f64() {
            share if share < comes_through => End::Completed,
            _ if rng.bool() => End::Failed,
            _ => End::TakenBack,
        }
    }

    /// How long after the start of a failover RDS shows `failing-over`, if it does before the writer flips.
    pub fn failing_over(self, rng: &mut Rng) -> Option<Ms> {
        match self {
            Climate::Late => (rng.f64() < 0.5).then(|| rng.u64(0..12 * SECOND)),
            Climate::Rough => (rng.f64() < 0.9).then(|| rng.u64(0..4 * SECOND)),
        }
    }
}
