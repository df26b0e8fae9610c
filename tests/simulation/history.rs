//! A seed → one bad night, as plain data: what truly happens to the cluster, what RDS shows of it, and which events
//! reach Lambda when.
//!
//! Times are milliseconds from the beginning of the history.

use fastrand::Rng;
use serde_json::{Value, json};

pub type Ms = u64;

const SECOND: Ms = 1_000;
const MINUTE: Ms = 60 * SECOND;

/// Who the writer is from a moment on; `None` while nobody accepts writes.
#[derive(Clone, Debug)]
pub struct Truth {
    pub at: Ms,
    pub writer: Option<usize>,
}

/// What RDS shows from a moment on.
#[derive(Clone, Debug)]
pub struct View {
    pub at: Ms,
    pub status: &'static str,
    pub writers: Vec<usize>,
}

/// An event that reaches Lambda.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub at: Ms,
    pub payload: Payload,
}

#[derive(Clone, Debug)]
pub enum Payload {
    Notification {
        event_id: &'static str,
        message: String,
        happened: Ms,
    },
    /// RDS's own plain-text notice.
    Notice,
}

#[derive(Clone, Debug)]
pub struct History {
    pub seed: u64,
    pub members: usize,
    /// How many members the map has; the others are discovered.
    pub mapped: usize,
    /// The targets at the beginning, with their states.
    pub targets: Vec<(String, &'static str)>,
    pub truths: Vec<Truth>,
    pub views: Vec<View>,
    pub deliveries: Vec<Delivery>,
    /// When the first scheduled run comes.
    pub phase: Ms,
    /// The chance that a call to AWS goes wrong.
    pub faults: f64,
    /// The chance that the process dies in a call.
    pub kills: f64,
    /// Whether reserved concurrency keeps runs apart.
    pub guard: bool,
    /// From here on nothing goes wrong any more, and RDS shows the truth.
    pub quiet: Ms,
}

pub fn instance(member: usize) -> String {
    format!("aurora-{}", member + 1)
}

pub fn address(member: usize) -> String {
    format!("10.0.{}.{}", member + 1, (member + 1) * 11)
}

impl History {
    pub fn new(seed: u64) -> History {
        let mut rng = Rng::with_seed(seed);
        let members = rng.usize(2..=6);
        let mut night = Night {
            rng: &mut rng,
            members,
            writer: 0,
            at: 30 * SECOND,
            truths: Vec::new(),
            views: Vec::new(),
            events: Vec::new(),
        };
        night.truths.push(Truth { at: 0, writer: Some(0) });
        night.views.push(View { at: 0, status: "available", writers: vec![0] });
        for _ in 0..night.rng.usize(1..=4) {
            night.failover();
        }
        let (end, mut truths, mut views, events) = (night.at, night.truths, night.views, night.events);
        let deliveries = deliveries(&mut rng, events);
        truths.sort_by_key(|truth| truth.at);
        views.sort_by_key(|view| view.at);
        let last = deliveries.iter().map(|delivery| delivery.at).chain(views.last().map(|view| view.at)).max().unwrap_or(0);
        History {
            seed,
            members,
            mapped: if rng.bool() { members } else { rng.usize(0..=members) },
            targets: targets(&mut rng),
            truths,
            views,
            deliveries,
            phase: rng.u64(0..5 * MINUTE),
            faults: *pick(&mut rng, &[0.0, 0.0, 0.02, 0.2]),
            kills: *pick(&mut rng, &[0.0, 0.0, 0.0, 0.02]),
            guard: rng.f64() < 0.8,
            quiet: last.max(end) + 10 * MINUTE,
        }
    }
}

/// Mostly as it should be; now and then a group that somebody else left behind.
fn targets(rng: &mut Rng) -> Vec<(String, &'static str)> {
    let writer = || address(0);
    match rng.u8(0..10) {
        0 => vec![],
        1 => vec![(writer(), "unhealthy"), ("10.9.9.9".to_owned(), "unhealthy")],
        2 => vec![("10.9.9.9".to_owned(), "unused")],
        3 => vec![(writer(), "draining")],
        4 => vec![(writer(), "unhealthy.draining"), (address(1), "draining")],
        _ => vec![(writer(), "unhealthy")],
    }
}

fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(0..choices.len())]
}

struct Night<'a> {
    rng: &'a mut Rng,
    members: usize,
    writer: usize,
    at: Ms,
    truths: Vec<Truth>,
    views: Vec<View>,
    events: Vec<(&'static str, String, Ms)>,
}

