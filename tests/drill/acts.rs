//! The acts: what happens, what RDS shows meanwhile, and where the target must be afterwards.

use crate::standin::{Fault, Standin};

type Text = &'static str;

/// One act of the drill.
pub struct Act {
    pub story: Text,
    /// A file of events/.
    pub event: Text,
    /// How many seconds ago the event happened.
    pub ago: i64,
    /// What RDS shows meanwhile: status and writer.
    pub rds: (Text, Text),
    /// The address of the one registered target afterwards.
    pub target: Text,
    /// What else goes on.
    pub meanwhile: fn(&Standin),
    /// Whether this act and those after it are played without a map.
    pub without_map: bool,
    /// Whether the function must report an error.
    pub fails: bool,
    /// The doubt that the answer must have; empty for none.
    pub doubt: Text,
    /// How many seconds the function has.
    pub allowed: u64,
}

/// Just after this run has deregistered the old target, another run deregisters the new one.
fn another_run_empties_the_group(standin: &Standin) {
    let port = standin.world().port;
    standin.clone().with_fault("DeregisterTargets", Fault::AlsoGone(format!("{C}:{port}").leak()));
}

/// It is days later, so no target is `initial` any more.
fn aurora_3_gets_a_new_address(standin: &Standin) {
    standin.settle();
    standin.world().members[2].1 = Some(D.to_owned());
}

pub const fn act(story: Text, event: Text, ago: i64, rds: (Text, Text), target: Text) -> Act {
    Act { story, event, ago, rds, target, meanwhile: |_| {}, without_map: false, fails: false, doubt: "", allowed: 30 }
}

pub const A: &str = "10.0.1.11";
pub const B: &str = "10.0.2.22";
const C: &str = "10.0.3.33";
const D: &str = "10.0.3.99";

const SHOWS_A: (&str, &str) = ("available", "aurora-1");
const SHOWS_B: (&str, &str) = ("available", "aurora-2");
const SHOWS_C: (&str, &str) = ("available", "aurora-3");
const FAILING_OVER: (&str, &str) = ("failing-over", "aurora-1");

#[rustfmt::skip]
pub const ACTS: &[Act] = &[
    act("The first scheduled run after deployment finds an empty group: no manual first step", "eventbridge-scheduled", 0, SHOWS_A, A),
    act("A failover to aurora-2 starts; RDS still shows aurora-1", "started-cross-az", 2, SHOWS_A, B),
    Act { doubt: "just-named",
          ..act("A scheduled run a moment later: RDS is late, and what is right is not taken back", "eventbridge-scheduled", 0, SHOWS_A, B) },
    act("The same event arrives again", "started-cross-az", 2, FAILING_OVER, B),
    Act { doubt: "just-named", ..act("A late copy of it arrives, and RDS is late still", "started-cross-az", 70, SHOWS_A, B) },
    act("The completed event arrives before RDS shows aurora-2", "completed", 2, SHOWS_A, B),
    Act { doubt: "failing-over", ..act("A scheduled run in the middle of the failover", "reconcile", 0, FAILING_OVER, B) },
    act("It is taken back: aurora-1 is promoted again, while its old target still drains", "promoting-previous-primary", 2, FAILING_OVER, A),
    act("An older started event arrives after it: late by order, however young", "started-cross-az", 40, SHOWS_A, A),
    act("The next failover's started event is lost; the completed one does it, and RDS agrees", "completed", 1, SHOWS_B, B),
    act("A started event for aurora-3 arrives three hours late: RDS decides", "started-same-az", 10_800, SHOWS_B, B),
    Act { meanwhile: another_run_empties_the_group,
          ..act("A failover to aurora-3, and another run empties the group at the same moment: it is filled again", "started-same-az", 0, SHOWS_B, C) },
    Act { fails: true,
          ..act("An event names an unknown instance: an error for Lambda to report, and nothing moves", "unknown-instance", 0, SHOWS_C, C) },
    act("RDS announces its subscription in plain text", "subscription-notice", 0, SHOWS_C, C),
    act("The set-up is examined", "check", 0, SHOWS_C, C),
    Act { meanwhile: aurora_3_gets_a_new_address,
          ..act("A blue/green switchover gives aurora-3 a new address; the map has the old one, which wins: nothing moves", "eventbridge-scheduled", 0, SHOWS_C, C) },
    act("That is an alarm: the run before has logged the same finding", "check", 0, SHOWS_C, C),
    Act { without_map: true, ..act("The same without a map: the scheduled run finds the new address", "eventbridge-scheduled", 0, SHOWS_C, D) },
];
