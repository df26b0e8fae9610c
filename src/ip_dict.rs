//! `IP_DICT`: the map of instance IDs and addresses, and its comparison with DNS.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserializer, MapAccess, Visitor};

use crate::answer::Finding;
use crate::cluster::InstanceId;
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

/// Each instance's endpoint in DNS: its address, or why there is none.
pub(crate) type Resolved = Vec<(InstanceId, Result<IpAddr, Error>)>;

/// The entries of the map that differ from their instance's endpoint, or could not be compared with it.
pub(crate) fn compare(map: &IpDict, resolved: &Resolved) -> Vec<Finding> {
    let of_instance = |instance: &InstanceId| resolved.iter().find(|(id, _)| id == instance).map(|(_, answer)| answer);
    let finding = |(id, mapped): (&InstanceId, &IpAddr)| match of_instance(id)? {
        Ok(found) if found == mapped => None,
        Ok(found) => Some(Finding::error(
            "stale-ip-dict-entry",
            format!("IP_DICT has {mapped} for {id}, its endpoint has {found}: put {found} into IP_DICT, or remove the entry"),
        )),
        Err(why) => Some(Finding::warning(
            "ip-dict-not-compared",
            format!("IP_DICT has {mapped} for {id}, which could not be compared with its endpoint: {why}"),
        )),
    };
    map.iter().filter_map(finding).collect()
}
