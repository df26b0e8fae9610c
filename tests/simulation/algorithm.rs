//! What is compared: this function, halves of it, the article's original, and the peers.

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::target::Target;
use aurora_nlb_failover::{Config, Error, Function};
use aws_config::SdkConfig;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::Instant;

use crate::climate::Follows;
use crate::history::{History, MINUTE, Ms, address, instance};
use crate::instance::{Resolver, resolve_once};
use crate::play::Stage;
use crate::standin::function::{config, handle};
use crate::standin::{CLUSTER, DB_INSTANCE};

#[derive(Clone, Copy, Debug)]
pub struct Algorithm {
    pub name: &'static str,
    pub hears_events: bool,
    /// The schedule's period.
    pub period: Option<Ms>,
    switch_on: &'static str,
    pub code: Code,
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Ours,
    /// "Started" events believed, the first listed target deregistered, then the new one registered.
    TheArticles,
    /// The name of one DB instance is resolved once.
    ResolveOnce,
}

/// As the template deploys it.
pub const WHOLE: Algorithm = Algorithm {
    name: "this function, every minute",
    hears_events: true,
    period: Some(MINUTE),
    switch_on: "started",
    code: Code::Ours,
};
pub const EVERY_5_MINUTES: Algorithm = Algorithm { name: "this function, every 5 minutes", period: Some(5 * MINUTE), ..WHOLE };
pub const COMPLETED: Algorithm = Algorithm { name: "`SWITCH_ON=completed`, every minute", switch_on: "completed", ..WHOLE };
pub const POLL_ONLY: Algorithm = Algorithm { name: "poll only, every minute", hears_events: false, ..WHOLE };
pub const EVENTS_ONLY: Algorithm = Algorithm { name: "events only", period: None, ..WHOLE };
pub const ARTICLE: Algorithm = Algorithm { name: "the article's", period: None, code: Code::TheArticles, ..WHOLE };
/// For one DB instance: what the peers do.
pub const RESOLVE_AT_THE_EVENT: Algorithm =
    Algorithm { name: "resolve once at the event", period: None, code: Code::ResolveOnce, ..WHOLE };
pub const RESOLVE_ON_A_SCHEDULE: Algorithm =
    Algorithm { name: "resolve on a schedule, every minute", hears_events: false, code: Code::ResolveOnce, ..WHOLE };

impl Algorithm {
    pub fn config(self, history: &History) -> Config {
        if history.follows == Follows::Instance {
            return config(&[("IP_DICT", ""), ("DB_INSTANCE_ID", DB_INSTANCE)]);
        }
        // The article's function has no discovery.
        let mapped = if self.code == Code::TheArticles { history.members } else { history.mapped };
        let map: serde_json::Map<_, _> = (0..mapped).map(|member| (instance(member), address(member, 0).into())).collect();
        let map = Value::Object(map).to_string();
        config(&[("IP_DICT", &map), ("DB_CLUSTER_ID", CLUSTER), ("SWITCH_ON", self.switch_on)])
    }
}

/// One process of the function: what it remembers ends with it.
pub struct Process {
    code: Code,
    /// Which resolver its machine asks, if it follows one DB instance.
    pub resolver: usize,
    function: Function,
    aws: Clients,
    config: Config,
}

impl Process {
    pub fn new(algorithm: Algorithm, config: &Config, sdk: &SdkConfig, stage: &Stage, resolver: usize) -> Process {
        let clients = Clients::new(sdk, &config.target_group_arn);
        let aws = match stage.history.follows {
            Follows::Cluster => clients.with_dns(stage.standin.clone()),
            Follows::Instance => clients.with_dns(Resolver::new(stage.history.clone(), stage.begin, resolver)),
        };
        let function = Function::new(config.clone(), aws.clone());
        Process { code: algorithm.code, resolver, function, aws, config: config.clone() }
    }

    /// One invocation: the answer as JSON.
    pub async fn handle(&self, payload: &Value, now: DateTime<Utc>, deadline: Instant) -> Result<Value, Error> {
        match self.code {
            Code::Ours => handle(&self.function, payload, now, deadline).await,
            Code::TheArticles => self.article(payload, deadline).await.map(|()| Value::Null),
            Code::ResolveOnce => resolve_once(&self.aws.until(deadline), payload).await.map(|()| Value::Null),
        }
    }

    /// As the article describes it.
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
        let listed = aws.describe_targets().await?;
        let Some(old) = listed.first() else { return Ok(()) };
        aws.deregister(std::slice::from_ref(&old.target)).await?;
        aws.register(&Target { id, port: 3306, zone: None }).await
    }
}
