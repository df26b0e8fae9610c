//! One RDS Multi-AZ DB instance: the resolver of the machine that a process runs on, and what the peers do.

use std::io;
use std::sync::{Arc, Mutex};

use aurora_nlb_failover::Error;
use aurora_nlb_failover::aws::Aws;
use aurora_nlb_failover::aws::dns::{Dns, Lookup};
use aurora_nlb_failover::target::Target;
use fastrand::Rng;
use serde_json::Value;
use tokio::time::Instant;

use crate::history::{History, Ms, address};
use crate::standin::ENDPOINT;

/// Answers old until its copy of the record has expired.
#[derive(Debug)]
pub struct Resolver {
    history: Arc<History>,
    begin: Instant,
    which: usize,
    rng: Mutex<Rng>,
}

impl Resolver {
    pub fn new(history: Arc<History>, begin: Instant, which: usize) -> Resolver {
        let rng = Mutex::new(Rng::with_seed(history.seed ^ 0xD45 ^ which as u64));
        Resolver { history, begin, which, rng }
    }

    fn answer(&self, host: &str) -> io::Result<String> {
        let now = self.begin.elapsed().as_millis() as Ms;
        let fails = now < self.history.quiet && self.rng.lock().unwrap().f64() < self.history.faults;
        if host != ENDPOINT || fails {
            return Err(io::Error::other("failed to lookup address information: Temporary failure in name resolution"));
        }
        Ok(address(self.history.resolved(self.which, now), 0))
    }
}

impl Dns for Resolver {
    fn lookup<'a>(&'a self, host: &'a str) -> Lookup<'a> {
        Box::pin(async move { Ok(vec![self.answer(host)?.parse().unwrap()]) })
    }
}

/// As the peers do: resolves the name once, registers that address, deregisters the others.
pub async fn resolve_once(aws: &Aws, payload: &Value) -> Result<(), Error> {
    let message = payload.pointer("/Records/0/Sns/Message").and_then(Value::as_str);
    if message.is_some_and(|message| !message.contains("RDS-EVENT")) {
        return Ok(());
    }
    let Some(ip) = aws.resolve(ENDPOINT).await?.pop() else { return Ok(()) };
    let new = Target { id: ip.to_string(), port: 3306, zone: None };
    let registered = aws.describe_targets().await?.into_iter().filter(|health| health.state != "draining");
    let (same, others): (Vec<_>, Vec<_>) = registered.map(|health| health.target).partition(|target| target.is_same(&new));
    if same.is_empty() {
        aws.register(&new).await?;
    }
    if others.is_empty() { Ok(()) } else { aws.deregister(&others).await }
}
