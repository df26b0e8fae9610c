//! The stand-in as DNS: it has the names that a test gives it; an IP literal resolves to itself.

use std::io;

use aurora_nlb_failover::aws::dns::{Dns, Lookup};

use super::Standin;

impl Dns for Standin {
    fn lookup<'a>(&'a self, host: &'a str) -> Lookup<'a> {
        Box::pin(async move {
            let mut world = self.world();
            if world.dns_failures > 0 {
                world.dns_failures -= 1;
                return Err(io::Error::other("failed to lookup address information: Temporary failure in name resolution"));
            }
            if let Some((_, addresses)) = world.names.iter().rev().find(|(name, _)| name == host) {
                return Ok(addresses.clone());
            }
            let address =
                host.parse().map_err(|_| io::Error::other("failed to lookup address information: Name or service not known"))?;
            Ok(vec![address])
        })
    }
}
