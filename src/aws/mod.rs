//! Calls AWS and DNS: takes SDK types, returns our own plain data. Every call ends before the deadline.

pub mod dns;
mod elb;
mod last_failure;
pub mod proxy;
mod rds;
pub mod sdk;
mod whole_answer;

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, one_line};
use dns::{Dns, SystemDns};
pub use elb::TargetGroup;
use last_failure::{LastFailure, root_cause};
use whole_answer::WholeAnswer;

/// The services and the one target group, made once a process. A call needs a deadline as well: see [`Clients::until`].
#[derive(Clone, Debug)]
pub struct Clients {
    elb: aws_sdk_elasticloadbalancingv2::Client,
    rds: aws_sdk_rds::Client,
    dns: Arc<dyn Dns>,
    target_group_arn: String,
}

impl Clients {
    /// Clients for one target group. Every call of both services refuses an answer that is not whole.
    pub fn new(sdk: &SdkConfig, target_group_arn: &str) -> Clients {
        let retries = sdk::retries_without_end();
        let elb = aws_sdk_elasticloadbalancingv2::config::Builder::from(sdk);
        let elb = elb.retry_partition(retries.clone()).interceptor(WholeAnswer).build();
        let rds = aws_sdk_rds::config::Builder::from(sdk).retry_partition(retries).interceptor(WholeAnswer).build();
        Clients {
            elb: aws_sdk_elasticloadbalancingv2::Client::from_conf(elb),
            rds: aws_sdk_rds::Client::from_conf(rds),
            dns: Arc::new(SystemDns),
            target_group_arn: target_group_arn.to_owned(),
        }
    }

    /// The same, with another resolver than the system's.
    #[must_use]
    pub fn with_dns(self, dns: impl Dns + 'static) -> Clients {
        Clients { dns: Arc::new(dns), ..self }
    }

    /// The calls, each of which ends by `deadline`.
    pub fn until(&self, deadline: Instant) -> Aws {
        Aws { clients: self.clone(), deadline }
    }
}

/// The calls of one invocation, bounded by its deadline. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aws {
    clients: Clients,
    deadline: Instant,
}

impl Aws {
    /// The same calls, bounded by `deadline` if that comes sooner.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Aws {
        Aws { deadline: self.deadline.min(deadline), ..self.clone() }
    }

    /// When every call ends at the latest.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The addresses of a DNS name, sorted, each once. Addresses that DNS64 made up are dropped.
    ///
    /// # Errors
    /// [`Error::AddressUnresolved`] if the lookup fails, [`Error::DeadlineExceeded`] if it does not end in time.
    pub async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let lookup = timeout_at(self.deadline, self.clients.dns.lookup(host)).await;
        let found = lookup.map_err(|_| Error::DeadlineExceeded(format!("waiting for the DNS answer for {host}")))?;
        let found = found.map_err(|error| Error::AddressUnresolved(format!("{host} does not resolve: {error}")))?;
        let mut addresses: Vec<_> = found.into_iter().map(|ip| ip.to_canonical()).filter(|ip| !is_made_by_dns64(*ip)).collect();
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }

    async fn call<T, E, F>(&self, action: &'static str, call: impl FnOnce(LastFailure) -> F) -> Result<T, Error>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let last_failure = LastFailure::default();
        let Ok(answer) = timeout_at(self.deadline, call(last_failure.clone())).await else {
            let last = last_failure.words().map_or_else(String::new, |words| format!("; its last attempt: {words}"));
            return Err(Error::DeadlineExceeded(format!("waiting for {action}{last}")));
        };
        answer.map_err(|error| failed(action, &error))
    }
}

/// Whether it is in 64:ff9b::/96 (RFC 6052), where a DNS64 resolver embeds IPv4 addresses for clients that only have IPv6. It is not
/// an address of the instance.
fn is_made_by_dns64(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.segments().starts_with(&[0x64, 0xff9b, 0, 0, 0, 0]))
}

/// The service's own code and message; the SDK's full text would hold the raw HTTP response.
fn failed<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match error {
        SdkError::ServiceError(answer) if !answer.raw().status().is_success() => Error::AwsCallFailed {
            action,
            code: answer.err().code().unwrap_or("an error without a code").to_owned(),
            message: one_line(answer.err().message().unwrap_or_default()),
        },
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => unreadable(action, "not the XML that the service promises"),
        // Such as a request that could not be made without credentials.
        unanswered => Error::AwsCallFailed { action, code: "NoAnswer".to_owned(), message: root_cause(unanswered) },
    }
}

fn unreadable(action: &'static str, what: &str) -> Error {
    Error::UnreadableAnswer { action, what: one_line(what) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::BehaviorVersion;

    #[derive(Debug)]
    struct Fixed(&'static str);

    impl Dns for Fixed {
        fn lookup<'a>(&'a self, _: &'a str) -> dns::Lookup<'a> {
            Box::pin(async { Ok(self.0.split_whitespace().map(|ip| ip.parse().unwrap()).collect()) })
        }
    }

    #[tokio::test]
    async fn a_lookup_returns_each_real_address_once() {
        // What the resolver answers, what is left of it.
        let table = [
            ("10.0.2.22", "10.0.2.22"),
            ("10.0.2.22 ::ffff:10.0.2.22 10.0.1.11", "10.0.1.11 10.0.2.22"),
            ("64:ff9b::10.0.2.22 10.0.2.22", "10.0.2.22"),
            ("10.0.2.22 64:ff9b::10.0.2.22 2001:db8::22", "10.0.2.22 2001:db8::22"),
            ("64:ff9b:: 64:ff9b::255.255.255.255", ""),
            // Just outside of 64:ff9b::/96.
            ("64:ff9b::1:0:0 64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff 64:ff9b::1:0:0"),
        ];
        let sdk = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        for (answer, expected) in table {
            let aws = Clients::new(&sdk, "").with_dns(Fixed(answer)).until(Instant::now() + std::time::Duration::from_secs(1));
            let found: Vec<_> = aws.resolve("db.example").await.unwrap().iter().map(IpAddr::to_string).collect();
            assert_eq!(found.join(" "), expected, "{answer}");
        }
    }
}
