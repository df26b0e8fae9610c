//! Compares the map with the DNS of the cluster's instances. Changes nothing.

use std::net::IpAddr;

use super::finding::Finding;
use crate::address::endpoint::{self, AddressError, is_public, target_address};
use crate::address::{Resolved, resolve};
use crate::aws::Aws;
use crate::cluster::{Database, Instance, InstanceId};
use crate::config::{Config, IpDict};
use crate::error::Error;

/// Logs each stale entry as an error for an alarm (`finding` = `stale-ip-dict-entry`), and an entry that could not be compared as a
/// warning.
pub async fn report_stale_entries(config: &Config, cluster: &Database, aws: &Aws) {
    if config.ip_dict.is_empty() {
        return;
    }
    let findings = find_stale_entries(&config.ip_dict, cluster, aws).await.unwrap_or_else(|error| {
        let message = format!("IP_DICT could not be compared with the endpoints of the instances: {error}");
        vec![Finding::warning("ip-dict-not-compared", message)]
    });
    findings.iter().for_each(Finding::log);
}

async fn find_stale_entries(map: &IpDict, cluster: &Database, aws: &Aws) -> Result<Vec<Finding>, Error> {
    let mut mapped = aws.describe_instances(cluster).await?;
    mapped.retain(|instance| map.contains_key(&instance.id));
    let resolved = resolve(mapped, aws).await;
    let is_open = |(instance, addresses): &(Instance, Result<Vec<_>, _>)| {
        let differs = |addresses: &Vec<_>| map.get(&instance.id).is_some_and(|entry| !addresses.contains(entry));
        addresses.as_ref().is_ok_and(|addresses| endpoint::has_both_families(addresses) && differs(addresses))
    };
    let ip_address_type = if resolved.iter().any(is_open) { ip_address_type(aws).await } else { None };
    Ok(stale_entries(map, &resolved, ip_address_type.as_deref()))
}

/// If it cannot be read, only the entries that depend on it are not compared.
async fn ip_address_type(aws: &Aws) -> Option<String> {
    let group = aws.describe_target_group().await;
    group
        .map(|group| group.ip_address_type)
        .inspect_err(|error| tracing::warn!(reason = %error, "cannot read the target group's IpAddressType"))
        .ok()
}

