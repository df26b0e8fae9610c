//! Chooses the address of a target among the addresses of an instance's endpoint. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::cluster::Instance;

/// Why an endpoint has no address that a target can have. The text names instance, endpoint and addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// The public address of a publicly accessible instance: a target group refuses it.
    Public { instance: Instance, ip: IpAddr },
    /// No address, several of one family, or one of each while the group's `IpAddressType` is unknown.
    Ambiguous {
        what: String,
        /// The map can say which address is the right one.
        map_helps: bool,
    },
}

impl AddressError {
    /// The text for an instance that no map has: it names no remedy by `IP_DICT`.
    pub(crate) fn without_map(&self) -> String {
        match self {
            AddressError::Public { instance, ip } => {
                format!(
                    "{}: run the function inside the VPC, where the name resolves to its private address",
                    public(instance, *ip)
                )
            }
            AddressError::Ambiguous { what, .. } => what.clone(),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Public { instance, ip } => write!(
                f,
                "{}: put its private address into IP_DICT, or run the function inside the VPC, where the name resolves to that",
                public(instance, *ip)
            ),
            AddressError::Ambiguous { what, map_helps } => {
                write!(f, "{what}{}", if *map_helps { "; put the right one into IP_DICT" } else { "" })
            }
        }
    }
}

fn public(instance: &Instance, ip: IpAddr) -> String {
    let host = host(instance);
    format!(
        "{} is publicly accessible, and {host} resolves to its public address {ip}, which a target group refuses",
        instance.id
    )
}

/// The address to register. `ip_address_type` is the target group's; it matters only if there is one address of each family.
pub(crate) fn target_address(
    instance: &Instance,
    addresses: &[IpAddr],
    ip_address_type: Option<&str>,
) -> Result<IpAddr, AddressError> {
    let ambiguous = |how: &str, map_helps| AddressError::Ambiguous {
        what: format!("{}: {} has {how}", instance.id, host(instance)),
        map_helps,
    };
    let ip = match addresses {
        [] => return Err(ambiguous("no address", false)),
        [ip] => *ip,
        both if has_both_families(both) => {
            let of_group = both.iter().find(|ip| Some(family(**ip)) == ip_address_type);
            *of_group.ok_or_else(|| {
                let type_known = ip_address_type.map_or_else(|| "cannot be read".to_owned(), |known| format!("is {known}"));
                let one_each = format!("one address of each family ({})", list(both));
                ambiguous(&format!("{one_each}, and the target group's IpAddressType {type_known}"), true)
            })?
        }
        several => {
            let how = format!("{} addresses ({}), more than one of one family", several.len(), list(several));
            return Err(ambiguous(&how, true));
        }
    };
    if is_public(instance, ip) { Err(AddressError::Public { instance: instance.clone(), ip }) } else { Ok(ip) }
}

/// Whether there is exactly one address of each family, so that the target group's `IpAddressType` chooses.
pub(crate) fn has_both_families(addresses: &[IpAddr]) -> bool {
    matches!(addresses, [one, other] if one.is_ipv4() != other.is_ipv4())
}

/// As in a target group's `IpAddressType`.
pub(crate) fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ipv4" } else { "ipv6" }
}

/// Whether it is the public address of a publicly accessible instance. Both signs count: a VPC may have a publicly routable range,
/// and inside the VPC the name of a publicly accessible instance resolves to its private address.
pub(crate) fn is_public(instance: &Instance, ip: IpAddr) -> bool {
    instance.is_publicly_accessible && matches!(ip, IpAddr::V4(ip) if is_publicly_routable(ip))
}

/// Whether it is outside the ranges that are reserved for other uses
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>). Addresses for documentation count as public: in examples they
/// stand for public ones.
fn is_publicly_routable(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (64..128).contains(&b); // RFC 6598
    let is_for_protocols = (a, b, c) == (192, 0, 0);
    let is_for_benchmarks = a == 198 && (18..20).contains(&b); // some VPCs have it
    let is_this_network_or_class_d_or_e = a == 0 || a >= 224;
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || is_shared
        || is_for_protocols
        || is_for_benchmarks
        || is_this_network_or_class_d_or_e)
}

