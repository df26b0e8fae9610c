//! What happens to an event on its way: RDS loses it, SNS repeats it, it is late, mostly by seconds, sometimes by hours.

use chrono::{DateTime, Utc};
use fastrand::Rng;
use serde_json::Value;

use crate::climate::Service;
use crate::failover::Event;
use crate::history::{MINUTE, Ms, SECOND};
use crate::standin::events::{instance_notification, notification, sns};

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

pub fn deliver(rng: &mut Rng, events: Vec<Event>, service: Service) -> Vec<Delivery> {
    let mut deliveries = vec![Delivery { at: rng.u64(0..MINUTE), payload: Payload::Notice }];
    for (event_id, message, happened) in events {
        let payload = Payload::Notification { event_id, message, happened };
        if service == Service::Good {
            deliveries.push(Delivery { at: happened + rng.u64(550..3_150), payload });
            continue;
        }
        if rng.f64() < 0.1 {
            continue;
        }
        for _ in 0..if rng.f64() < 0.2 { 2 } else { 1 } {
            deliveries.push(Delivery { at: happened + delay(rng), payload: payload.clone() });
        }
    }
    deliveries.sort_by_key(|delivery| delivery.at);
    deliveries
}

fn delay(rng: &mut Rng) -> Ms {
    match rng.u8(0..100) {
        0..85 => rng.u64(400..3 * SECOND),
        85..93 => rng.u64(3 * SECOND..MINUTE),
        93..98 => rng.u64(MINUTE..10 * MINUTE),
        _ => rng.u64(10 * MINUTE..180 * MINUTE),
    }
}

impl Payload {
    /// As Lambda hands it over; `time` puts a moment of the history on the wall clock.
    pub fn to_json(&self, time: impl Fn(Ms) -> DateTime<Utc>) -> Value {
        let message = match self {
            Payload::Notice => "This is a message to notify that RDS will attempt to send you event notifications".into(),
            Payload::Notification {
                event_id: event_id @ ("RDS-EVENT-0013" | "RDS-EVENT-0015" | "RDS-EVENT-0049"),
                message,
                happened,
            } => instance_notification(event_id, message, time(*happened)),
            Payload::Notification { event_id, message, happened } => notification(event_id, message, time(*happened)),
        };
        sns([&message], time(self.happened()))
    }

    pub fn happened(&self) -> Ms {
        match self {
            Payload::Notification { happened, .. } => *happened,
            Payload::Notice => 0,
        }
    }

    /// What it is called when causes are counted; `age` is its age when a run takes it up.
    pub fn cause(&self, age: Ms) -> String {
        let Payload::Notification { event_id, .. } = self else { return "notice".to_owned() };
        let kind = match *event_id {
            "RDS-EVENT-0069" => "failed",
            "RDS-EVENT-0070" => "promoting previous",
            "RDS-EVENT-0071" | "RDS-EVENT-0015" | "RDS-EVENT-0049" => "completed",
            _ => "started",
        };
        format!("{} {kind}", if age <= MINUTE { "fresh" } else { "late" })
    }
}
