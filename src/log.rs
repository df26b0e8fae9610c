//! Log lines: one JSON object a line where Lambda asks for JSON, plain text elsewhere.

use std::env;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::target::Target;

/// Starts logging as Lambda's logging controls say: `AWS_LAMBDA_LOG_FORMAT` (`JSON`) and `AWS_LAMBDA_LOG_LEVEL`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>).
pub fn start() {
    let level = env::var("AWS_LAMBDA_LOG_LEVEL").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
    if env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json")) {
        lines.event_format(JsonLines).init();
    } else {
        lines.without_time().with_target(false).init();
    }
}

/// Writes the one line of a decision, with the fields of the answer.
pub fn decision(answer: &Map<String, Value>) {
    let text = |key: &str| match answer.get(key)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let (event_age_ms, in_sync) =
        (answer.get("event_age_ms").and_then(Value::as_i64), answer.get("in_sync").and_then(Value::as_bool));
    tracing::info!(
        outcome = text("outcome"),
        cause = text("cause"),
        writer = text("writer"),
        target = text("target"),
        evidence = text("evidence"),
        registered = text("registered"),
        deregistered = text("deregistered"),
        event_age_ms,
        reason = text("reason"),
        in_sync,
        targets = text("targets"),
        findings = text("findings"),
        "decision"
    );
}

/// Targets as the JSON text of a list, the form in which a list reaches a log line.
pub(crate) fn list(targets: &[Target]) -> String {
    let names: Vec<_> = targets.iter().map(|target| Value::from(target.to_string())).collect();
    Value::from(names).to_string()
}

/// One flat JSON object a line, so that a metric filter or a query can name a field without a path: `{ $.outcome =
/// "switched" }`.
#[derive(Debug)]
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        // The runtime's span around an invocation holds its requestId.
        for span in ctx.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str()).unwrap_or_default();
            for (key, value) in fields.split_whitespace().filter_map(|field| field.split_once('=')) {
                line.insert(key.to_owned(), value.trim_matches('"').into());
            }
        }
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    /// A list comes as its JSON text, for `tracing` knows no lists; it becomes one again here.
    fn record_str(&mut self, field: &Field, value: &str) {
        let list = if value.starts_with('[') { serde_json::from_str(value).ok() } else { None };
        self.put(field, list.unwrap_or_else(|| value.into()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
