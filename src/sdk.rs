//! How the AWS SDK is set up: TLS, attempts, time limits, and what it must not take for success.

use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_elasticloadbalancingv2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_elasticloadbalancingv2::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_elasticloadbalancingv2::config::{ConfigBag, HttpClient, Intercept, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::tls;

/// One attempt that has no answer after this is given up and made again: a lost packet must not cost the whole
/// invocation.
const ATTEMPT: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(2);
/// More attempts than the SDK's three: the deadline bounds them.
const ATTEMPTS: u32 = 10;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// The HTTP client, with TLS by ring and the trust anchors of the system.
pub fn https() -> SharedHttpClient {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    aws_smithy_http_client::Builder::new().tls_provider(ring).build_https()
}

/// The SDK's settings that this function depends on; region, credentials and endpoint come from the environment as
/// usual.
pub fn settings(http: impl HttpClient + 'static) -> ConfigLoader {
    let retries =
        RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF).with_max_backoff(LONGEST_BACKOFF);
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
    aws_config::defaults(BehaviorVersion::latest()).http_client(http).retry_config(retries).timeout_config(timeouts)
}

/// Retries as long as the deadline allows. The SDK would pay for them from a purse of 500 tokens that lasts as long as
/// the process: after an outage, a warm function would not retry at all.
pub(crate) fn retries_without_end() -> RetryPartition {
    RetryPartition::custom("bounded-by-the-deadline").token_bucket(TokenBucket::unlimited()).build()
}

/// Holds that the answer to a write is the one that the service gives. The SDK does not look: those answers carry no
/// data, so it would take a proxy's cheerful error page for a registration, and the old target would be deregistered
/// with nothing in its place.
#[derive(Debug)]
pub(crate) struct Confirmed(pub(crate) &'static str);

impl Intercept for Confirmed {
    fn name(&self) -> &'static str {
        self.0
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let answer = context.response();
        let text = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
        if answer.status().is_success() && !text.contains(self.0) {
            return Err(format!("no {} in it", self.0).into());
        }
        Ok(())
    }
}
