//! The stand-in as DNS: every endpoint is an IP literal, and resolves to itself.

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
            let address =
                host.parse().map_err(|_| io::Error::other("failed to lookup address information: Name or service not known"))?;
            Ok(vec![address])
        })
    }
}
