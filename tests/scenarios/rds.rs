//! RDS as the second witness: when the function asks it, what it may decide, and how long the function waits for it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::standin::{Fault, Standin};
use crate::support::*;

fn looks(standin: &Standin) -> usize {
    standin.calls().iter().filter(|call| *call == "DescribeDBClusters").count()
}

#[tokio::test(start_paused = true)]
async fn every_cell_of_the_table_of_decisions() {
    // The group holds aurora-1. Trigger, what RDS shows, the outcome, the target afterwards, by whose word, looks at
    // RDS, seconds.
    let (settled_b, settled_c): (&[_], &[_]) = (&[("available", "aurora-2")], &[("available", "aurora-3")]);
    let unsettled: &[_] = &[("failing-over", "aurora-1"), ("failing-over", "aurora-2"), ("available", "aurora-2")];
    let table: Vec<(&str, Value, &[(&str, &str)], &str, &str, &str, usize, f64)> = vec![
        ("fresh started, RDS lags", started("aurora-2", 0), &[("available", "aurora-1")], "switched", B, "event", 0, 0.0),
        ("fresh started, on the edge", started("aurora-2", 60_000), &[("available", "aurora-1")], "switched", B, "event", 0, 0.0),
        (
            "fresh started, clocks differ",
            started("aurora-2", -60_000),
            &[("available", "aurora-1")],
            "switched",
            B,
            "event",
            0,
            0.0,
        ),
        ("old started, RDS says A", started("aurora-2", OLD), &[("available", "aurora-1")], "unchanged", A, "rds", 1, 0.0),
        ("old started, RDS says B", started("aurora-2", OLD), settled_b, "switched", B, "rds", 2, 5.0),
        ("old started, RDS says C", started("aurora-2", OLD), settled_c, "switched", C, "rds", 2, 5.0),
        ("fresh started that names nobody, RDS unsettled", started("", 0), unsettled, "switched", B, "rds", 4, 15.0),
        ("started from the future", started("aurora-2", -60_001), &[("available", "aurora-1")], "unchanged", A, "rds", 1, 0.0),
        ("fresh completed, RDS agrees", completed("aurora-2", 0), settled_b, "switched", B, "event+rds", 1, 0.0),
        ("fresh completed, RDS unsettled", completed("aurora-2", 0), unsettled, "switched", B, "event", 1, 0.0),
        (
            "fresh completed, two writers",
            completed("aurora-2", 0),
            &[("available", "aurora-1 aurora-2")],
            "switched",
            B,
            "event",
            1,
            0.0,
        ),
        ("fresh completed, RDS says A", completed("aurora-2", 0), &[("available", "aurora-1")], "unchanged", A, "rds", 4, 15.0),
        ("fresh completed, RDS says C", completed("aurora-2", 0), settled_c, "switched", C, "rds", 5, 20.0),
        ("old completed, RDS says C", completed("aurora-2", OLD), settled_c, "switched", C, "rds", 2, 5.0),
        ("old completed, RDS says A", completed("aurora-2", OLD), &[("available", "aurora-1")], "unchanged", A, "rds", 1, 0.0),
        ("fresh promoting, RDS agrees", promoting_previous("aurora-2", 0), settled_b, "switched", B, "event+rds", 1, 0.0),
        ("fresh promoting, RDS unsettled", promoting_previous("aurora-2", 0), unsettled, "switched", B, "event", 1, 0.0),
        ("fresh promoting, RDS says C", promoting_previous("aurora-2", 0), settled_c, "switched", C, "rds", 5, 20.0),
        ("old promoting, RDS says C", promoting_previous("aurora-2", OLD), settled_c, "switched", C, "rds", 2, 5.0),
        ("failed, RDS says A", failed(0), &[("available", "aurora-1")], "unchanged", A, "rds", 1, 0.0),
        ("failed, RDS says C", failed(0), settled_c, "switched", C, "rds", 2, 5.0),
        ("failed, RDS unsettled", failed(0), unsettled, "switched", B, "rds", 4, 15.0),
        ("reconcile, RDS says A", reconcile(), &[("available", "aurora-1")], "unchanged", A, "rds", 1, 0.0),
        ("reconcile, RDS says B", reconcile(), settled_b, "switched", B, "rds", 2, 5.0),
    ];
    for (name, payload, views, outcome, target, evidence, expected_looks, expected_seconds) in table {
        let standin = Standin::new().rds_shows(views);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
        let answer = answer.unwrap();
        assert_eq!((&answer["outcome"], &answer["evidence"]), (&json!(outcome), &json!(evidence)), "{name}: {answer}");
        assert_eq!(standin.registered(), [target], "{name}");
        assert_eq!(looks(&standin), expected_looks, "{name}");
        assert!((seconds - expected_seconds).abs() < 0.1, "{name}: {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_doubt_whatever_is_no_fresh_event_changes_nothing_and_says_why() {
    let schedules = [
        reconcile(),
        json!({"source": "aws.events", "detail-type": "Scheduled Event"}),
        json!({"source": "aws.scheduler"}),
        started("aurora-2", OLD),
        completed("aurora-2", OLD),
        failed(OLD),
        json!({"action": "reconcile", "force": true}),
    ];
    let views: [(&[(&str, &str)], &str); 4] = [
        (&[("failing-over", "aurora-2")], "failing-over"),
        (&[("available", "")], "no writer"),
        (&[("available", "aurora-1 aurora-2")], "2 writers: aurora-1, aurora-2"),
        (&[("available", "aurora-2"), ("failing-over", "aurora-2")], "failing-over"),
    ];
    for payload in &schedules {
        for (views, reason) in views {
            let standin = Standin::new().rds_shows(views);
            let answer = invoke(&standin, WITH_RDS, payload).await.unwrap();
            assert_eq!(answer["outcome"], "unchanged");
            assert!(answer["reason"].as_str().unwrap().contains(reason), "{answer}");
            assert!(standin.writes().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_status_but_failing_over_leaves_the_writer_in_no_doubt() {
    for status in ["rebooting", "backing-up", "modifying", "upgrading", "maintenance", "storage-optimization", "something-new"] {
        let standin = Standin::new().rds_shows(&[(status, "aurora-2")]);
        invoke(&standin, WITH_RDS, &reconcile()).await.unwrap();
        assert_eq!(standin.registered(), [B], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_keeps_looking_until_shortly_before_the_deadline_and_then_fails() {
    for (views, reason) in
        [("failing-over", "failing-over"), ("available", "no writer")].map(|(status, why)| ([(status, "")], why))
    {
        let standin = Standin::new().rds_shows(&views);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &failed(0))).await;
        let error = answer.unwrap_err();
        assert_eq!(error.name(), "WriterUnsettled");
        assert!(error.to_string().contains(reason), "{error}");
        assert!((20.0..30.0).contains(&seconds), "{seconds}");
        assert!(standin.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_rds_in_doubt_is_an_unsettled_writer_all_the_same() {
    let slow = Fault::Delay(Duration::from_millis(900));
    let standin = Standin::new().rds_shows(&[("failing-over", "aurora-1")]).with_faults("DescribeDBClusters", slow, 100);
    assert_eq!(invoke(&standin, WITH_RDS, &failed(0)).await.unwrap_err().name(), "WriterUnsettled");
}

#[tokio::test(start_paused = true)]
async fn the_second_look_must_agree_with_the_first() {
    let standin = Standin::new().rds_shows(&[("available", "aurora-2"), ("available", "aurora-3"), ("available", "aurora-3")]);
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &reconcile())).await;
    assert_eq!(answer.unwrap()["writer"], "aurora-3");
    assert_eq!((standin.registered(), standin.writes().len()), (vec![C.to_owned()], 2));
    assert!((seconds - 10.0).abs() < 0.1, "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_second_witness_is_waited_for_but_not_for_long() {
    for (delay, evidence) in [(2_000, "event+rds"), (6_000, "event")] {
        let slow = Fault::Delay(Duration::from_millis(delay));
        let standin = Standin::new().rds_shows(&[("available", "aurora-2")]).with_faults("DescribeDBClusters", slow, 100);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &completed("aurora-2", 0))).await;
        assert_eq!(answer.unwrap()["evidence"], evidence, "{delay} ms");
        assert!(seconds < 5.1, "{seconds}");
    }
    // With little time left, half of it is kept for the switch.
    let standin = Standin::new().with_faults("DescribeDBClusters", Fault::Delay(Duration::from_secs(3600)), 100);
    let event = completed("aurora-2", 0);
    let (answer, seconds) = seconds(invoke_within(Duration::from_secs(4), &standin, WITH_RDS, &event)).await;
    assert_eq!(answer.unwrap()["evidence"], "event");
    assert!(seconds < 3.0, "{seconds}");
}

/// The reconcile looks while the group holds a stray, and RDS still shows the old writer long after a failover began.
#[tokio::test(start_paused = true)]
async fn a_failover_that_begins_under_a_reconcile_is_not_undone_by_it() {
    let standin = Standin::new().with_targets("10.9.9.9:3306 unhealthy");
    let lagging =
        standin.clone().rds_shows(&[("available", "aurora-1"), ("available", "aurora-1"), ("failing-over", "aurora-1")]);
    let failover = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        invoke(&standin, WITH_RDS, &started("aurora-2", 0)).await.unwrap()
    };
    let request = reconcile();
    let (reconciled, followed) = tokio::join!(invoke(&lagging, WITH_RDS, &request), failover);
    assert_eq!(followed["outcome"], "switched");
    assert_eq!(reconciled.unwrap()["outcome"], "unchanged");
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_of_a_group_in_sync_writes_nothing_when_a_failover_begins_under_it() {
    let standin = Standin::new().with_fault("DescribeDBClusters", Fault::Delay(Duration::from_secs(3)));
    let failover = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        invoke(&standin, WITH_RDS, &started("aurora-2", 0)).await.unwrap()
    };
    let request = reconcile();
    let (reconciled, _) = tokio::join!(invoke(&standin, WITH_RDS, &request), failover);
    assert_eq!(reconciled.unwrap()["outcome"], "unchanged");
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn a_run_too_short_for_two_looks_says_so() {
    let standin = Standin::new().rds_shows(&[("available", "aurora-2")]);
    let error = invoke_within(Duration::from_secs(4), &standin, WITH_RDS, &reconcile()).await.unwrap_err();
    assert_eq!(error.name(), "DeadlineExceeded");
    assert!(error.to_string().contains("ask again; raise"), "{error}");
    assert!(standin.writes().is_empty());
}

/// Another invocation adds a target between two looks: what was confirmed is not what would be done, so there is a
/// third look.
#[tokio::test(start_paused = true)]
async fn a_change_is_confirmed_only_if_the_group_is_still_as_it_was() {
    let standin = Standin::new().rds_shows(&[("available", "aurora-2")]);
    standin.world().faults.push_back(("DescribeTargetHealth", Fault::Delay(Duration::ZERO)));
    standin.world().faults.push_back(("DescribeTargetHealth", Fault::Meanwhile("10.0.3.33:3306 unhealthy")));
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &reconcile())).await;
    assert_eq!(answer.unwrap()["deregistered"], json!([A, C]));
    assert!((seconds - 10.0).abs() < 0.1, "{seconds}");
}
