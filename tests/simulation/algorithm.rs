//! What is compared: this function, halves of it, and the article's original.

use std::rc::Rc;

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::target::Target;
use aurora_nlb_failover::{Config, Error, Function};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// This function: events and the schedule.
    Whole,
    /// This function without its events.
    PollOnly,
    /// This function without its schedule.
    EventOnly,
    /// The article's: "started" events believed, the first listed target deregistered, then the new one registered.
    Article,
}

impl Algorithm {
    pub const ALL: [Algorithm; 4] = [Algorithm::Whole, Algorithm::PollOnly, Algorithm::EventOnly, Algorithm::Article];

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Whole => "this function",
            Algorithm::PollOnly => "poll only, every 5 min",
            Algorithm::EventOnly => "events only",
            Algorithm::Article => "the article's",
        }
    }

    pub fn hears_events(self) -> bool {
        self != Algorithm::PollOnly
    }

    pub fn runs_on_schedule(self) -> bool {
        matches!(self, Algorithm::Whole | Algorithm::PollOnly)
    }
}

/// One invocation by the algorithm.
pub struct Handler {
    pub algorithm: Algorithm,
    pub function: Rc<Function>,
    pub aws: Clients,
    pub config: Config,
}

impl Handler {
    pub async fn handle(&self, payload: &Value, now: DateTime<Utc>, deadline: Instant) -> Result<String, Error> {
        if self.algorithm == Algorithm::Article {
            return self.article(payload, deadline).await.map(|()| "done".to_owned());
        }
        let answer = self.function.handle(payload, now, deadline).await?;
        Ok(serde_json::to_string(&answer).unwrap())
    }

    /// As the article describes it. It knows every member, for it has no discovery.
    async fn article(&self, payload: &Value, deadline: Instant) -> Result<(), Error> {
        let aws = self.aws.until(deadline);
        let message = payload.pointer("/Records/0/Sns/Message").and_then(Value::as_str).unwrap_or_default();
        let Ok(message) = serde_json::from_str::<Value>(message) else { return Ok(()) };
        let text = message["Event Message"].as_str().unwrap_or_default();
        if !text.starts_with("Started") {
            return Ok(());
        }
        let writer = text.rsplit(": ").next().unwrap_or_default();
        let address = self.config.ip_dict.iter().find(|(id, _)| id.as_str() == writer).map(|(_, ip)| ip.to_string());
        let Some(id) = address else { return Ok(()) };
        let listed = aws.targets().await?;
        let Some(old) = listed.first() else { return Ok(()) };
        aws.deregister(std::slice::from_ref(&old.target)).await?;
        aws.register(&Target { id, port: 3306, zone: None }).await
    }
}