impl Night<'_> {
    /// One failover: planned or crash; it comes through, fails (0069) or is taken back (0070). Times as public
    /// measurements have them, and worse now and then.
    fn failover(&mut self) {
        let back_to_back = self.rng.f64() < 0.25;
        let gap = if back_to_back { self.rng.u64(0..5 * SECOND) } else { self.rng.u64(30 * SECOND..20 * MINUTE) };
        let started = self.at + gap;
        let old = self.writer;
        let target = (old + self.rng.usize(1..self.members)) % self.members;
        let promoted = started + self.rng.u64(3 * SECOND..30 * SECOND);
        let ended = promoted + self.rng.u64(0..4 * SECOND);

        let (id, zones) = *pick(self.rng, &[("RDS-EVENT-0072", "same"), ("RDS-EVENT-0073", "cross")]);
        self.events.push((id, format!("Started {zones} AZ failover to DB instance: {}", instance(target)), started));
        self.writer = match self.rng.u8(0..20) {
            0..14 => {
                let by = *pick(self.rng, &["", "customer initiated ", "RDS initiated "]);
                self.events.push((
                    "RDS-EVENT-0071",
                    format!("Completed {by}failover to DB instance: {}", instance(target)),
                    ended,
                ));
                target
            }
            14..17 => {
                self.events.push((
                    "RDS-EVENT-0069",
                    "Cluster failover failed, check the health of your cluster instances.".to_owned(),
                    ended,
                ));
                old
            }
            _ => {
                self.events.push(("RDS-EVENT-0070", format!("Promoting previous primary again: {}", instance(old)), ended));
                old
            }
        };
        self.truths.push(Truth { at: started, writer: None });
        self.truths.push(Truth { at: promoted, writer: Some(self.writer) });
        self.show(old, started, promoted, ended);
        self.at = ended;
    }

    /// What RDS shows of it: late, sometimes very late, sometimes never the status, sometimes with no writer or two in
    /// between.
    fn show(&mut self, old: usize, started: Ms, promoted: Ms, ended: Ms) {
        let writer = self.writer;
        if self.rng.f64() < 0.9 {
            let at = started + self.rng.u64(0..4 * SECOND);
            self.views.push(View { at, status: "failing-over", writers: vec![old] });
        }
        if self.rng.f64() < 0.1 {
            let writers = if self.rng.bool() { vec![] } else { vec![old, (old + 1) % self.members] };
            self.views.push(View { at: promoted, status: "failing-over", writers });
        }
        let lag = if self.rng.f64() < 0.1 { self.rng.u64(0..30 * SECOND) } else { self.rng.u64(0..6 * SECOND) };
        let flipped = promoted + lag;
        let status = if self.rng.f64() < 0.8 { "failing-over" } else { "available" };
        self.views.push(View { at: flipped, status, writers: vec![writer] });
        let settled = flipped.max(ended) + self.rng.u64(0..25 * SECOND);
        let status = *pick(self.rng, &["available", "available", "backing-up", "modifying"]);
        self.views.push(View { at: settled, status, writers: vec![writer] });
    }
}

/// RDS loses, SNS repeats, both are late: mostly by seconds, sometimes by hours.
fn deliveries(rng: &mut Rng, events: Vec<(&'static str, String, Ms)>) -> Vec<Delivery> {
    let mut deliveries = vec![Delivery { at: rng.u64(0..MINUTE), payload: Payload::Notice }];
    for (event_id, message, happened) in events {
        if rng.f64() < 0.1 {
            continue;
        }
        for _ in 0..if rng.f64() < 0.2 { 2 } else { 1 } {
            let delay = match rng.u8(0..100) {
                0..85 => rng.u64(400..3 * SECOND),
                85..93 => rng.u64(3 * SECOND..MINUTE),
                93..98 => rng.u64(MINUTE..10 * MINUTE),
                _ => rng.u64(10 * MINUTE..180 * MINUTE),
            };
            let payload = Payload::Notification { event_id, message: message.clone(), happened };
            deliveries.push(Delivery { at: happened + delay, payload });
        }
    }
    deliveries.sort_by_key(|delivery| delivery.at);
    deliveries
}

impl Payload {
    /// As Lambda hands it over; `time` writes a moment of the history as RDS does.
    pub fn to_json(&self, time: impl Fn(Ms) -> String) -> Value {
        let message = match self {
            Payload::Notice => "This is a message to notify that RDS will attempt to send you event notifications".to_owned(),
            Payload::Notification { event_id, message, happened } => json!({
                "Event Source": "db-cluster", "Event Time": time(*happened), "Source ID": "aurora-prod",
                "Source ARN": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
                "Event ID": format!("https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html#{event_id}"),
                "Event Message": message,
            })
            .to_string(),
        };
        json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Type": "Notification", "Message": message } }] })
    }
}
