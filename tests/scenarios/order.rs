//! The order of claims: what is older than a claim that this process has acted on is late.

use serde_json::{Value, json};

use crate::standin::{Fault, Standin};
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn an_event_that_is_older_than_one_acted_on_is_late_however_young_it_is() {
    let standin = Standin::new().rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    let first = invoke_with(&function, &promoting_previous("aurora-1", 0)).await.unwrap();
    assert_eq!(first["evidence"], "event+rds");
    let second = invoke_after(1, &function, &started("aurora-2", 40_000)).await.unwrap();
    assert_eq!((&second["outcome"], &second["evidence"]), (&json!("unchanged"), &json!("rds")));
    assert_eq!(standin.registered(), [A]);
}

/// The order is kept in memory only.
#[tokio::test(start_paused = true)]
async fn a_second_process_knows_of_no_order() {
    let standin = Standin::new().rds_shows(LATE);
    invoke(&standin, WITH_RDS, &promoting_previous("aurora-1", 0)).await.unwrap();
    assert_eq!(invoke(&standin, WITH_RDS, &started("aurora-2", 40_000)).await.unwrap()["outcome"], "switched");
    settle(&standin);
    // Nor of a claim that rule 9 would protect; the state `initial` alone protects it there.
    assert_eq!(invoke(&standin, WITH_RDS, &reconcile()).await.unwrap()["outcome"], "switched");
    assert_eq!(standin.registered(), [A]);
}

#[tokio::test(start_paused = true)]
async fn without_rds_an_event_that_is_late_by_order_is_ignored() {
    let standin = Standin::new();
    let function = function(&standin, WITHOUT_RDS).await;
    invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
    let late = invoke_after(1, &function, &started("aurora-3", 2_001)).await.unwrap();
    assert_eq!((&late["outcome"], &late["event_age_ms"]), (&json!("ignored"), &json!(3_001)));
    assert!(late["reason"].as_str().unwrap().contains("aurora-2"), "{late}");
    let as_good_as_same = invoke_after(1, &function, &started("aurora-3", 2_000)).await.unwrap();
    assert_eq!(as_good_as_same["outcome"], "switched");
}

/// Else a clock that is ahead by half a minute would make every event of that time late.
#[tokio::test(start_paused = true)]
async fn a_time_ahead_of_our_clock_counts_as_now_in_the_order() {
    let standin = Standin::new();
    let function = function(&standin, WITHOUT_RDS).await;
    invoke_with(&function, &started("aurora-2", -30_000)).await.unwrap();
    let next = invoke_after(1, &function, &started("aurora-3", 0)).await.unwrap();
    assert_eq!((&next["outcome"], &next["writer"]), (&json!("switched"), &json!("aurora-3")));
}

#[tokio::test(start_paused = true)]
async fn the_same_event_by_two_ways_is_no_older_one() {
    let standin = Standin::new().rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
    let by_eventbridge = json!({"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": {
        "EventID": "RDS-EVENT-0073", "Message": "Started cross AZ failover to DB instance: aurora-2",
        "SourceArn": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
        "Date": (now() - chrono::TimeDelta::milliseconds(1_500)).to_rfc3339()}});
    let answer = invoke_after(1, &function, &by_eventbridge).await.unwrap();
    assert_eq!((&answer["outcome"], &answer["evidence"]), (&json!("unchanged"), &json!("event")));
}

/// A claim is acted on if its run ended `switched` or `unchanged`, and in no other case.
#[tokio::test(start_paused = true)]
async fn only_a_claim_that_was_acted_on_counts() {
    // What becomes of the newer claim; whether the older one is late afterwards.
    let denied = || vec![("RegisterTargets", Fault::Error(403, "AccessDenied", "no"))];
    let dry: &[_] = &[("DB_CLUSTER_ID", "aurora-prod"), ("DRY_RUN", "true")];
    let of_switch_on: &[_] = &[("DB_CLUSTER_ID", "aurora-prod"), ("SWITCH_ON", "completed")];
    let table: [(&str, &[_], Value, Vec<_>, bool); 6] = [
        ("switched", WITH_RDS, started("aurora-3", 0), vec![], true),
        ("unchanged", WITH_RDS, started("aurora-1", 0), vec![], true),
        ("failed", WITH_RDS, failed(0), vec![], true),
        ("an error", WITH_RDS, started("aurora-3", 0), denied(), false),
        ("planned", dry, started("aurora-3", 0), vec![], false),
        ("ignored", of_switch_on, started("aurora-3", 0), vec![], false),
    ];
    for (what, variables, newer, faults, is_late) in table {
        let standin = Standin::new().rds_shows(LATE);
        standin.world().faults.extend(faults);
        let function = function(&standin, variables).await;
        drop(invoke_with(&function, &newer).await);
        invoke_with(&function, &completed("aurora-2", 40_000)).await.unwrap();
        // What is late asks RDS once; what is not looks again for 15 s while RDS contradicts it.
        let looks = standin.calls().iter().filter(|call| *call == "DescribeDBClusters").count();
        assert_eq!(looks <= 2, is_late, "{what}: {looks}");
    }
}
