//! How the AWS SDK is set up: TLS, attempts, time limits, and what it must not take for success.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, ConfigLoader, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::config::interceptors::{
    AfterDeserializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_elasticloadbalancingv2::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_elasticloadbalancingv2::config::{ConfigBag, HttpClient, Intercept, RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{self, TlsContext};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};

use crate::error::one_line;

/// One attempt that has no answer after this is given up and made again: a lost packet must not cost the whole
/// invocation.
const ATTEMPT: Duration = Duration::from_secs(4);
const CONNECT: Duration = Duration::from_secs(2);
/// More than any invocation has time for: the deadline bounds them, not the SDK's three.
const ATTEMPTS: u32 = 1_000;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// The HTTP client, with the trust anchors of the system.
pub fn https() -> SharedHttpClient {
    https_with(TlsContext::default())
}

/// The HTTP client, one pool of connections for all services, with TLS by ring.
///
/// The SDK's own would prepare the system's 140 trust anchors once for each service, and once more in the first call, which
/// Lambda gives a fraction of a CPU. This one does so here, once.
pub fn https_with(trust: TlsContext) -> SharedHttpClient {
    let ring = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    let connect = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
    let pool = Connector::builder().tls_provider(ring).tls_context(trust).connector_settings(connect).build();
    let pool = SharedHttpConnector::new(pool);
    http_client_fn(move |_, _| pool.clone())
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

/// As in Lambda. The SDK would look there first too, but only after it has made clients for all the other sources, such as
/// STS; those are left to whoever runs the function elsewhere.
fn credentials_are_in_the_environment() -> bool {
    let is_set = |name| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
    is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY")
}

/// Retries as long as the deadline allows. The SDK would pay for them from a purse of 500 tokens that lasts as long as
/// the process: after an outage, a warm function would not retry at all.
pub(crate) fn retries_without_end() -> RetryPartition {
    RetryPartition::custom("bounded-by-the-deadline").token_bucket(TokenBucket::unlimited()).build()
}

/// Follows one call through its attempts, and remembers how the last failed.
///
/// It also holds that an answer is whole: it must end with the element that it begins with, the service's own
/// `…Response`. The SDK does not look. It takes any HTTP 200 for a registration, since that answer carries no data,
/// and a list that is cut off for one that ends there: a proxy's cheerful error page would have the old target
/// deregistered with nothing in its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts(Arc<Mutex<Option<String>>>);

impl Attempts {
    /// How the last attempt failed, in a few words; empty if none has.
    pub(crate) fn last_failure(&self) -> String {
        self.0.lock().map(|last| last.clone().unwrap_or_default()).unwrap_or_default()
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "Attempts"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // A failure stays what it is: one that came of a dropped connection is tried again, one that is not whole is not.
        let is_taken = context.output_or_error().is_ok();
        if is_taken && !is_whole(&body(context.response())) { Err("the answer is not whole".into()) } else { Ok(()) }
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if let Some(Err(error)) = context.output_or_error() {
            // After an HTTP 200 that broke off, what matters is how.
            let refused = context.response().filter(|answer| !answer.status().is_success());
            let how = refused.map_or_else(|| format!("no answer ({})", root_cause(error)), failure);
            tracing::debug!(reason = how, "an attempt failed");
            *self.0.lock().map_err(|_| "poisoned")? = Some(how);
        }
        Ok(())
    }
}

fn body(answer: &HttpResponse) -> String {
    String::from_utf8_lossy(answer.body().bytes().unwrap_or_default()).into_owned()
}

/// `HTTP 503 ServiceUnavailable`
fn failure(answer: &HttpResponse) -> String {
    let body = body(answer);
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    one_line(&format!("HTTP {} {code}", answer.status().as_u16()))
}

/// The two innermost causes, on one line: the last alone can be as little as "timed out", and those around them say no
/// more than "dispatch failure" and "client error".
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes: Vec<_> = std::iter::successors(Some(error), |cause| cause.source()).map(ToString::to_string).collect();
    one_line(&causes.split_off(causes.len().saturating_sub(2)).join(": "))
}

/// Whether an XML text ends with the element that it begins with, and that is an answer.
fn is_whole(xml: &str) -> bool {
    let Some(start) = xml.split('<').find(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic())) else { return false };
    let name = start.split(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    let end = xml.trim_end().rsplit('<').next().unwrap_or_default();
    let closed = end == format!("/{name}>") || (end == start.trim_end() && end.ends_with("/>"));
    closed && name.ends_with("Response") && !name.eq("ErrorResponse")
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_if_it_ends_with_the_element_that_it_begins_with() {
        let table = [
            ("<RegisterTargetsResponse xmlns=\"x\"><RegisterTargetsResult/></RegisterTargetsResponse>\n", true),
            ("<?xml version=\"1.0\"?>\n<RegisterTargetsResponse/>\n", true),
            ("", false),
            ("Welcome", false),
            ("<html><body>Welcome</body></html>", false),
            ("<RegisterTargetsResponse>", false),
            ("<AResponse><BResponse></BResponse>", false),
            ("<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>", false),
            ("<DescribeTargetHealthResponse><DescribeTargetHealthResult/></DescribeTargetHealthRes", false),
            ("<ErrorResponse><Error/></ErrorResponse>", false),
        ];
        for (xml, whole) in table {
            assert_eq!(is_whole(xml), whole, "{xml}");
        }
    }
}
