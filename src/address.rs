//! Finds the address of an instance: the map's entry, else the address of its endpoint in DNS. Never the cluster endpoint, whose
//! DNS flaps for minutes after a failover.

pub(crate) mod endpoint;

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::Aws;
use crate::cluster::{Database, Instance, InstanceId};
use crate::config::Config;
use crate::error::Error;
use crate::target::Target;

/// How long a failed lookup is retried, and how often.
const LOOKUP_RETRIES: Duration = Duration::from_secs(5);
const LOOKUP_INTERVAL: Duration = Duration::from_millis(500);

/// Each instance's endpoint in DNS: its addresses, or why there are none.
pub(crate) type Resolved = Vec<(Instance, Result<Vec<IpAddr>, Error>)>;

/// Returns the target of `instance`.
///
/// # Errors
/// [`Error::UnknownInstance`] for an instance that is neither in the map nor in the cluster; [`Error::AddressUnresolved`] for an
/// endpoint with no address, several, or a public one; a failed call.
pub async fn target_of(instance: &InstanceId, config: &Config, aws: &Aws) -> Result<Target, Error> {
    let ip = match (config.ip_dict.get(instance), config.cluster()) {
        (Some(ip), _) => *ip,
        (None, None) => return Err(unknown(instance, config, &[])),
        (None, Some(cluster)) => discover(instance, cluster, config, aws).await?,
    };
    Ok(target(ip, config))
}

/// Returns the target of the one DB instance that this function follows, whose endpoint has these addresses in DNS.
///
/// # Errors
/// [`Error::AddressUnresolved`] for several addresses, or a public one. No map could help.
pub(crate) async fn target_of_endpoint(
    instance: &Instance,
    addresses: &[IpAddr],
    config: &Config,
    aws: &Aws,
) -> Result<Target, Error> {
    let ip_address_type = ip_address_type(addresses, aws).await?;
    let ip = endpoint::target_address(instance, addresses, ip_address_type.as_deref());
    Ok(target(ip.map_err(|why| Error::AddressUnresolved(why.without_map()))?, config))
}

/// Returns the target at `ip`, with the configured port and zone.
pub fn target(ip: IpAddr, config: &Config) -> Target {
    Target { id: ip.to_string(), port: config.port, zone: config.zone.clone() }
}

async fn discover(instance: &InstanceId, cluster: &Database, config: &Config, aws: &Aws) -> Result<IpAddr, Error> {
    let members = aws.describe_instances(cluster).await?;
    let found = members.iter().find(|member| member.id == *instance).ok_or_else(|| unknown(instance, config, &members))?;
    let addresses = look_up_with_retries(found, aws).await?;
    let ip_address_type = ip_address_type(&addresses, aws).await?;
    endpoint::target_address(found, &addresses, ip_address_type.as_deref())
        .map_err(|why| Error::AddressUnresolved(why.to_string()))
}

/// The group's `IpAddressType`, if it is needed to choose.
async fn ip_address_type(addresses: &[IpAddr], aws: &Aws) -> Result<Option<String>, Error> {
    if endpoint::has_both_families(addresses) { Ok(Some(aws.describe_target_group().await?.ip_address_type)) } else { Ok(None) }
}

/// Looks up the addresses of an instance's endpoint once.
///
/// # Errors
/// The instance has no endpoint yet, or the lookup fails.
pub(crate) async fn look_up(instance: &Instance, aws: &Aws) -> Result<Vec<IpAddr>, Error> {
    aws.resolve(host(instance)?).await.map_err(|error| match error {
        Error::AddressUnresolved(why) => Error::AddressUnresolved(format!("{}: {why}", instance.id)),
        other => other,
    })
}

/// Looks up all endpoints at once.
pub(crate) async fn resolve(instances: Vec<Instance>, aws: &Aws) -> Resolved {
    let mut lookups = tokio::task::JoinSet::new();
    for instance in instances {
        let aws = aws.clone();
        lookups.spawn(async move {
            let addresses = look_up(&instance, &aws).await;
            (instance, addresses)
        });
    }
    let mut resolved = lookups.join_all().await;
    resolved.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    resolved
}

/// Retries failed lookups: waiting for Lambda's retry a minute later would make a fresh event stale. A name that does not exist is
/// retried too, because some resolvers say so while a record changes.
pub(crate) async fn look_up_with_retries(instance: &Instance, aws: &Aws) -> Result<Vec<IpAddr>, Error> {
    host(instance)?;
    let give_up = aws.deadline().min(Instant::now() + LOOKUP_RETRIES);
    loop {
        match look_up(instance, aws).await {
            Err(Error::AddressUnresolved(_)) if Instant::now() + LOOKUP_INTERVAL < give_up => sleep(LOOKUP_INTERVAL).await,
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