fn host(instance: &Instance) -> &str {
    instance.host.as_deref().unwrap_or_default()
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::InstanceId;

    fn instance(is_publicly_accessible: bool) -> Instance {
        let id = InstanceId::parse("aurora-2").unwrap();
        Instance { id, host: Some("db.example".to_owned()), is_publicly_accessible }
    }

    fn parse(addresses: &str) -> Vec<IpAddr> {
        addresses.split_whitespace().map(|ip| ip.parse().unwrap()).collect()
    }

    #[test]
    fn each_cell_of_the_choice_of_an_address() {
        // What DNS gives, the group's IpAddressType, whether the instance is publicly accessible; the address, or words of the refusal.
        let table = [
            ("10.0.2.22", None, false, Ok("10.0.2.22")),
            ("2001:db8::22", None, false, Ok("2001:db8::22")),
            ("2001:db8::22", None, true, Ok("2001:db8::22")),
            ("10.0.2.22", None, true, Ok("10.0.2.22")),
            ("54.72.1.2", None, false, Ok("54.72.1.2")),
            (
                "54.72.1.2",
                None,
                true,
                Err("aurora-2 is publicly accessible, and db.example resolves to its public address 54.72.1.2"),
            ),
            ("", None, false, Err("aurora-2: db.example has no address")),
            ("10.0.2.22 2001:db8::22", Some("ipv4"), false, Ok("10.0.2.22")),
            ("10.0.2.22 2001:db8::22", Some("ipv6"), false, Ok("2001:db8::22")),
            ("54.72.1.2 2001:db8::22", Some("ipv6"), true, Ok("2001:db8::22")),
            ("54.72.1.2 2001:db8::22", Some("ipv4"), true, Err("54.72.1.2, which a target group refuses")),
            ("54.72.1.2 2001:db8::22", Some("ipv4"), false, Ok("54.72.1.2")),
            ("10.0.2.22 2001:db8::22", None, false, Err("IpAddressType cannot be read")),
            ("10.0.2.22 2001:db8::22", Some("new"), false, Err("IpAddressType is new; put the right one into IP_DICT")),
            ("10.0.2.22 10.0.2.23", Some("ipv4"), false, Err("2 addresses (10.0.2.22, 10.0.2.23), more than one of one family")),
            ("2001:db8::1 2001:db8::2", Some("ipv4"), false, Err("2 addresses (2001:db8::1, 2001:db8::2)")),
            ("10.0.2.22 10.0.2.23 2001:db8::2", Some("ipv6"), false, Err("3 addresses")),
        ];
        for (addresses, group, accessible, expected) in table {
            let chosen = target_address(&instance(accessible), &parse(addresses), group);
            match (chosen, expected) {
                (Ok(ip), Ok(expected)) => assert_eq!(ip.to_string(), expected, "{addresses}"),
                (Err(why), Err(words)) => assert!(why.to_string().contains(words), "{addresses}: {why}"),
                (chosen, _) => panic!("{addresses}, {group:?}, {accessible}: {chosen:?}"),
            }
        }
    }

    #[test]
    fn what_is_kept_for_other_uses_is_not_publicly_routable() {
        let edges_inside = "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 100.64.0.0 100.127.255.255 \
                            127.0.0.1 169.254.0.0 169.254.255.255 0.0.0.0 192.0.0.8 198.18.0.0 198.19.255.255 224.0.0.1 240.0.0.1 \
                            255.255.255.255";
        let edges_outside = "9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 100.63.255.255 100.128.0.0 \
                             126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 1.0.0.0 192.0.1.0 198.17.255.255 198.20.0.0 \
                             223.255.255.255 54.72.1.2 203.0.113.7";
        for (addresses, expected) in [(edges_inside, false), (edges_outside, true)] {
            for address in addresses.split_whitespace() {
                assert_eq!(is_publicly_routable(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}