/// Returns a finding for each entry that differs from its instance's endpoint, or could not be compared with it.
///
/// `ip_address_type` is the target group's: if an endpoint has two addresses, it decides which of them a wrong entry should have.
pub(super) fn stale_entries(map: &IpDict, resolved: &Resolved, ip_address_type: Option<&str>) -> Vec<Finding> {
    let finding = |(id, mapped): (&InstanceId, &IpAddr)| {
        let not_compared = |why: &str| {
            let message = format!("IP_DICT has {mapped} for {id}, which could not be compared with its endpoint: {why}");
            Some(Finding::warning("ip-dict-not-compared", message))
        };
        let unknown =
            |why: &str| not_compared(&format!("{why}; make sure that the entry is right, the next scheduled run tries again"));
        let Some((instance, addresses)) = resolved.iter().find(|(instance, _)| instance.id == *id) else {
            return unknown("RDS shows no such instance in the cluster");
        };
        let addresses = match addresses {
            Ok(addresses) if addresses.contains(mapped) && !is_public(instance, *mapped) => return None,
            Ok(addresses) => addresses,
            Err(why) => return unknown(&why.to_string()),
        };
        match target_address(instance, addresses, ip_address_type) {
            Ok(found) => Some(Finding::error(
                "stale-ip-dict-entry",
                format!(
                    "IP_DICT has {mapped} for {id}, but its endpoint has {found}: put {found} into IP_DICT, or remove the entry"
                ),
            )),
            Err(AddressError::Public { ip, .. }) => not_compared(&format!(
                "it is publicly accessible, and from here its name resolves to its public address {ip}: make sure that the entry is \
                 its private address; inside the VPC the function can compare it"
            )),
            Err(why @ AddressError::Ambiguous { .. }) => unknown(&why.to_string()),
        }
    };
    map.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_whose_instance_rds_does_not_show_could_not_be_compared() {
        let map = IpDict::from([(InstanceId::parse("aurora-2").unwrap(), "10.0.2.22".parse().unwrap())]);
        let found = stale_entries(&map, &vec![], None);
        let [Finding { code: "ip-dict-not-compared", message, .. }] = found.as_slice() else { panic!("{found:?}") };
        assert!(
            message.contains("RDS shows no such instance") && message.contains("make sure that the entry is right"),
            "{message}"
        );
    }

    #[test]
    fn an_entry_is_stale_only_if_it_could_be_compared_and_is_none_of_the_addresses() {
        // The entry, the endpoint's addresses, whether the instance is publicly accessible, the group's type; the finding, and words of it.
        let table = [
            ("10.0.2.22", "10.0.2.22", false, None, "", ""),
            ("10.0.2.22", "10.0.2.99", false, None, "stale-ip-dict-entry", "put 10.0.2.99 into IP_DICT"),
            ("10.0.2.22", "10.0.2.22", true, None, "", ""),
            ("10.0.2.22", "10.0.2.99", true, None, "stale-ip-dict-entry", "put 10.0.2.99 into IP_DICT"),
            ("10.0.2.22", "54.72.1.2", false, None, "stale-ip-dict-entry", "put 54.72.1.2 into IP_DICT"),
            ("10.0.2.22", "54.72.1.2", true, None, "ip-dict-not-compared", "public address 54.72.1.2"),
            // The balancer would refuse it.
            ("54.72.1.2", "54.72.1.2", true, None, "ip-dict-not-compared", "make sure that the entry is its private address"),
            ("54.72.1.2", "54.72.1.2", false, None, "", ""),
            ("10.0.2.22", "10.0.2.22 2001:db8::22", false, None, "", ""),
            ("2001:db8::22", "10.0.2.22 2001:db8::22", false, None, "", ""),
            ("10.0.2.22", "10.0.2.99 2001:db8::22", false, Some("ipv4"), "stale-ip-dict-entry", "put 10.0.2.99 into IP_DICT"),
            ("10.0.2.22", "10.0.2.99 2001:db8::22", false, Some("ipv6"), "stale-ip-dict-entry", "put 2001:db8::22 into IP_DICT"),
            ("10.0.2.22", "54.72.1.2 2001:db8::22", true, Some("ipv4"), "ip-dict-not-compared", "54.72.1.2"),
            ("2001:db8::22", "54.72.1.2 2001:db8::22", true, Some("ipv6"), "", ""),
            ("10.0.2.22", "10.0.2.22 10.0.2.23", false, None, "", ""),
            ("10.0.2.22", "10.0.2.23 10.0.2.24", false, None, "ip-dict-not-compared", "2 addresses (10.0.2.23, 10.0.2.24)"),
            ("10.0.2.22", "", false, None, "ip-dict-not-compared", "no address"),
        ];
        for (entry, addresses, is_publicly_accessible, ip_address_type, code, words) in table {
            let id = InstanceId::parse("aurora-2").unwrap();
            let map = IpDict::from([(id.clone(), entry.parse().unwrap())]);
            let addresses: Vec<IpAddr> = addresses.split_whitespace().map(|ip| ip.parse().unwrap()).collect();
            let instance = Instance { id, host: Some("db.example".to_owned()), is_publicly_accessible };
            let found = stale_entries(&map, &vec![(instance, Ok(addresses.clone()))], ip_address_type);
            let (codes, text): (Vec<_>, Vec<_>) = found.into_iter().map(|finding| (finding.code, finding.message)).unzip();
            assert_eq!(codes.join(" "), code, "{entry}, {addresses:?}: {text:?}");
            assert!(text.join(" ").contains(words), "{entry}, {addresses:?}: {text:?}");
        }
    }
}
