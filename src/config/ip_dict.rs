//! Reads `IP_DICT`, the map of instance IDs and addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::de::{Deserializer, MapAccess, Visitor};

use crate::cluster::InstanceId;

/// The address of each instance that has an entry.
pub type IpDict = BTreeMap<InstanceId, IpAddr>;

/// What `IP_DICT` must look like.
pub(super) const FORM: &str = r#"a JSON object of instance ID to IPv4 or IPv6 address, like {"aurora-1":"10.0.1.11"}"#;

/// Reads the map.
///
/// # Errors
/// What was expected instead.
pub(super) fn parse(value: &str) -> Result<IpDict, String> {
    let Entries(entries) = serde_json::from_str(value).map_err(|error| format!("{FORM} ({error})"))?;
    let (mut dict, mut owners) = (BTreeMap::new(), BTreeMap::new());
    for (name, address) in entries {
        let instance = InstanceId::parse(&name).ok_or_else(|| format!("{FORM}; {name:?} is not a valid instance ID"))?;
        let ip: IpAddr = address.trim().parse().map_err(|_| format!("{FORM}; {address:?} of {name:?} is not an IP address"))?;
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

/// The entries of a JSON object in their order: a plain map would silently keep the last of two with one name.
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
