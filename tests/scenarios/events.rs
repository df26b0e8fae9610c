//! Every file of events/, as a user invokes with it: events/README.md has a row for each, and the row must be right.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::sns::SnsEvent;
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::standin::events::{file, files};
use crate::support::*;

/// The rows of the page's table: file, what it is, the outcome with `IP_DICT` alone, the outcome with `DB_CLUSTER_ID` too.
fn rows() -> Vec<[String; 4]> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/events/README.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let cells = |row: &str| row.split(" | ").map(|cell| cell.replace('`', "")).collect::<Vec<_>>().try_into();
    rows.map(|row| cells(row).unwrap_or_else(|row| panic!("{row:?}: expected four cells"))).collect()
}

/// As the page says: the group holds aurora-1, RDS shows aurora-2, and the event is a year old.
async fn outcome(variables: Variables<'_>, payload: &Value) -> String {
    let function = function(&Standin::new().rds_shows(SHOWS_B), variables).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut answer = handle(&function, payload, now() + TimeDelta::days(365), deadline).await;
    // What `check` finds wrong with that is in `check.rs`.
    if let Ok(answer) = &mut answer {
        answer["findings"].take();
    }
    summary(&answer)
}

#[tokio::test(start_paused = true)]
async fn each_file_does_what_its_row_says() {
    let mut names: Vec<_> = rows().into_iter().map(|[name, ..]| name).collect();
    names.sort();
    assert_eq!(names, files());
    for [name, _, without_rds, with_rds] in rows() {
        assert_eq!(outcome(WITHOUT_RDS, &file(&name)).await, without_rds, "{name} without DB_CLUSTER_ID");
        assert_eq!(outcome(WITH_RDS, &file(&name)).await, with_rds, "{name} with DB_CLUSTER_ID");
    }
}

/// The files are shaped as Lambda's own library knows the events.
#[test]
fn each_file_is_whole() {
    for name in files() {
        let payload = file(&name);
        if payload.get("source").is_some() {
            serde_json::from_value::<EventBridgeEvent>(payload).unwrap();
        } else if payload.pointer("/Records/0/Sns").is_some() {
            serde_json::from_value::<SnsEvent>(payload).unwrap();
        }
    }
}
