//! Handles one invocation: what it reads and writes in which order, and what it answers.

mod looks;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::time::Instant;

use crate::address;
use crate::answer::{Answer, Decision, Outcome, Report};
use crate::apply::apply;
use crate::aws::{Aws, Clients};
use crate::check;
use crate::claim::{Claim, Newest};
use crate::cluster::{ClusterId, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::event::{self, Trigger};
use crate::plan::Plan;
use crate::target::Target;
use crate::writer::{self, Approach, Asker, Change, Evidence};
use looks::LOOK_AGAIN;

/// What is kept back of the invocation's time, so that our own error is out before Lambda kills the run.
const MARGIN: Duration = Duration::from_millis(500);

/// The Lambda function: its configuration, its clients, and the newest claim that it has acted on. Made once a process.
#[derive(Debug)]
pub struct Function {
    config: Config,
    clients: Clients,
    newest: Mutex<Option<Newest>>,
}

impl Function {
    pub fn new(config: Config, clients: Clients) -> Function {
        Function { config, clients, newest: Mutex::new(None) }
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
        let run = Run { function: self, config: &self.config, aws, now, began, claimed: OnceLock::new() };
        let answer = match event::parse(payload, &self.config.followed, now)? {
            Trigger::Ignored { cause, reason } => run.answer(Decision::nothing(Outcome::Ignored, cause, reason)),
            Trigger::Failover { claim, passed_over, unreadable } => {
                passed_over.iter().for_each(|reason| tracing::info!(reason, "record passed over"));
                unreadable.iter().for_each(|error| tracing::warn!(reason = %error, "record passed over"));
                run.answer(run.follow(&claim).await?)
            }
            Trigger::Reconcile { cause, asker, dry_run } => run.answer(run.compare(cause, asker, dry_run).await?),
            Trigger::Check => Answer::Checked(run.examine().await?),
        };
        answer.log();
        Ok(answer)
    }

    fn newest(&self) -> Option<Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the newest claim only; one of unknown age has no place in the order.
    fn remember(&self, claim: &Claim, target: Option<&Target>) {
        let Some(time) = claim.time else { return };
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|newest| newest.time <= time) {
            *newest = Some(Newest { time, named: claim.instance.clone().zip(target.cloned()) });
        }
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
    /// The target of the instance that the event names, once it is known.
    claimed: OnceLock<Target>,
}

/// What came of finding the writer.
enum Verdict {
    Settled(Change, Evidence),
    InDoubt(String),
}

impl Run<'_> {
    /// A failover event.
    async fn follow(&self, claim: &Claim) -> Result<Decision, Error> {
        let cause = claim.kind.event_id();
        let verdict = match writer::approach(claim, self.function.newest().as_ref(), self.config.followed.cluster.is_some())? {
            Approach::Ignore(reason) => {
                let ignored = Decision::nothing(Outcome::Ignored, Some(cause.to_owned()), reason);
                return Ok(Decision { event_age_ms: claim.age_ms, ..ignored });
            }
            Approach::Believe(writer) => self.believe(writer, claim).await?,
            Approach::Corroborate(writer) => self.corroborate(writer, self.cluster_for(cause)?).await?,
            Approach::AskRds(asker) => self.ask_rds(self.cluster_for(cause)?, asker, None).await?,
        };
        let decision = self.conclude(verdict, cause, self.config.dry_run).await?;
        if matches!(decision.outcome, Outcome::Switched | Outcome::Unchanged) {
            self.function.remember(claim, self.claimed.get());
        }
        Ok(Decision { event_age_ms: claim.age_ms, ..decision })
    }

    async fn examine(&self) -> Result<Report, Error> {
        check::run(self.config, self.cluster_for("check")?, &self.aws, self.shield()).await
    }

    /// A schedule, or `reconcile`. The map is compared with DNS at the same time, whatever comes of the rest.
    async fn compare(&self, cause: &str, asker: Asker, dry_run: bool) -> Result<Decision, Error> {
        let cluster = self.cluster_for(cause)?;
        let comparison = self.aws.until(Instant::now() + LOOK_AGAIN);
        let run = async {
            let verdict = self.ask_rds(cluster, asker, None).await?;
            self.conclude(verdict, cause, dry_run || self.config.dry_run).await
        };
        tokio::join!(run, check::comparison::report_stale_entries(self.config, cluster, &comparison)).0
    }

    /// Takes the event's word: asks RDS nothing, and waits for nothing.
    async fn believe(&self, writer: InstanceId, claim: &Claim) -> Result<Verdict, Error> {
        if !claim.is_fresh() {
            tracing::warn!(event_age_ms = claim.age_ms, "an old event is acted on, as there is no RDS to ask: set DB_CLUSTER_ID");
        }
        let (listed, target) = tokio::try_join!(self.aws.targets(), self.claimed_target(&writer))?;
        Ok(Verdict::Settled(Change { plan: Plan::new(&listed, &target), writer, target }, Evidence::Event))
    }

    /// The newest claim that this process has acted on, while it is fresh.
    fn fresh_newest(&self) -> Option<Newest> {
        let passed = TimeDelta::from_std(self.began.elapsed()).unwrap_or(TimeDelta::MAX);
        self.function.newest().filter(|newest| newest.is_fresh(self.now + passed))
    }

    async fn claimed_target(&self, instance: &InstanceId) -> Result<Target, Error> {
        if let Some(known) = self.claimed.get() {
            return Ok(known.clone());
        }
        let target = address::target_of(instance, self.config, &self.aws).await?;
        Ok(self.claimed.get_or_init(|| target).clone())
    }

    /// Carries out the plan, unless nothing is to be done or nothing may be.
    async fn conclude(&self, verdict: Verdict, cause: &str, dry_run: bool) -> Result<Decision, Error> {
        let cause = Some(cause.to_owned());
        let (Change { writer, target, plan }, evidence) = match verdict {
            Verdict::Settled(change, evidence) => (change, evidence),
            Verdict::InDoubt(doubt) => return Ok(Decision::nothing(Outcome::Unchanged, cause, doubt)),
        };
        let (outcome, registered) = match (plan.is_empty(), dry_run) {
            (true, _) => (Outcome::Unchanged, vec![]),
            (false, true) => (Outcome::Planned, plan.register.iter().cloned().collect()),
            (false, false) => (Outcome::Switched, apply(&plan, &target, &self.aws).await?),
        };
        Ok(Decision {
            writer: Some(writer.to_string()),
            target: Some(target),
            evidence: Some(evidence),
            registered: Some(registered),
            deregistered: Some(plan.deregister),
            ..Decision::bare(outcome, cause)
        })
    }

    /// With `DRY_RUN` on, every decision says so.
    fn answer(&self, decision: Decision) -> Answer {
        Answer::Decision(Decision { dry_run: self.config.dry_run, ..decision })
    }

    fn cluster_for(&self, trigger: &str) -> Result<&ClusterId, Error> {
        self.config.followed.cluster.as_ref().ok_or_else(|| Error::ClusterIdRequired(trigger.to_owned()))
    }
}
