//! Finds the address of an instance: the map's entry, else what DNS gives for its endpoint. Never the cluster endpoint, whose
//! DNS flaps for minutes after a failover.

pub(crate) mod endpoint;

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::Aws;
use crate::cluster::{ClusterId, Instance, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::target::Target;

/// How long a lookup that fails is repeated, and how often.
const LOOKUPS: Duration = Duration::from_secs(5);
const NEXT_LOOKUP: Duration = Duration::from_millis(500);

/// The target for `instance`.
///
/// # Errors
/// [`Error::UnknownInstance`] for one that is neither in the map nor in the cluster; [`Error::AddressUnresolved`] for
/// one whose endpoint gives no address, several, or a public one; a failed call.
pub async fn target_of(instance: &InstanceId, config: &Config, aws: &Aws) -> Result<Target, Error> {
    let ip = match (config.ip_dict.get(instance), &config.followed.cluster) {
        (Some(ip), _) => *ip,
        (None, None) => return Err(unknown(instance, config, &[])),
        (None, Some(cluster)) => discover(instance, cluster, config, aws).await?,
    };
    Ok(target(ip, config))
}

/// The target at `ip`, with the configured port and zone.
pub fn target(ip: IpAddr, config: &Config) -> Target {
    Target { id: ip.to_string(), port: config.port, zone: config.zone.clone() }
}

async fn discover(instance: &InstanceId, cluster: &ClusterId, config: &Config, aws: &Aws) -> Result<IpAddr, Error> {
    let members = aws.instances(cluster).await?;
    let found = members.iter().find(|member| member.id == *instance).ok_or_else(|| unknown(instance, config, &members))?;
    let addresses = look_up_patiently(found, aws).await?;
    let ip_address_type =
        if endpoint::has_both_families(&addresses) { Some(aws.target_group().await?.ip_address_type) } else { None };
    endpoint::target_address(found, &addresses, ip_address_type.as_deref())
        .map_err(|why| Error::AddressUnresolved(why.to_string()))
}

/// The addresses of an instance's endpoint, by one lookup.
///
/// # Errors
/// No endpoint yet, or a lookup that fails.
pub(crate) async fn look_up(instance: &Instance, aws: &Aws) -> Result<Vec<IpAddr>, Error> {
    aws.resolve(host(instance)?).await.map_err(|error| match error {
        Error::AddressUnresolved(why) => Error::AddressUnresolved(format!("{}: {why}", instance.id)),
        other => other,
    })
}

/// A lookup that fails is tried again, as a call to AWS is: at Lambda's retry, a minute later, a fresh event would be late.
/// So is one whose name does not exist: while a record changes, some resolvers say that.
async fn look_up_patiently(instance: &Instance, aws: &Aws) -> Result<Vec<IpAddr>, Error> {
    host(instance)?;
    let give_up = aws.deadline().min(Instant::now() + LOOKUPS);
    loop {
        match look_up(instance, aws).await {
            Err(Error::AddressUnresolved(_)) if Instant::now() + NEXT_LOOKUP < give_up => sleep(NEXT_LOOKUP).await,
            answer => return answer,
        }
    }
}

fn host(instance: &Instance) -> Result<&str, Error> {
    let missing = || Error::AddressUnresolved(format!("{} has no endpoint yet", instance.id));
    instance.host.as_deref().ok_or_else(missing)
}

fn unknown(instance: &InstanceId, config: &Config, members: &[Instance]) -> Error {
    let mut known: Vec<_> =
        config.ip_dict.keys().chain(members.iter().map(|member| &member.id)).map(InstanceId::to_string).collect();
    known.sort();
    known.dedup();
    Error::UnknownInstance { instance: instance.to_string(), known }
}
