//! The address of an instance: the map's entry, else its endpoint's DNS. Never the cluster endpoint, whose DNS flaps
//! for minutes after a failover.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::Aws;
use crate::cluster::{Instance, InstanceId};
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
/// one whose endpoint has no address, or several; a failed call.
pub async fn target_of(instance: &InstanceId, config: &Config, aws: &Aws) -> Result<Target, Error> {
    let ip = match (config.ip_dict.get(instance), &config.followed.cluster) {
        (Some(ip), _) => *ip,
        (None, None) => return Err(unknown(instance, config, &[])),
        (None, Some(cluster)) => {
            let members = aws.instances(cluster).await?;
            let found =
                members.iter().find(|member| member.id == *instance).ok_or_else(|| unknown(instance, config, &members))?;
            exactly_one(endpoint(found)?, &resolve_patiently(endpoint(found)?, aws).await?)?
        }
    };
    Ok(target(ip, config))
}

/// The target at `ip`, with the configured port and zone.
pub fn target(ip: IpAddr, config: &Config) -> Target {
    Target { id: ip.to_string(), port: config.port, zone: config.zone.clone() }
}

/// The one address of an instance's endpoint, by one lookup.
///
/// # Errors
/// No endpoint yet, no address, or more than one.
pub async fn endpoint_address(instance: &Instance, aws: &Aws) -> Result<IpAddr, Error> {
    let host = endpoint(instance)?;
    exactly_one(host, &aws.resolve(host).await?)
}

fn endpoint(instance: &Instance) -> Result<&str, Error> {
    instance.host.as_deref().ok_or_else(|| Error::AddressUnresolved(format!("{} has no endpoint yet", instance.id)))
}

/// A lookup that fails is tried again, as a call to AWS is: by the retry a minute later a fresh event is late. Whatever the
/// resolver calls the failure: while a record is changed, some say that there is no such name.
async fn resolve_patiently(host: &str, aws: &Aws) -> Result<Vec<IpAddr>, Error> {
    let give_up = aws.deadline().min(Instant::now() + LOOKUPS);
    loop {
        match aws.resolve(host).await {
            Err(Error::AddressUnresolved(_)) if Instant::now() + NEXT_LOOKUP < give_up => sleep(NEXT_LOOKUP).await,
            answer => return answer,
        }
    }
}

fn exactly_one(host: &str, addresses: &[IpAddr]) -> Result<IpAddr, Error> {
    match addresses {
        [ip] => Ok(*ip),
        [] => Err(Error::AddressUnresolved(format!("{host} has no address"))),
        several => {
            let several: Vec<_> = several.iter().map(IpAddr::to_string).collect();
            Err(Error::AddressUnresolved(format!(
                "{host} has {} addresses ({}); put the right one into IP_DICT",
                several.len(),
                several.join(", ")
            )))
        }
    }
}

fn unknown(instance: &InstanceId, config: &Config, members: &[Instance]) -> Error {
    let mut known: Vec<_> =
        config.ip_dict.keys().chain(members.iter().map(|member| &member.id)).map(InstanceId::to_string).collect();
    known.sort();
    known.dedup();
    Error::UnknownInstance { instance: instance.to_string(), known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_have_exactly_one_address() {
        let (a, b): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        assert_eq!(exactly_one("db.example", &[a]), Ok(a));
        assert_eq!(exactly_one("db.example", &[]).unwrap_err().to_string(), "db.example has no address");
        let two = exactly_one("db.example", &[a, b]).unwrap_err();
        assert_eq!(two.name(), "AddressUnresolved");
        assert_eq!(two.to_string(), "db.example has 2 addresses (10.0.0.1, 2001:db8::1); put the right one into IP_DICT");
    }
}
