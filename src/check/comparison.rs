//! Compares the map with the DNS of the cluster's instances, in scheduled runs. Changes nothing.

use crate::address::{endpoint, look_up};
use crate::answer::{Finding, Level};
use crate::aws::Aws;
use crate::cluster::{ClusterId, Instance};
use crate::config::Config;
use crate::error::Error;
use crate::ip_dict::{IpDict, Resolved, compare};

/// Logs each difference as an error for an alarm (`finding` = `stale-ip-dict-entry`); a comparison that cannot be made is a
/// warning.
pub async fn report_stale_entries(config: &Config, cluster: &ClusterId, aws: &Aws) {
    if config.ip_dict.is_empty() {
        return;
    }
    let findings = differences(&config.ip_dict, cluster, aws).await.unwrap_or_else(|error| {
        let message = format!("IP_DICT could not be compared with the endpoints of the instances: {error}");
        vec![Finding::warning("ip-dict-not-compared", message)]
    });
    for Finding { level, code, message } in findings {
        match level {
            Level::Error => tracing::error!(finding = code, "{message}"),
            Level::Warning => tracing::warn!(finding = code, "{message}"),
        }
    }
}

async fn differences(map: &IpDict, cluster: &ClusterId, aws: &Aws) -> Result<Vec<Finding>, Error> {
    let mut mapped = aws.instances(cluster).await?;
    mapped.retain(|instance| map.contains_key(&instance.id));
    let resolved = resolve(mapped, aws).await;
    let is_open = |(instance, addresses): &(Instance, Result<Vec<_>, _>)| {
        let differs = |addresses: &Vec<_>| map.get(&instance.id).is_some_and(|entry| !addresses.contains(entry));
        addresses.as_ref().is_ok_and(|addresses| endpoint::has_both_families(addresses) && differs(addresses))
    };
    let ip_address_type = if resolved.iter().any(is_open) { ip_address_type(aws).await } else { None };
    Ok(compare(map, &resolved, ip_address_type.as_deref()))
}

/// If it cannot be read, only the entries that it decides on are not compared.
async fn ip_address_type(aws: &Aws) -> Option<String> {
    let group = aws.target_group().await;
    group.map(|group| group.ip_address_type).inspect_err(|error| tracing::warn!(reason = %error, "no IpAddressType")).ok()
}

/// The addresses of all endpoints, all asked for at once.
pub(super) async fn resolve(instances: Vec<Instance>, aws: &Aws) -> Resolved {
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
