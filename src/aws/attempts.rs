//! Follows the attempts of one call, and refuses what must not count as an answer.

use std::sync::{Arc, Mutex};

use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::config::interceptors::{
    AfterDeserializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_elasticloadbalancingv2::config::{ConfigBag, Intercept, RuntimeComponents};

use crate::error::one_line;

/// Follows one call through its attempts, and remembers how the last failed.
///
/// It also refuses an answer that is not whole: it must end with the element that it begins with, the service's own
/// `…Response`. The SDK does not look. It takes any HTTP 200 for a registration, since that answer carries no data, and a
/// list that is cut off for one that ends there. So after a proxy's error page with status 200 the old target would be
/// deregistered, with nothing in its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts(Arc<Mutex<Option<String>>>);

impl Attempts {
    /// How the last attempt failed, in a few words; empty if none has.
    pub(super) fn last_failure(&self) -> String {
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
        // A failure of another kind is left as it is: the SDK retries a dropped connection, but not an answer refused here.
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
            // Of an HTTP 200 that broke off, the status says nothing: how it broke off does.
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
pub(super) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
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
