//! The circumstances of a measurement, and the events that go with them.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::standin::Standin;
use crate::standin::events::{notification, sns, started};

/// A scheduled run, as the template's rule starts one each minute.
pub const SCHEDULED: &[u8] = include_bytes!("../../events/eventbridge-scheduled.json");

pub struct Case {
    /// Percent of one CPU once the init phase is over; `None` for a whole one.
    pub share: Option<u64>,
    /// How long AWS takes for a call.
    pub latency: Duration,
    /// For so long a process stands still before its second event, as Lambda lets it. Otherwise it only waits until what the
    /// throttle has lent is paid back.
    pub frozen: Option<Duration>,
    /// AWS closes the connections before the second event.
    pub is_closed: bool,
    pub map_entries: usize,
    pub stale_targets: usize,
    pub records: i64,
}

/// A whole CPU, and no latency.
pub const PLAIN: Case =
    Case { share: None, latency: Duration::ZERO, frozen: None, is_closed: false, map_entries: 3, stale_targets: 1, records: 1 };

impl Case {
    /// The world: a group with stale targets for a first event that is a failover; before a freeze one that is in order.
    pub fn standin(&self) -> Standin {
        let stale = (0..self.stale_targets).map(|i| format!("10.9.{}.{}:3306 unhealthy", i / 250, i % 250 + 1));
        let targets = if self.frozen.is_some() { vec![format!("{} unhealthy", target(1))] } else { stale.collect() };
        let standin = Standin::new().with_targets(&targets.join(", "));
        standin.world().members = (1..=self.map_entries).map(|i| (instance(i), Some(address(i)))).collect();
        standin
    }

    pub fn ip_dict(&self) -> String {
        let entries = (1..=self.map_entries).map(|i| (instance(i), Value::from(address(i))));
        Value::Object(entries.collect()).to_string()
    }

    /// A failover to this instance that has just started. Other records in it are older ones.
    pub fn failover_to(&self, number: usize) -> Vec<u8> {
        let now = DateTime::<Utc>::from(SystemTime::now());
        let message = started(&instance(number));
        let record = |back| notification("RDS-EVENT-0073", &message, now - TimeDelta::milliseconds(back));
        let records: Vec<_> = (0..self.records).rev().map(record).collect();
        sns(&records, now).to_string().into_bytes()
    }
}

/// The target of an instance.
pub fn target(number: usize) -> String {
    format!("{}:3306", address(number))
}

fn instance(number: usize) -> String {
    format!("aurora-{number}")
}

fn address(number: usize) -> String {
    format!("10.0.{}.{}", number / 250, number % 250)
}
