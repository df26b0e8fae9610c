//! Asks RDS who the writer is, and looks again until a decision follows.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Run, Verdict};
use crate::address;
use crate::cluster::{ClusterId, ClusterView, InstanceId};
use crate::error::Error;
use crate::plan::Plan;
use crate::target::Listed;
use crate::writer::{self, Asker, Change, Evidence, Judgement, Look, Shield, Witness};

/// The pause between two looks at RDS, and the longest wait for RDS as a second witness.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often a fresh claim that RDS contradicts looks again before RDS decides: for 15 s.
const LOOKS_AGAIN_IF_CONTRADICTED: u32 = 3;

/// What RDS and the group showed at one moment.
type Sight = (ClusterView, Vec<Listed>);

impl Run<'_> {
    /// Takes the event's word, unless RDS has settled on another writer and stays with it.
    pub(super) async fn corroborate(&self, claimed: InstanceId, cluster: &ClusterId) -> Result<Verdict, Error> {
        let mut looks_left = LOOKS_AGAIN_IF_CONTRADICTED;
        loop {
            let left = self.aws.deadline().saturating_duration_since(Instant::now());
            let witness = self.aws.until(Instant::now() + LOOK_AGAIN.min(left / 2));
            let (listed, view, target) =
                tokio::join!(self.aws.targets(), witness.cluster(cluster), self.claimed_target(&claimed));
            let listed = listed?;
            let said = view.as_ref().map(|view| writer::second_witness(&claimed, view));
            let plan = target.as_ref().ok().map(|target| Plan::new(&listed, target));
            let evidence = match said {
                Ok(Witness::Agrees) => Evidence::EventAndRds,
                Ok(Witness::Contradicts(_)) if plan.is_some_and(|plan| plan.is_empty()) => Evidence::Event,
                Ok(Witness::Contradicts(_)) if looks_left > 0 && self.may_look_again() => {
                    looks_left -= 1;
                    sleep(LOOK_AGAIN).await;
                    continue;
                }
                Ok(Witness::Contradicts(_)) => {
                    return self.ask_rds(cluster, Asker::FreshClaim, view.ok().map(|view| (view, listed))).await;
                }
                Ok(Witness::Unsettled(doubt)) => {
                    tracing::info!(reason = doubt, "RDS has not settled yet; the event decides");
                    Evidence::Event
                }
                Err(error) => {
                    tracing::warn!(reason = %error, "RDS is out of reach; the event decides");
                    Evidence::Event
                }
            };
            let target = target?;
            let change = Change { plan: Plan::new(&listed, &target), writer: claimed, target };
            return Ok(Verdict::Settled(change, evidence));
        }
    }

    /// Lets RDS decide. `seen` is the first look, if there has been one already.
    pub(super) async fn ask_rds(&self, cluster: &ClusterId, asker: Asker, mut seen: Option<Sight>) -> Result<Verdict, Error> {
        let (mut before, mut waits_for) = (None, None);
        loop {
            let look = match self.look(cluster, seen.take()).await {
                // Why the run kept looking says more than which call was under way at the end.
                Err(Error::DeadlineExceeded(doing)) => return Err(waits_for.unwrap_or(Error::DeadlineExceeded(doing))),
                look => look?,
            };
            let shield = asker.is_alone().then(|| self.shield());
            waits_for = match writer::judge(before.as_ref(), &look, shield.as_ref()) {
                Judgement::Settled(change) => return Ok(Verdict::Settled(change, Evidence::Rds)),
                Judgement::InDoubt(doubt) if !asker.is_patient() => return Ok(Verdict::InDoubt(doubt)),
                Judgement::InDoubt(doubt) => Some(Error::WriterUnsettled(doubt)),
                Judgement::LookAgain => None,
            };
            if !self.may_look_again() {
                return Err(waits_for.unwrap_or_else(no_time_to_look_again));
            }
            sleep(LOOK_AGAIN).await;
            before = Some(look);
        }
    }

    async fn look(&self, cluster: &ClusterId, seen: Option<Sight>) -> Result<Look, Error> {
        let (view, listed) = match seen {
            Some(sight) => sight,
            None => tokio::try_join!(self.aws.cluster(cluster), self.aws.targets())?,
        };
        let asks_for = match view.settled_writer() {
            Ok(writer) => {
                let target = address::target_of(writer, self.config, &self.aws).await?;
                Ok(Change { plan: Plan::new(&listed, &target), writer: writer.clone(), target })
            }
            Err(doubt) => Err(doubt),
        };
        Ok(Look { listed, asks_for })
    }

    fn may_look_again(&self) -> bool {
        Instant::now() + LOOK_AGAIN < self.aws.deadline()
    }

    /// What RDS alone may not take away at this moment.
    pub(super) fn shield(&self) -> Shield {
        Shield { claimed: self.fresh_newest().and_then(|newest| newest.named) }
    }
}

fn no_time_to_look_again() -> Error {
    let seconds = LOOK_AGAIN.as_secs();
    Error::DeadlineExceeded(format!("no {seconds} s left to look at RDS again; raise the function's timeout"))
}
