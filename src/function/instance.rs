//! Follows one RDS Multi-AZ DB instance by the DNS of its endpoint.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Conclusion, Run};
use crate::address;
use crate::cluster::{Database, Instance};
use crate::decide::confirm::{Observation, Writer};
use crate::decide::doubt::Doubt;
use crate::decide::instance::{self, Approach, Wait, is_stopped};
use crate::decide::plan::Change;
use crate::decide::trust::Evidence;
use crate::error::Error;
use crate::event::failover::FailoverEvent;
use crate::target::{Target, TargetHealth};

/// How often a fresh event looks the address up while it waits, and how long one lookup may take.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
const WATCH_LOOKUP: Duration = Duration::from_secs(2);
/// What is kept back for the writes if the address moves at the last moment.
const TIME_TO_WRITE: Duration = Duration::from_secs(2);

/// What one run knows about the instance's endpoint.
#[derive(Default)]
pub(super) struct Endpoint {
    instance: Option<Instance>,
    /// `DBInstanceStatus`, as RDS showed it last.
    status: String,
    has_asked_again: bool,
}

/// What one look at DNS found.
enum Located {
    At(Target),
    Stopped(Doubt),
    /// The name does not resolve.
    Unresolved(Error),
}

impl Run<'_> {
    /// A failover event of the instance.
    pub(super) async fn follow_instance(&self, database: &Database, event: &FailoverEvent) -> Result<Conclusion, Error> {
        let approach = instance::approach(event, &self.function.memory());
        match approach {
            Approach::AskDns(requester) => self.ask(database, requester, None).await,
            Approach::Watch(wait) => self.watch(database, wait).await,
        }
    }

    /// Looks the address up until DNS has another one than the group: the event and DNS are two witnesses.
    async fn watch(&self, database: &Database, wait: Wait) -> Result<Conclusion, Error> {
        let left = self.aws.deadline().saturating_duration_since(Instant::now());
        let last = Instant::now() + left.saturating_sub(TIME_TO_WRITE);
        let give_up = match wait {
            Wait::No => Instant::now(),
            Wait::For(time) => last.min(Instant::now() + time),
            Wait::UntilDeadline => last,
        };
        let mut endpoint = Endpoint::default();
        let (mut targets, mut located) =
            tokio::try_join!(self.aws.describe_targets(), self.locate(database, &mut endpoint, wait == Wait::No))?;
        let mut has_waited = false;
        loop {
            match located {
                Located::Stopped(doubt) => return Ok(concluded(Writer::InDoubt(doubt), targets)),
                Located::Unresolved(error) if wait == Wait::No => return Err(error),
                Located::Unresolved(_) => {}
                Located::At(target) => {
                    let change = Change::new(database.instance_id(), target, &targets);
                    if !change.plan.is_empty() && has_waited {
                        targets = self.aws.describe_targets().await?; // another run may have moved the group meanwhile
                        let change = Change::new(change.writer, change.target, &targets);
                        return Ok(concluded(Writer::Known(change), targets));
                    }
                    if !change.plan.is_empty() || wait == Wait::No {
                        return Ok(concluded(Writer::Known(change), targets));
                    }
                }
            }
            if Instant::now() + WATCH_INTERVAL > give_up {
                let doubt = Doubt::AddressNotMoved { instance: database.instance_id() };
                return Ok(concluded(Writer::InDoubt(doubt), targets));
            }
            sleep(WATCH_INTERVAL).await;
            has_waited = true;
            located = self.locate(database, &mut endpoint, false).await?;
        }
    }

    /// What DNS and the group show at one moment.
    pub(super) async fn observe_instance(&self, database: &Database, endpoint: &mut Endpoint) -> Result<Observation, Error> {
        let (targets, located) = tokio::try_join!(self.aws.describe_targets(), self.locate(database, endpoint, true))?;
        let wanted = match located {
            Located::At(target) => Ok(Change::new(database.instance_id(), target, &targets)),
            Located::Stopped(doubt) => Err(doubt),
            Located::Unresolved(error) => return Err(error),
        };
        Ok(Observation { targets, wanted, is_global: false })
    }

    /// Looks the address up. If that fails, the name may be out of date or the instance stopped: RDS is asked again, once a run.
    ///
    /// # Errors
    /// The address cannot be a target; a call failed.
    async fn locate(&self, database: &Database, endpoint: &mut Endpoint, patiently: bool) -> Result<Located, Error> {
        let mut instance = match endpoint.instance.take() {
            Some(instance) => instance,
            None => self.ask_for_endpoint(database, endpoint).await?,
        };
        let mut addresses = self.look_up_once(&instance).await;
        if addresses.is_err() && !endpoint.has_asked_again {
            endpoint.has_asked_again = true;
            instance = self.ask_for_endpoint(database, endpoint).await?;
            addresses = self.look_up_once(&instance).await;
        }
        let is_stopped = is_stopped(&endpoint.status);
        if addresses.is_err() && !is_stopped && patiently {
            addresses = address::look_up_with_retries(&instance, &self.aws).await;
        }
        endpoint.instance = Some(instance.clone());
        match addresses {
            Ok(addresses) => Ok(Located::At(address::target_of_endpoint(&instance, &addresses, self.config, &self.aws).await?)),
            Err(_) if is_stopped => {
                Ok(Located::Stopped(Doubt::InstanceStopped { instance: instance.id, status: endpoint.status.clone() }))
            }
            Err(error) => Ok(Located::Unresolved(error)),
        }
    }

    async fn look_up_once(&self, instance: &Instance) -> Result<Vec<std::net::IpAddr>, Error> {
        address::look_up(instance, &self.aws.until(Instant::now() + WATCH_LOOKUP)).await
    }

    async fn ask_for_endpoint(&self, database: &Database, endpoint: &mut Endpoint) -> Result<Instance, Error> {
        let view = self.aws.describe_instance(database).await?;
        view.refuse_member()?;
        endpoint.status = view.status;
        Ok(view.instance)
    }
}

fn concluded(writer: Writer, targets: Vec<TargetHealth>) -> Conclusion {
    Conclusion { writer, evidence: Evidence::EventAndDns, named: None, targets }
}
