//! The story: what is read in which order, when to look again, what is written, what is answered. Register first, then
//! deregister.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::address;
use crate::answer::{Answer, Decision, Outcome};
use crate::aws::{Aws, Clients};
use crate::check;
use crate::claim::Claim;
use crate::cluster::{ClusterId, ClusterView, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::event::{self, Trigger};
use crate::ip_dict;
use crate::log::list;
use crate::plan::Plan;
use crate::target::{Listed, Target};
use crate::writer::{self, Approach, Evidence};

/// The pause between two looks at RDS, and the longest wait for RDS as a second witness.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// What is kept back of the invocation's time, so that our own error is out before Lambda kills the run.
const MARGIN: Duration = Duration::from_millis(500);

/// The Lambda function: its configuration and its clients, made once and used by every invocation.
#[derive(Clone, Debug)]
pub struct Function {
    config: Config,
    clients: Clients,
}

/// The writer, and what its target group needs.
struct Found {
    writer: InstanceId,
    evidence: Evidence,
    target: Target,
    plan: Plan,
}

/// What came of asking RDS.
enum Verdict {
    Settled(Found),
    InDoubt(String),
}

/// One look at RDS and at the group, taken together.
struct Look {
    view: ClusterView,
    listed: Vec<Listed>,
}

impl Function {
    /// A function for this configuration.
    pub fn new(config: Config, clients: Clients) -> Function {
        Function { config, clients }
    }

    /// One invocation: reads the payload, finds the writer, brings the target group to exactly the writer, and says so.
    ///
    /// `now` is the wall clock's time; `deadline` is when Lambda ends the invocation.
    ///
    /// # Errors
    /// Every failure, by name; Lambda then tries the event again. Whatever fails, the group is not left empty by it.
    pub async fn handle(&self, payload: &Value, now: DateTime<Utc>, deadline: Instant) -> Result<Answer, Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let aws = self.clients.until(deadline - MARGIN.min(left / 4));
        let answer = match event::parse(payload, self.config.cluster.as_ref(), now)? {
            Trigger::Ignored { cause, reason } => Answer::Decision(Decision::nothing(Outcome::Ignored, cause, reason)),
            Trigger::Failover { claim, passed_over } => {
                passed_over.iter().for_each(|line| tracing::info!(reason = line.as_str(), "record passed over"));
                Answer::Decision(self.follow(&claim, &aws).await?)
            }
            Trigger::Reconcile { cause, dry_run } => Answer::Decision(self.reconcile(cause, dry_run, &aws).await?),
            Trigger::Check => Answer::Checked(check::run(&self.config, self.cluster_for("check")?, &aws).await?),
        };
        answer.log();
        Ok(answer)
    }

    /// A failover event.
    async fn follow(&self, claim: &Claim, aws: &Aws) -> Result<Decision, Error> {
        let cause = claim.kind.event_id();
        let verdict = match writer::approach(claim, self.config.cluster.is_some())? {
            Approach::Believe(writer) => Verdict::Settled(self.believe(writer, claim, aws).await?),
            Approach::Corroborate(writer) => self.corroborate(writer, self.cluster_for(cause)?, aws).await?,
            Approach::AskRds => self.as_rds_says(self.cluster_for(cause)?, None, true, aws).await?,
        };
        let decision = self.conclude(verdict, cause, self.config.dry_run, aws).await?;
        Ok(Decision { event_age_ms: claim.age_ms, ..decision })
    }

    /// A schedule, or `reconcile`. The map is compared with DNS at the same time, whatever comes of the rest.
    async fn reconcile(&self, cause: &'static str, dry_run: bool, aws: &Aws) -> Result<Decision, Error> {
        let cluster = self.cluster_for(cause)?;
        let comparison = aws.until(aws.deadline().min(Instant::now() + LOOK_AGAIN));
        let run = async {
            let verdict = self.as_rds_says(cluster, None, false, aws).await?;
            self.conclude(verdict, cause, dry_run || self.config.dry_run, aws).await
        };
        tokio::join!(run, ip_dict::report_stale_entries(&self.config, cluster, &comparison)).0
    }

    /// The event's word is enough: RDS is not asked, and nothing waits.
    async fn believe(&self, writer: InstanceId, claim: &Claim, aws: &Aws) -> Result<Found, Error> {
        if !claim.is_fresh() {
            tracing::warn!(event_age_ms = claim.age_ms, "an old event is acted on, as there is no RDS to ask: set DB_CLUSTER_ID");
        }
        let (listed, target) = tokio::try_join!(aws.targets(), address::target_of(&writer, &self.config, aws))?;
        Ok(Found { plan: Plan::new(&listed, &target), writer, evidence: Evidence::Event, target })
    }

    /// The event's word is enough unless RDS has settled on another writer.
    async fn corroborate(&self, claimed: InstanceId, cluster: &ClusterId, aws: &Aws) -> Result<Verdict, Error> {
        let left = aws.deadline().saturating_duration_since(Instant::now());
        let witness = aws.until(Instant::now() + LOOK_AGAIN.min(left / 2));
        let (listed, view) = tokio::join!(aws.targets(), witness.cluster(cluster));
        let listed = listed?;
        let evidence = match view.map(|view| (view.settled_writer().cloned(), view)) {
            Ok((Ok(writer), _)) if writer == claimed => Evidence::EventAndRds,
            Ok((Ok(_), view)) => return self.as_rds_says(cluster, Some(Look { view, listed }), true, aws).await,
            Ok((Err(doubt), _)) => {
                tracing::info!(reason = doubt, "RDS has not settled yet; the event decides");
                Evidence::Event
            }
            Err(error) => {
                tracing::warn!(reason = %error, "RDS is out of reach; the event decides");
                Evidence::Event
            }
        };
        let target = address::target_of(&claimed, &self.config, aws).await?;
        Ok(Verdict::Settled(Found { plan: Plan::new(&listed, &target), writer: claimed, evidence, target }))
    }

    /// RDS decides. A change needs two looks that agree on the writer *and* on the change: if another invocation moved
    /// the group meanwhile, a failover is under way, and RDS may not show it yet. `patient`: keep looking until the
    /// deadline while RDS is in doubt.
    async fn as_rds_says(&self, cluster: &ClusterId, mut look: Option<Look>, patient: bool, aws: &Aws) -> Result<Verdict, Error> {
        let mut before: Option<Found> = None;
        let mut last_doubt = None;
        loop {
            let Look { view, listed } = match look.take() {
                Some(look) => look,
                None => match tokio::try_join!(aws.cluster(cluster), aws.targets()) {
                    Ok((view, listed)) => Look { view, listed },
                    // What kept us so long says more than what was under way in the end.
                    Err(Error::DeadlineExceeded(doing)) => {
                        return Err(last_doubt.map_or(Error::DeadlineExceeded(doing), Error::WriterUnsettled));
                    }
                    Err(error) => return Err(error),
                },
            };
            let out_of_time = match view.settled_writer() {
                Ok(writer) => {
                    let target = address::target_of(writer, &self.config, aws).await?;
                    let found =
                        Found { plan: Plan::new(&listed, &target), writer: writer.clone(), evidence: Evidence::Rds, target };
                    let confirmed =
                        before.is_some_and(|before| before.writer == found.writer && before.plan.is_same(&found.plan));
                    if found.plan.is_empty() || confirmed {
                        return Ok(Verdict::Settled(found));
                    }
                    before = Some(found);
                    last_doubt = None;
                    Error::DeadlineExceeded(format!(
                        "no {} s left to look at RDS again; raise the function's timeout",
                        LOOK_AGAIN.as_secs()
                    ))
                }
                Err(doubt) if !patient => return Ok(Verdict::InDoubt(doubt)),
                Err(doubt) => {
                    before = None;
                    last_doubt = Some(doubt.clone());
                    Error::WriterUnsettled(doubt)
                }
            };
            if Instant::now() + LOOK_AGAIN >= aws.deadline() {
                return Err(out_of_time);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Carries out the plan: nothing is deregistered before the writer is registered.
    async fn conclude(&self, verdict: Verdict, cause: &str, dry_run: bool, aws: &Aws) -> Result<Decision, Error> {
        let Found { writer, evidence, target, plan } = match verdict {
            Verdict::Settled(found) => found,
            Verdict::InDoubt(doubt) => return Ok(Decision::nothing(Outcome::Unchanged, Some(cause.to_owned()), doubt)),
        };
        let outcome = match (plan.is_empty(), dry_run) {
            (true, _) => Outcome::Unchanged,
            (false, true) => Outcome::Planned,
            (false, false) => {
                write(&plan, aws).await?;
                Outcome::Switched
            }
        };
        Ok(Decision {
            outcome,
            cause: Some(cause.to_owned()),
            writer: Some(writer.to_string()),
            target: Some(target),
            evidence: Some(evidence),
            registered: Some(plan.register.into_iter().collect()),
            deregistered: Some(plan.deregister),
            event_age_ms: None,
            reason: None,
        })
    }

    fn cluster_for(&self, trigger: &str) -> Result<&ClusterId, Error> {
        self.config.cluster.as_ref().ok_or_else(|| Error::ClusterIdRequired(trigger.to_owned()))
    }
}

async fn write(plan: &Plan, aws: &Aws) -> Result<(), Error> {
    if let Some(target) = &plan.register {
        aws.register(target).await?;
        tracing::info!(registered = list(std::slice::from_ref(target)), "registered");
    }
    if !plan.deregister.is_empty() {
        aws.deregister(&plan.deregister).await?;
        tracing::info!(deregistered = list(&plan.deregister), "deregistered");
    }
    Ok(())
}
