//! Records how the last attempt of one call failed, which explains why a call that the SDK kept retrying ran out of time.

use std::sync::{Arc, Mutex};

use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_elasticloadbalancingv2::config::{ConfigBag, Intercept, RuntimeComponents};

use crate::error::one_line;

/// Follows one call through its attempts.
#[derive(Clone, Debug, Default)]
pub(super) struct LastFailure(Arc<Mutex<Option<String>>>);

impl LastFailure {
    /// How the last attempt failed, in a few words; `None` if no attempt has failed.
    pub(super) fn words(&self) -> Option<String> {
        self.0.lock().ok()?.clone()
    }
}

impl Intercept for LastFailure {
    fn name(&self) -> &'static str {
        "LastFailure"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if let Some(Err(error)) = context.output_or_error() {
            // If an HTTP 200 broke off, report how it broke off: its status explains nothing.
            let refused = context.response().filter(|answer| !answer.status().is_success());
            let how = refused.map_or_else(|| format!("no answer ({})", root_cause(error)), status_and_code);
            tracing::debug!(reason = how, "an attempt failed");
            *self.0.lock().map_err(|_| "poisoned")? = Some(how);
        }
        Ok(())
    }
}

/// `HTTP 503 ServiceUnavailable`
fn status_and_code(answer: &HttpResponse) -> String {
    let body = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(code, _)| code);
    one_line(&format!("HTTP {} {code}", answer.status().as_u16()))
}

/// The two innermost causes, on one line. The last alone can be as little as "timed out", and the outer ones say no more than
/// "dispatch failure" and "client error".
pub(super) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes: Vec<_> = std::iter::successors(Some(error), |cause| cause.source()).map(ToString::to_string).collect();
    one_line(&causes.split_off(causes.len().saturating_sub(2)).join(": "))
}
