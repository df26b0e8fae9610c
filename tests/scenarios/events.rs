//! Every file of events/, as a user invokes with it. A file that no row expects fails, and so does a row without its
//! file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::sns::SnsEvent;
use serde_json::Value;

use crate::standin::Standin;
use crate::support::*;

/// File; what comes of it without RDS; what comes of it with RDS, where its fixed time makes it late. The group holds
/// aurora-1, RDS shows aurora-2.
const TABLE: &[(&str, &str, &str)] = &[
    ("started-cross-az", "switched aurora-2 event", "switched aurora-2 rds"),
    ("started-same-az", "switched aurora-3 event", "switched aurora-2 rds"),
    ("completed", "switched aurora-2 event", "switched aurora-2 rds"),
    ("completed-customer-initiated", "switched aurora-2 event", "switched aurora-2 rds"),
    ("completed-rds-initiated", "switched aurora-2 event", "switched aurora-2 rds"),
    ("promoting-previous-primary", "unchanged aurora-1 event", "switched aurora-2 rds"),
    ("failed", "ClusterIdRequired", "switched aurora-2 rds"),
    ("old-format", "switched aurora-2 event", "switched aurora-2 rds"),
    ("late", "switched aurora-2 event", "switched aurora-2 rds"),
    ("duplicate-records", "switched aurora-2 event", "switched aurora-2 rds"),
    ("out-of-order-records", "switched aurora-2 event", "switched aurora-2 rds"),
    ("eventbridge-started", "switched aurora-2 event", "switched aurora-2 rds"),
    ("eventbridge-completed", "switched aurora-2 event", "switched aurora-2 rds"),
    ("eventbridge-scheduled", "ClusterIdRequired", "switched aurora-2 rds"),
    ("scheduler-scheduled", "ClusterIdRequired", "switched aurora-2 rds"),
    ("reconcile", "ClusterIdRequired", "switched aurora-2 rds"),
    ("reconcile-dry-run", "ClusterIdRequired", "planned aurora-2 rds"),
    ("check", "ClusterIdRequired", "checked aurora-2"),
    ("unknown-instance", "UnknownInstance", "switched aurora-2 rds"),
    ("malformed-message", "MalformedEvent", "switched aurora-2 rds"),
    ("subscription-notice", "ignored", "ignored"),
    ("other-event", "ignored", "ignored"),
    ("other-cluster", "UnknownInstance", "ignored"),
    ("not-rds-json", "UnrecognizedEvent", "UnrecognizedEvent"),
    ("unrecognized", "UnrecognizedEvent", "UnrecognizedEvent"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("events")
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

async fn outcome(variables: &[(&str, &str)], payload: &Value) -> String {
    let standin = Standin::new().rds_shows(&[("available", "aurora-2")]);
    let a_year_later = now() + chrono::TimeDelta::days(365);
    match invoke_at(a_year_later, Duration::from_secs(30), &standin, variables, payload).await {
        Ok(answer) => {
            let word = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            [word("outcome"), word("writer"), word("evidence")].join(" ").trim_end().to_owned()
        }
        Err(error) => error.name().to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn each_file_does_what_its_row_says() {
    let mut files: BTreeSet<_> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(files.remove("README.md"));
    let rows: BTreeSet<_> = TABLE.iter().map(|(name, ..)| format!("{name}.json")).collect();
    assert_eq!(files, rows);
    for (name, without_rds, with_rds) in TABLE {
        assert_eq!(outcome(WITHOUT_RDS, &read(name)).await, *without_rds, "{name} without DB_CLUSTER_ID");
        assert_eq!(outcome(WITH_RDS, &read(name)).await, *with_rds, "{name} with DB_CLUSTER_ID");
    }
}

#[test]
fn the_page_beside_the_files_says_what_each_is() {
    let page = std::fs::read_to_string(folder().join("README.md")).unwrap();
    for (name, ..) in TABLE {
        assert!(page.contains(&format!("\n| `{name}` | ")), "events/README.md says nothing of {name}");
    }
}

/// The files are shaped as Lambda's own library knows the events.
#[test]
fn each_file_is_whole() {
    for (name, ..) in TABLE {
        let payload = read(name);
        if payload.get("source").is_some() {
            serde_json::from_value::<EventBridgeEvent>(payload).unwrap();
        } else if payload.get("Records").is_some() && *name != "unrecognized" {
            serde_json::from_value::<SnsEvent>(payload).unwrap();
        }
    }
}
