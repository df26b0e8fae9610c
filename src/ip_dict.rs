//! Reads `IP_DICT`, the map of instance IDs and addresses, and compares it with DNS.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserializer, MapAccess, Visitor};

use crate::address::endpoint::{Unusable, is_public, target_address};
use crate::answer::Finding;
use crate::cluster::{Instance, InstanceId};
use crate::error::Error;

/// The address of each instance that has an entry.
pub type IpDict = BTreeMap<InstanceId, IpAddr>;

/// What `IP_DICT` must look like.
pub(crate) const FORM: &str = r#"a JSON object of instance ID to IPv4 or IPv6 address, like {"aurora-1":"10.0.1.11"}"#;

/// Reads the map; says what was expected where it refuses.
pub(crate) fn parse(value: &str) -> Result<IpDict, String> {
    let Entries(entries) = serde_json::from_str(value).map_err(|error| format!("{FORM} ({error})"))?;
    let (mut dict, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for (name, address) in entries {
        let instance = InstanceId::parse(&name).ok_or_else(|| format!("{FORM}; {name:?} is no instance ID"))?;
        let ip: IpAddr = address.trim().parse().map_err(|_| format!("{FORM}; {address:?} of {name:?} is no IP address"))?;
        let ip = ip.to_canonical();
        if let Some(owner) = owners.insert(ip, instance.clone()) {
            return Err(format!("one address an instance; {owner} and {instance} both have {ip}"));
        }
        if dict.insert(instance, ip).is_some() {
            return Err(format!("one entry an instance; {name:?} is there twice (IDs compare without case)"));
        }
    }
    Ok(dict)
}

/// The entries of a JSON object as they stand: a plain map would silently keep the last of two with one name.
struct Entries(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object of strings")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Each instance's endpoint in DNS: its addresses, or why there are none.
pub(crate) type Resolved = Vec<(Instance, Result<Vec<IpAddr>, Error>)>;

/// The entries of the map that differ from their instance's endpoint, or could not be compared with it. `ip_address_type` is the
/// target group's: where an endpoint has two addresses, it says which of them a wrong entry should have.
pub(crate) fn compare(map: &IpDict, resolved: &Resolved, ip_address_type: Option<&str>) -> Vec<Finding> {
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
                format!("IP_DICT has {mapped} for {id}, its endpoint has {found}: put {found} into IP_DICT, or remove the entry"),
            )),
            Err(Unusable::Public { ip, .. }) => not_compared(&format!(
                "it is publicly accessible, and from here its name resolves to its public address {ip}: make sure that the entry is \
                 its private address; inside the VPC the function can compare it"
            )),
            Err(why @ Unusable::Ambiguous(_)) => unknown(&why.to_string()),
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
        let found = compare(&map, &vec![], None);
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
            let found = compare(&map, &vec![(instance, Ok(addresses.clone()))], ip_address_type);
            let (codes, text): (Vec<_>, Vec<_>) = found.into_iter().map(|finding| (finding.code, finding.message)).unzip();
            assert_eq!(codes.join(" "), code, "{entry}, {addresses:?}: {text:?}");
            assert!(text.join(" ").contains(words), "{entry}, {addresses:?}: {text:?}");
        }
    }
}
