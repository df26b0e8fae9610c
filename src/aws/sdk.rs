//! Sets up the AWS SDK: TLS, attempts, time limits.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, ConfigLoader, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_elasticloadbalancingv2::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_elasticloadbalancingv2::config::{HttpClient, SharedHttpClient};
use aws_smithy_http_client::{Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};

/// One attempt that has no answer after this is given up and made again: a lost packet must not cost the whole
/// invocation.
const ATTEMPT: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(2);
/// More attempts than any invocation has time for: the deadline bounds them, not the SDK's default of three.
const ATTEMPTS: u32 = 1_000;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// The HTTP client: one pool of connections for all services, with TLS by ring, and the system's trust anchors (or those of
/// `SSL_CERT_FILE` and `SSL_CERT_DIR`). Calls of https endpoints go through `proxy`, if there is one.
///
/// The SDK's own would prepare the system's 140 trust anchors once for each service, and once more in the first call, which
/// has a fraction of a CPU on Lambda. This client prepares them here, once.
pub fn https(proxy: Option<ProxyConfig>) -> SharedHttpClient {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let connect = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
    let mut pool = Connector::builder().tls_provider(ring).connector_settings(connect);
    pool.set_proxy_config(proxy);
    let pool = SharedHttpConnector::new(pool.build());
    http_client_fn(move |_, _| pool.clone())
}

/// Whether `SSL_CERT_FILE`, if it is set, names a file with a certificate. One that has none leaves the client without any trust
/// anchor: every call would fail, and only once an event comes.
///
/// # Errors
/// One line that names the variable, the value and what was expected.
pub fn check_certificates(variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    let Some(file) = variable("SSL_CERT_FILE") else { return Ok(()) };
    let holds_one = std::fs::read(&file).is_ok_and(|text| text.windows(BEGIN.len()).any(|window| window == BEGIN));
    let shown = file.replace(char::is_control, " ");
    let refusal = || format!("SSL_CERT_FILE=\"{shown}\": expected a readable file of PEM certificates, or unset");
    if holds_one { Ok(()) } else { Err(refusal()) }
}

/// The SDK's settings that this function depends on; region, credentials and endpoint come from the environment as
/// usual.
pub fn settings(http: impl HttpClient + 'static) -> ConfigLoader {
    let retries =
        RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(FIRST_BACKOFF).with_max_backoff(LONGEST_BACKOFF);
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build();
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).retry_config(retries).timeout_config(timeouts);
    if credentials_are_in_the_environment() {
        loader.credentials_provider(EnvironmentVariableCredentialsProvider::new())
    } else {
        loader
    }
}

/// They are in Lambda. The SDK too would look there first, but only after it has made clients for all the other sources, such
/// as STS; only where the environment has none are those made.
fn credentials_are_in_the_environment() -> bool {
    let is_set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY")
}

/// Retries as long as the deadline allows. By default the SDK takes them from a retry quota of 500 tokens that lasts as
/// long as the process: after an outage, a warm function would not retry at all.
pub(crate) fn retries_without_end() -> RetryPartition {
    RetryPartition::custom("bounded-by-the-deadline").token_bucket(TokenBucket::unlimited()).build()
}
