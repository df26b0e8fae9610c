//! Writes log lines: one JSON object a line where Lambda asks for JSON, plain text elsewhere.

use std::env;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging as Lambda's logging controls say: `AWS_LAMBDA_LOG_FORMAT` (`JSON`) and `AWS_LAMBDA_LOG_LEVEL`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html>).
pub fn start() {
    let level = match env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_default().to_ascii_uppercase().as_str() {
        "" => LevelFilter::INFO,
        // Lambda's highest level, which `tracing` does not have.
        "FATAL" => LevelFilter::ERROR,
        level => level.parse().unwrap_or(LevelFilter::INFO),
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
    if is_json() {
        lines.event_format(JsonLines).init();
    } else {
        lines.without_time().with_target(false).init();
    }
}

/// Whether Lambda asks for JSON.
pub fn is_json() -> bool {
    env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json"))
}

/// The field whose value is a JSON object; its members become fields of the line.
const MERGED: &str = "fields";

/// Writes a line with the members of `fields`, which must serialise to an object: `tracing` itself knows neither lists nor
/// fields that are named at run time.
pub(crate) fn info(message: &str, fields: &impl Serialize) {
    let fields = serde_json::to_string(fields).unwrap_or_default();
    tracing::info!(%fields, "{message}");
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
        // Of the runtime's span around an invocation.
        for span in ctx.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            let fields = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str()).unwrap_or_default();
            if let Some(id) = fields.split_whitespace().find_map(|field| field.strip_prefix("requestId=")) {
                line.insert("requestId".to_owned(), id.trim_matches('"').into());
            }
        }
        event.record(&mut Fields(&mut line));
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// Adds fields to a line; the first of two with one name stays.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.entry(field.name()).or_insert(value);
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        match serde_json::from_str(value) {
            Ok(Value::Object(fields)) if field.name() == MERGED => {
                for (key, value) in fields {
                    self.0.entry(key).or_insert(value);
                }
            }
            _ => self.put(field, value.into()),
        }
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}
