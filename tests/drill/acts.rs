//! The acts: what happens, what RDS shows meanwhile, and what must come of it.

/// One act of the drill.
pub struct Act {
    pub story: &'static str,
    /// A file of events/.
    pub event: &'static str,
    /// How many seconds ago the event happened.
    pub ago: i64,
    /// What RDS shows meanwhile: status and writer.
    pub rds: (&'static str, &'static str),
    pub meanwhile: Meanwhile,
    /// `IP_DICT`.
    pub map: &'static str,
    /// What must come of it: outcome, evidence and findings; or the name of the error.
    pub outcome: &'static str,
    /// The one registered target afterwards.
    pub target: &'static str,
}

/// What else goes on.
#[derive(PartialEq)]
pub enum Meanwhile {
    Nothing,
    /// Just after this run has deregistered the old target, another run deregisters the new one.
    AnotherRunEmptiesTheGroup,
    Aurora3GetsANewAddress,
}

const ACT: Act = Act {
    story: "",
    event: "",
    ago: 0,
    rds: ("available", "aurora-1"),
    meanwhile: Meanwhile::Nothing,
    map: r#"{"aurora-1":"10.0.1.11","aurora-2":"10.0.2.22","aurora-3":"10.0.3.33"}"#,
    outcome: "",
    target: A,
};

const A: &str = "10.0.1.11";
const B: &str = "10.0.2.22";
const C: &str = "10.0.3.33";
const D: &str = "10.0.3.99";

#[rustfmt::skip]
pub const ACTS: &[Act] = &[
    Act { story: "The first scheduled run after deployment finds an empty group: no manual first step",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-1"), outcome: "switched rds", target: A, ..ACT },
    Act { story: "A failover to aurora-2 starts; RDS still shows aurora-1",
          event: "started-cross-az", ago: 2, rds: ("available", "aurora-1"), outcome: "switched event", target: B, ..ACT },
    Act { story: "A scheduled run a moment later: RDS is late, and what is right is not taken back",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-1"), outcome: "unchanged", target: B, ..ACT },
    Act { story: "The same event arrives again",
          event: "started-cross-az", ago: 2, rds: ("failing-over", "aurora-1"), outcome: "unchanged event", target: B, ..ACT },
    Act { story: "A late copy of it arrives, and RDS is late still",
          event: "started-cross-az", ago: 70, rds: ("available", "aurora-1"), outcome: "unchanged", target: B, ..ACT },
    Act { story: "The completed event arrives before RDS shows aurora-2",
          event: "completed", ago: 2, rds: ("available", "aurora-1"), outcome: "unchanged event", target: B, ..ACT },
    Act { story: "A scheduled run in the middle of the failover",
          event: "reconcile", ago: 0, rds: ("failing-over", "aurora-1"), outcome: "unchanged", target: B, ..ACT },
    Act { story: "It is taken back: aurora-1 is promoted again, while its old target still drains",
          event: "promoting-previous-primary", ago: 2, rds: ("failing-over", "aurora-1"), outcome: "switched event", target: A, ..ACT },
    Act { story: "An older started event arrives after it: late by order, however young",
          event: "started-cross-az", ago: 40, rds: ("available", "aurora-1"), outcome: "unchanged rds", target: A, ..ACT },
    Act { story: "The next failover's started event is lost; the completed one does it, and RDS agrees",
          event: "completed", ago: 1, rds: ("available", "aurora-2"), outcome: "switched event+rds", target: B, ..ACT },
    Act { story: "A started event for aurora-3 arrives three hours late: RDS decides",
          event: "started-same-az", ago: 10_800, rds: ("available", "aurora-2"), outcome: "unchanged rds", target: B, ..ACT },
    Act { story: "A failover to aurora-3, and another run empties the group at the same moment: it is filled again",
          event: "started-same-az", ago: 0, rds: ("available", "aurora-2"), outcome: "switched event", target: C, meanwhile: Meanwhile::AnotherRunEmptiesTheGroup, ..ACT },
    Act { story: "An event names an instance that nobody knows: an error for Lambda to report, and nothing moves",
          event: "unknown-instance", ago: 0, rds: ("available", "aurora-3"), outcome: "UnknownInstance", target: C, ..ACT },
    Act { story: "RDS announces its subscription in plain text",
          event: "subscription-notice", ago: 0, rds: ("available", "aurora-3"), outcome: "ignored", target: C, ..ACT },
    Act { story: "The set-up is examined",
          event: "check", ago: 0, rds: ("available", "aurora-3"), outcome: "checked", target: C, ..ACT },
    Act { story: "A blue/green switchover gives aurora-3 a new address; the map has the old one, which wins: nothing moves",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-3"), outcome: "unchanged rds", target: C, meanwhile: Meanwhile::Aurora3GetsANewAddress, ..ACT },
    Act { story: "That is an alarm: the run before has logged the same finding",
          event: "check", ago: 0, rds: ("available", "aurora-3"), outcome: "checked stale-ip-dict-entry", target: C, ..ACT },
    Act { story: "The same without a map: the scheduled run finds the new address",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-3"), outcome: "switched rds", target: D, map: "", ..ACT },
];
