//! The order of events: what is older than an event that this process has acted on is late.

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn an_event_that_is_older_than_one_acted_on_is_late_however_young_it_is() {
    let standin = Standin::new().rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    let first = invoke_with(&function, &promoting_previous("aurora-1", 0)).await;
    assert_eq!(summary(&first), "unchanged aurora-1 event+rds");
    let second = invoke_after(1, &function, &started("aurora-2", 40_000)).await;
    assert_eq!(summary(&second), "unchanged aurora-1 rds");
    assert_eq!(standin.registered(), [A]);
}

/// The order is kept in memory only.
#[tokio::test(start_paused = true)]
async fn a_second_process_knows_of_no_order() {
    let standin = Standin::new().rds_shows(LATE);
    invoke(&standin, WITH_RDS, &promoting_previous("aurora-1", 0)).await.unwrap();
    assert_eq!(summary(&invoke(&standin, WITH_RDS, &started("aurora-2", 40_000)).await), "switched aurora-2 event");
    standin.settle();
    // Nor of an event that rule 9 would protect; the state `initial` alone protects it there.
    assert_eq!(summary(&invoke(&standin, WITH_RDS, &reconcile()).await), "switched aurora-1 rds");
}

#[tokio::test(start_paused = true)]
async fn without_rds_an_event_that_is_late_by_order_is_ignored() {
    let standin = Standin::new();
    let function = function(&standin, WITHOUT_RDS).await;
    invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
    let late = invoke_after(1, &function, &started("aurora-3", 2_001)).await.unwrap();
    assert_eq!((&late["outcome"], &late["event_age_ms"]), (&json!("ignored"), &json!(3_001)));
    assert_has(late["reason"].as_str().unwrap(), &["aurora-2"]);
    let as_good_as_same = invoke_after(1, &function, &started("aurora-3", 2_000)).await;
    assert_eq!(summary(&as_good_as_same), "switched aurora-3 event");
}

/// Otherwise a clock that is ahead by half a minute would make every event of that time late.
#[tokio::test(start_paused = true)]
async fn a_time_ahead_of_our_clock_counts_as_now_in_the_order() {
    let function = function(&Standin::new(), WITHOUT_RDS).await;
    invoke_with(&function, &started("aurora-2", -30_000)).await.unwrap();
    let next = invoke_after(1, &function, &started("aurora-3", 0)).await;
    assert_eq!(summary(&next), "switched aurora-3 event");
}

#[tokio::test(start_paused = true)]
async fn the_same_event_by_two_ways_is_no_older_one() {
    let standin = Standin::new().rds_shows(LATE);
    let function = switched_to_b(&standin, 0).await;
    let by_eventbridge = json!({"source": "aws.rds", "detail-type": "RDS DB Cluster Event", "detail": {
        "EventID": "RDS-EVENT-0073", "Message": crate::standin::events::started("aurora-2"),
        "SourceArn": "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
        "Date": (now() - chrono::TimeDelta::milliseconds(1_500)).to_rfc3339()}});
    assert_eq!(summary(&invoke_after(1, &function, &by_eventbridge).await), "unchanged aurora-2 event");
}

/// An event is acted on if its run ended `switched` or `unchanged`, and in no other case.
#[tokio::test(start_paused = true)]
async fn only_an_event_that_was_acted_on_counts() {
    let on_completed = [WITH_RDS, &[("SWITCH_ON", "completed")]].concat();
    // The outcome of the newer event; whether the older one is late afterwards.
    let table: [(&str, Variables, Value, Fault, bool); 6] = [
        ("switched", WITH_RDS, started("aurora-3", 0), PASS, true),
        ("unchanged", WITH_RDS, started("aurora-1", 0), PASS, true),
        ("unchanged", WITH_RDS, failed(0), PASS, true),
        ("AwsCallFailed", WITH_RDS, started("aurora-3", 0), DENIED, false),
        ("planned", DRY, started("aurora-3", 0), PASS, false),
        ("ignored", &on_completed, started("aurora-3", 0), PASS, false),
    ];
    for (outcome, variables, newer, fault, is_late) in table {
        let standin = Standin::new().rds_shows(LATE).with_fault("RegisterTargets", fault);
        let function = function(&standin, variables).await;
        assert_has(&summary(&invoke_with(&function, &newer).await), &[outcome]);
        invoke_with(&function, &completed("aurora-2", 40_000)).await.unwrap();
        // What is late asks RDS once; what is not looks again for 15 s while RDS contradicts it.
        assert_eq!(count(&standin, "DescribeDBClusters") <= 2, is_late, "{outcome} {newer}");
    }
}
