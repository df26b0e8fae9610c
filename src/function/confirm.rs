//! Asks RDS who the writer is, or DNS where it is, and asks again until a decision follows.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::instance::Endpoint;
use super::{Conclusion, Run};
use crate::address;
use crate::cluster::{ClusterView, Database, DatabaseKind, InstanceId};
use crate::decide::confirm::{Observation, Protection, RECHECK_INTERVAL, Requester, Step, Writer, confirm, settled_writer};
use crate::decide::doubt::Doubt;
use crate::decide::instance::LOOKUP_INTERVAL;
use crate::decide::plan::{Change, Plan};
use crate::decide::trust::{Evidence, RdsView, Weighing, weigh};
use crate::error::Error;
use crate::target::{Target, TargetHealth};

/// How often a fresh event that RDS contradicts asks again before RDS decides: for 15 s.
const MAX_RECHECKS: u32 = 3;

/// What RDS and the group showed, as it was read.
type Seen = (ClusterView, Vec<TargetHealth>);

impl Run<'_> {
    /// Takes the event's word, unless RDS has settled on another writer and stays with it.
    pub(super) async fn verify(&self, named: InstanceId, cluster: &Database) -> Result<Conclusion, Error> {
        let (mut target, mut rechecks) = (None, 0);
        loop {
            let left = self.aws.deadline().saturating_duration_since(Instant::now());
            let witness = self.aws.until(Instant::now() + RECHECK_INTERVAL.min(left / 2));
            let (targets, view, looked_up) = tokio::join!(
                self.aws.describe_targets(),
                witness.describe_cluster(cluster),
                self.target_of(&named, target.take())
            );
            let targets = targets?;
            let rds = view.as_ref().map(|view| RdsView::of(&named, view));
            let is_in_place = looked_up.as_ref().is_ok_and(|target| Plan::new(&targets, target).is_empty());
            match weigh(rds.as_ref().ok(), is_in_place, rechecks < MAX_RECHECKS && self.may_recheck()) {
                Weighing::Accept(evidence) => {
                    log_why_rds_does_not_count(&rds);
                    let target = looked_up?;
                    let writer = Writer::Known(Change::new(named, target.clone(), &targets));
                    return Ok(Conclusion { writer, evidence, named: Some(target), targets });
                }
                Weighing::LetRdsDecide => {
                    let seen = view.ok().map(|view| (view, targets));
                    let conclusion = self.ask(cluster, Requester::FreshEvent, seen).await?;
                    return Ok(Conclusion { named: looked_up.ok(), ..conclusion });
                }
                Weighing::Recheck => {
                    (target, rechecks) = (looked_up.ok(), rechecks + 1);
                    sleep(RECHECK_INTERVAL).await;
                }
            }
        }
    }

    async fn target_of(&self, instance: &InstanceId, known: Option<Target>) -> Result<Target, Error> {
        match known {
            Some(target) => Ok(target),
            None => address::target_of(instance, self.config, &self.aws).await,
        }
    }

    /// Lets RDS decide, or for one DB instance DNS. `seen` is the first observation of a cluster, if there has been one already.
    pub(super) async fn ask(
        &self,
        database: &Database,
        requester: Requester,
        mut seen: Option<Seen>,
    ) -> Result<Conclusion, Error> {
        let (evidence, interval) = match database.kind() {
            DatabaseKind::Cluster => (Evidence::Rds, RECHECK_INTERVAL),
            DatabaseKind::Instance => (Evidence::Dns, LOOKUP_INTERVAL),
        };
        let (mut before, mut waits_for, mut endpoint) = (None, None, Endpoint::default());
        loop {
            let observed = match database.kind() {
                DatabaseKind::Cluster => self.observe(database, seen.take()).await,
                DatabaseKind::Instance => self.observe_instance(database, &mut endpoint).await,
            };
            let observation = match observed {
                // Why the run kept asking says more than which call was under way at the end.
                Err(Error::DeadlineExceeded(doing)) => return Err(waits_for.unwrap_or(Error::DeadlineExceeded(doing))),
                observed => observed?,
            };
            waits_for = match self.judge(before.as_ref(), &observation, requester).await {
                Step::Recheck => None,
                Step::Done(Writer::InDoubt(doubt)) if requester.waits() => Some(Error::WriterUnsettled(doubt.to_string())),
                Step::Done(writer) => return Ok(Conclusion { writer, evidence, named: None, targets: observation.targets }),
            };
            if Instant::now() + interval >= self.aws.deadline() {
                return Err(waits_for.unwrap_or_else(|| no_time_to_recheck(interval)));
            }
            sleep(interval).await;
            before = Some(observation);
        }
    }

    async fn judge(&self, before: Option<&Observation>, now: &Observation, requester: Requester) -> Step {
        self.learn_named_target(now).await;
        let step = confirm(before, now, requester, &self.protection());
        self.function.memory().note(now, is_held_back(&step), self.wall_clock());
        step
    }

    async fn observe(&self, cluster: &Database, seen: Option<Seen>) -> Result<Observation, Error> {
        let (view, targets) = match seen {
            Some(seen) => seen,
            None => tokio::try_join!(self.aws.describe_cluster(cluster), self.aws.describe_targets())?,
        };
        let wanted = match settled_writer(&view) {
            Ok(writer) => {
                let target = address::target_of(writer, self.config, &self.aws).await?;
                Ok(Change::new(writer.clone(), target, &targets))
            }
            Err(doubt) => Err(doubt),
        };
        Ok(Observation { targets, wanted, is_global: view.is_global })
    }

    fn may_recheck(&self) -> bool {
        Instant::now() + RECHECK_INTERVAL < self.aws.deadline()
    }

    /// Looks up the target of the instance that the newest event named, if the end of rule 9 (b) depends on it.
    async fn learn_named_target(&self, observation: &Observation) {
        let needs_it = observation.targets.iter().any(TargetHealth::is_initial);
        let unknown = self.function.memory().instance_without_target(self.wall_clock()).cloned();
        if let Some(instance) = unknown.filter(|_| needs_it) {
            match address::target_of(&instance, self.config, &self.aws).await {
                Ok(target) => self.function.memory().learn_target(&instance, target),
                Err(error) => tracing::warn!(reason = %error, "the target of the instance that an event named is unknown"),
            }
        }
    }

    /// What RDS alone may not take away at this moment.
    pub(super) fn protection(&self) -> Protection {
        self.function.memory().protection(self.wall_clock())
    }
}

fn is_held_back(step: &Step) -> bool {
    matches!(step, Step::Done(Writer::InDoubt(Doubt::JustNamed { .. } | Doubt::StillRegistering { .. })))
}

fn log_why_rds_does_not_count(rds: &Result<RdsView, &Error>) {
    match rds {
        Ok(RdsView::Unsettled(doubt)) => tracing::info!(reason = %doubt, "RDS has not settled yet; the event decides"),
        Err(error) => tracing::warn!(reason = %error, "RDS is unreachable; the event decides"),
        Ok(RdsView::Agrees | RdsView::Contradicts) => {}
    }
}

fn no_time_to_recheck(interval: Duration) -> Error {
    let seconds = interval.as_secs();
    Error::DeadlineExceeded(format!("waiting {seconds} s to ask again; raise the function's timeout"))
}
