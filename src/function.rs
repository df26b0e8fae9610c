//! Handles one invocation, top to bottom: what it reads and writes in which order, and what it answers.

mod apply;
mod conclude;
mod confirm;
mod instance;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::Instant;

use crate::address;
use crate::answer::{Answer, Decision, Outcome};
use crate::aws::{Aws, Clients};
use crate::check::finding::Report;
use crate::check::{self, stale_entries};
use crate::cluster::{Database, InstanceId};
use crate::config::Config;
use crate::decide::confirm::{RECHECK_INTERVAL, Requester, Writer};
use crate::decide::memory::Memory;
use crate::decide::plan::Change;
use crate::decide::trust::{self, Approach, Choice, Evidence};
use crate::error::Error;
use crate::event::failover::FailoverEvent;
use crate::event::{self, Failovers, Trigger};
use conclude::Conclusion;

/// What is kept back of the invocation's time, so that our own error is out before Lambda kills the run.
const MARGIN: Duration = Duration::from_millis(500);

/// The Lambda function: its configuration, its clients, and what it remembers. Made once a process.
#[derive(Debug)]
pub struct Function {
    config: Config,
    clients: Clients,
    memory: Mutex<Memory>,
}

impl Function {
    pub fn new(config: Config, clients: Clients) -> Function {
        Function { config, clients, memory: Mutex::default() }
    }

    /// One invocation: reads the payload, finds the writer, brings the target group to exactly the writer, and says so.
    ///
    /// `now` is the wall clock's time; `deadline` is when Lambda ends the invocation.
    ///
    /// # Errors
    /// Every failure, by name; Lambda then tries the event again. No failure leaves the group empty.
    pub async fn handle(&self, payload: &Value, now: DateTime<Utc>, deadline: Instant) -> Result<Answer, Error> {
        let began = Instant::now();
        let left = deadline.saturating_duration_since(began);
        let aws = self.clients.until(deadline - MARGIN.min(left / 4));
        let run = Run { function: self, config: &self.config, aws, now, began };
        let answer = match event::parse(payload, self.config.database.as_ref(), now)? {
            Trigger::Ignored { cause, reason } => run.answer(Decision::nothing(Outcome::Ignored, cause, reason)),
            Trigger::Failover(failovers) => run.answer(run.follow(failovers).await?),
            Trigger::Reconcile { cause, force, dry_run } => run.answer(run.reconcile(cause, force, dry_run).await?),
            Trigger::Check => Answer::Checked(run.check().await?),
        };
        answer.log();
        Ok(answer)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One invocation under way.
struct Run<'a> {
    function: &'a Function,
    config: &'a Config,
    aws: Aws,
    /// The wall clock's time when the run began.
    now: DateTime<Utc>,
    began: Instant,
}

impl Run<'_> {
    /// The failover events of one payload: the newest decides.
    async fn follow(&self, failovers: Failovers) -> Result<Decision, Error> {
        let Failovers { events, mut passed_over, mut unreadable } = failovers;
        let cause = events.first().map(|event| event.kind.event_id().to_owned());
        let Choice { decides, others } = trust::choose(events, self.config.switch_on, self.config.database.is_some());
        passed_over.extend(others);
        let Some(event) = decides else {
            return match unreadable.drain(..).next() {
                Some(error) => Err(error),
                None => Ok(Decision::nothing(Outcome::Ignored, cause, passed_over.join("; "))),
            };
        };
        passed_over.iter().for_each(|reason| tracing::info!(reason, "record passed over"));
        unreadable.iter().for_each(|error| tracing::warn!(reason = %error, "record passed over"));
        event.unreadable_times.iter().for_each(|time| tracing::warn!(reason = time, "a time of the event cannot be read"));
        let decision = self.follow_event(&event).await?;
        Ok(Decision { event_age_ms: event.age_ms, ..decision })
    }

    async fn follow_event(&self, event: &FailoverEvent) -> Result<Decision, Error> {
        let cause = event.kind.event_id();
        let conclusion = match self.config.instance() {
            Some(instance) => self.follow_instance(instance, event).await?,
            None => {
                // Before the match: the lock must not be held while the run waits.
                let approach = trust::approach(event, &self.function.memory(), self.config.cluster().is_some())?;
                match approach {
                    Approach::Ignore(reason) => return Ok(Decision::nothing(Outcome::Ignored, Some(cause.to_owned()), reason)),
                    Approach::Trust(writer) => self.trust(writer, event).await?,
                    Approach::Verify(writer) => self.verify(writer, self.database_for(cause)?).await?,
                    Approach::AskRds(requester) => self.ask(self.database_for(cause)?, requester, None).await?,
                }
            }
        };
        let named = conclusion.target_of(event.instance.as_ref());
        let decision = self.conclude(conclusion, cause, self.config.dry_run).await?;
        if matches!(decision.outcome, Outcome::Switched | Outcome::Unchanged) {
            self.function.memory().remember(event, named.as_ref(), self.wall_clock());
        }
        Ok(decision)
    }

    async fn check(&self) -> Result<Report, Error> {
        check::run(self.config, self.database_for("check")?, &self.aws, self.protection()).await
    }

    /// A schedule, or `reconcile`. The map is compared with DNS at the same time, and changes nothing.
    async fn reconcile(&self, cause: &str, force: bool, dry_run: bool) -> Result<Decision, Error> {
        let database = self.database_for(cause)?;
        let requester = if force { Requester::Operator } else { Requester::Routine };
        let comparison = self.aws.until(Instant::now() + RECHECK_INTERVAL);
        let run = async {
            let conclusion = self.ask(database, requester, None).await?;
            self.log_findings(&conclusion);
            self.conclude(conclusion, cause, dry_run || self.config.dry_run).await
        };
        tokio::join!(run, stale_entries::report_stale_entries(self.config, database, &comparison)).0
    }

    /// Takes the event's word: asks RDS nothing, and waits for nothing.
    async fn trust(&self, writer: InstanceId, event: &FailoverEvent) -> Result<Conclusion, Error> {
        if !event.is_fresh() {
            tracing::warn!(
                event_age_ms = event.age_ms,
                "an old event is acted on, because there is no RDS to ask: set DB_CLUSTER_ID"
            );
        }
        let (targets, target) =
            tokio::try_join!(self.aws.describe_targets(), address::target_of(&writer, self.config, &self.aws))?;
        let change = Change::new(writer, target.clone(), &targets);
        Ok(Conclusion { writer: Writer::Known(change), evidence: Evidence::Event, named: Some(target), targets })
    }

    /// With `DRY_RUN` on, every decision says so.
    fn answer(&self, decision: Decision) -> Answer {
        Answer::Decision(Decision { dry_run: self.config.dry_run, ..decision })
    }

    fn database_for(&self, trigger: &str) -> Result<&Database, Error> {
        let needs_rds = || Error::ClusterIdRequired(format!("{trigger} needs RDS to say who the writer is: set DB_CLUSTER_ID"));
        self.config.database.as_ref().ok_or_else(needs_rds)
    }

    /// The wall clock's time at this moment of the run.
    fn wall_clock(&self) -> DateTime<Utc> {
        self.now + TimeDelta::from_std(self.began.elapsed()).unwrap_or(TimeDelta::MAX)
    }
}
