//! RDS as the second witness: when the function asks it, what it may decide, and how long the function waits for it.

use crate::support::*;

const UNSETTLED: &[(&str, &str)] = &[("failing-over", "aurora-1"), ("failing-over", "aurora-2"), ("available", "aurora-2")];
const TWO_WRITERS: &[(&str, &str)] = &[("available", "aurora-1 aurora-2")];

type Cell = (Value, &'static [(&'static str, &'static str)], &'static str, usize, f64);

/// The group holds aurora-1. Trigger, what RDS shows, the answer, looks at RDS, seconds.
#[rustfmt::skip]
fn table_of_decisions() -> Vec<Cell> {
    vec![
        (started("aurora-2", 0),                LATE,        "switched aurora-2 event",     0, 0.0),
        (started("aurora-2", 60_000),           LATE,        "switched aurora-2 event",     0, 0.0), // on the edge
        (started("aurora-2", -60_000),          LATE,        "switched aurora-2 event",     0, 0.0), // the clocks differ
        (started("aurora-2", -60_001),          LATE,        "unchanged aurora-1 rds",      1, 0.0), // from the future
        (started("aurora-2", OLD),              LATE,        "unchanged aurora-1 rds",      1, 0.0),
        (started("aurora-2", OLD),              SHOWS_B,     "switched aurora-2 rds",       2, 5.0),
        (started("aurora-2", OLD),              SHOWS_C,     "switched aurora-3 rds",       2, 5.0),
        (started("", 0),                        UNSETTLED,   "switched aurora-2 rds",       4, 15.0), // it names no instance
        (completed("aurora-2", 0),              SHOWS_B,     "switched aurora-2 event+rds", 1, 0.0),
        (completed("aurora-2", 0),              UNSETTLED,   "switched aurora-2 event",     1, 0.0),
        (completed("aurora-2", 0),              TWO_WRITERS, "switched aurora-2 event",     1, 0.0),
        (completed("aurora-2", 0),              LATE,        "unchanged aurora-1 rds",      4, 15.0),
        (completed("aurora-2", 0),              SHOWS_C,     "switched aurora-3 rds",       5, 20.0),
        (completed("aurora-2", OLD),            SHOWS_C,     "switched aurora-3 rds",       2, 5.0),
        (completed("aurora-2", OLD),            LATE,        "unchanged aurora-1 rds",      1, 0.0),
        (promoting_previous("aurora-2", 0),     SHOWS_B,     "switched aurora-2 event+rds", 1, 0.0),
        (promoting_previous("aurora-2", 0),     UNSETTLED,   "switched aurora-2 event",     1, 0.0),
        (promoting_previous("aurora-2", 0),     SHOWS_C,     "switched aurora-3 rds",       5, 20.0),
        (promoting_previous("aurora-2", OLD),   SHOWS_C,     "switched aurora-3 rds",       2, 5.0),
        (failed(0),                             LATE,        "unchanged aurora-1 rds",      1, 0.0),
        (failed(0),                             SHOWS_C,     "switched aurora-3 rds",       2, 5.0),
        (failed(0),                             UNSETTLED,   "switched aurora-2 rds",       4, 15.0),
        (reconcile(),                           LATE,        "unchanged aurora-1 rds",      1, 0.0),
        (reconcile(),                           SHOWS_B,     "switched aurora-2 rds",       2, 5.0),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_cell_of_the_table_of_decisions() {
    for (payload, views, expected, looks, expected_seconds) in table_of_decisions() {
        let standin = Standin::new().rds_shows(views);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
        assert_eq!(summary(&answer), expected, "{payload} {views:?}");
        let (_, writer) = MEMBERS.into_iter().find(|(id, _)| expected.contains(id)).unwrap();
        assert_eq!(standin.registered(), [format!("{writer}:3306")], "{payload} {views:?}");
        assert_eq!(count(&standin, "DescribeDBClusters"), looks, "{payload} {views:?}");
        assert!((seconds - expected_seconds).abs() < 0.1, "{payload} {views:?}: {seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_doubt_whatever_is_no_fresh_event_changes_nothing_and_says_why() {
    let late_events = [started("aurora-2", OLD), completed("aurora-2", OLD), failed(OLD)];
    let by_rule = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
    let views: [(&[(&str, &str)], &str); 4] = [
        (&[("failing-over", "aurora-2")], "failing-over"),
        (&[("available", "")], "no writer"),
        (TWO_WRITERS, "2 writers: aurora-1, aurora-2"),
        (&[("available", "aurora-2"), ("failing-over", "aurora-2")], "failing-over"),
    ];
    for payload in [reconcile(), by_rule, schedule(), forced()].iter().chain(&late_events) {
        for (views, reason) in views {
            let standin = Standin::new().rds_shows(views);
            let answer = invoke(&standin, WITH_RDS, payload).await.unwrap();
            assert_eq!(answer["outcome"], "unchanged");
            assert_has(answer["reason"].as_str().unwrap(), &[reason]);
            assert!(standin.writes().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_keeps_looking_until_shortly_before_the_deadline_and_then_fails() {
    for (view, reason) in [(("failing-over", ""), "failing-over"), (("available", ""), "no writer")] {
        let standin = Standin::new().rds_shows(&[view]);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &failed(0))).await;
        assert_fails(answer, "WriterUnsettled", &[reason]);
        assert!((20.0..30.0).contains(&seconds), "{seconds}");
        assert!(standin.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_rds_in_doubt_is_an_unsettled_writer_all_the_same() {
    let slow = Fault::Delay(Duration::from_millis(900));
    let standin = Standin::new().rds_shows(&[("failing-over", "aurora-1")]).with_faults("DescribeDBClusters", slow, 100);
    assert_eq!(summary(&invoke(&standin, WITH_RDS, &failed(0)).await), "WriterUnsettled");
}

#[tokio::test(start_paused = true)]
async fn the_second_look_must_agree_with_the_first() {
    let standin = Standin::new().rds_shows(&[("available", "aurora-2"), ("available", "aurora-3"), ("available", "aurora-3")]);
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &reconcile())).await;
    assert_eq!(summary(&answer), "switched aurora-3 rds");
    assert_eq!((standin.registered(), standin.writes().len()), (vec![C.to_owned()], 2));
    assert!((seconds - 10.0).abs() < 0.1, "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_second_witness_is_waited_for_but_not_for_long() {
    // How long RDS takes, how long Lambda lets the function run; whose word the answer rests on, within how many seconds.
    for (delay, limit, evidence, at_most) in [(2, 30, "event+rds", 5.1), (6, 30, "event", 5.1), (3600, 4, "event", 3.0)] {
        let slow = Fault::Delay(Duration::from_secs(delay));
        let standin = Standin::new().rds_shows(SHOWS_B).with_faults("DescribeDBClusters", slow, 100);
        let event = completed("aurora-2", 0);
        let (answer, seconds) = seconds(invoke_within(Duration::from_secs(limit), &standin, WITH_RDS, &event)).await;
        assert_eq!(answer.unwrap()["evidence"], evidence, "{delay} s");
        assert!(seconds < at_most, "{delay} s: {seconds}");
    }
}

/// Runs a reconcile, and meanwhile a failover to aurora-2 that begins so many seconds later.
async fn reconcile_meets_a_failover(reconciling: &Standin, standin: &Standin, after: u64) {
    let (request, event) = (reconcile(), started("aurora-2", 0));
    let failover = async {
        tokio::time::sleep(Duration::from_secs(after)).await;
        invoke(standin, WITH_RDS, &event).await
    };
    let (reconciled, followed) = tokio::join!(invoke(reconciling, WITH_RDS, &request), failover);
    assert_eq!(followed.unwrap()["evidence"], "event");
    assert_eq!(reconciled.unwrap()["outcome"], "unchanged");
    assert_eq!(standin.registered(), [B]);
}

/// The reconcile looks while the group holds a stray, and RDS still shows the old writer long after a failover began.
#[tokio::test(start_paused = true)]
async fn a_failover_that_begins_under_a_reconcile_is_not_undone_by_it() {
    let standin = Standin::new().with_targets("10.9.9.9:3306 unhealthy");
    let lagging = standin.clone().rds_shows(&[LATE[0], LATE[0], ("failing-over", "aurora-1")]);
    reconcile_meets_a_failover(&lagging, &standin, 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_of_a_group_in_sync_writes_nothing_when_a_failover_begins_under_it() {
    let standin = Standin::new().with_fault("DescribeDBClusters", Fault::Delay(Duration::from_secs(3)));
    reconcile_meets_a_failover(&standin, &standin, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_too_short_for_two_looks_says_so() {
    let standin = Standin::new().rds_shows(SHOWS_B);
    let answer = invoke_within(Duration::from_secs(4), &standin, WITH_RDS, &reconcile()).await;
    assert_fails(answer, "DeadlineExceeded", &["ask again"]);
    assert!(standin.writes().is_empty());
}

/// Another invocation adds a target between two looks: what was confirmed is not what would be done, so there is a
/// third look.
#[tokio::test(start_paused = true)]
async fn a_change_is_confirmed_only_if_the_group_is_still_as_it_was() {
    let standin = Standin::new().rds_shows(SHOWS_B).with_fault("DescribeTargetHealth", PASS);
    let standin = standin.with_fault("DescribeTargetHealth", Fault::Meanwhile("10.0.3.33:3306 unhealthy"));
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &reconcile())).await;
    assert_eq!(answer.unwrap()["deregistered"], json!([A, C]));
    assert!((seconds - 10.0).abs() < 0.1, "{seconds}");
}
