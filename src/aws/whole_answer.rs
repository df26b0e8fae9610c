//! Refuses an answer that is not whole, in every call of both services.

use aws_sdk_elasticloadbalancingv2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_elasticloadbalancingv2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

/// Fails closed: an answer must begin and end with its action's own `…Response` element (rule 4).
///
/// The SDK does not check. It takes any HTTP 200 for a registration, since that answer carries no data, and a truncated list for a
/// complete one. So after a proxy's error page with status 200 the old target would be deregistered, with nothing in its place.
#[derive(Debug)]
pub(super) struct WholeAnswer;

impl Intercept for WholeAnswer {
    fn name(&self) -> &'static str {
        "WholeAnswer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // Other failures stay as they are: the SDK retries a dropped connection, but not an answer that is refused here.
        if context.output_or_error().is_err() {
            return Ok(());
        }
        let action = settings.load::<Metadata>().ok_or("the call has no name")?.name();
        let body = String::from_utf8_lossy(context.response().body().bytes().unwrap_or_default());
        if is_whole(&body, action) { Ok(()) } else { Err(format!("not a whole {action}Response").into()) }
    }
}

/// Whether an XML text begins and ends with the element `{action}Response`.
fn is_whole(xml: &str, action: &str) -> bool {
    let Some(start) = xml.split('<').find(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic())) else { return false };
    let name = start.split(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    let end = xml.trim_end().rsplit('<').next().unwrap_or_default();
    let is_closed = end == format!("/{name}>") || (end == start.trim_end() && end.ends_with("/>"));
    is_closed && name.strip_suffix("Response") == Some(action)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_if_it_begins_and_ends_with_its_actions_response() {
        let table = [
            ("<RegisterTargetsResponse xmlns=\"x\"><RegisterTargetsResult/></RegisterTargetsResponse>\n", true),
            ("<?xml version=\"1.0\"?>\n<RegisterTargetsResponse/>\n", true),
            ("", false),
            ("Welcome", false),
            ("<html><body>Welcome</body></html>", false),
            ("<RegisterTargetsResponse>", false),
            ("<RegisterTargetsResponse><BResponse></BResponse>", false),
            ("<RegisterTargetsResponse><RegisterTargetsResult/></RegisterTargetsRes", false),
            ("<DeregisterTargetsResponse><DeregisterTargetsResult/></DeregisterTargetsResponse>", false),
            ("<SomeResponse/>", false),
            ("<ErrorResponse><Error/></ErrorResponse>", false),
        ];
        for (xml, whole) in table {
            assert_eq!(is_whole(xml, "RegisterTargets"), whole, "{xml}");
        }
    }
}
