//! Rule 9: which switches RDS, whose API is late, may undo, and which it may not.

use crate::support::*;

fn is_held_back(answer: &Value, reason: &str) -> bool {
    answer["outcome"] == "unchanged" && answer["reason"].as_str().is_some_and(|text| text.contains(reason))
}

#[tokio::test(start_paused = true)]
async fn a_completed_event_that_rds_contradicts_keeps_what_the_group_holds_already() {
    for event in [completed("aurora-2", 0), promoting_previous("aurora-2", 0)] {
        let standin = Standin::new().rds_shows(LATE);
        let function = switched_to_b(&standin, 1_000).await;
        let (answer, seconds) = seconds(invoke_after(1, &function, &event)).await;
        assert_eq!(summary(&answer), "unchanged aurora-2 event");
        assert_eq!((standin.registered(), seconds), (vec![B.to_owned()], 0.0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_completed_event_waits_for_an_rds_that_is_late() {
    // How often RDS shows the old writer, what it shows then; the evidence, seconds.
    for (looks, then, evidence, expected) in [
        (1, ("available", "aurora-2"), "event+rds", 5.0),
        (3, ("available", "aurora-2"), "event+rds", 15.0),
        (2, ("failing-over", "aurora-1"), "event", 10.0),
        (2, ("available", ""), "event", 10.0),
    ] {
        let standin = Standin::new().rds_shows(&[vec![LATE[0]; looks], vec![then]].concat());
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &completed("aurora-2", 0))).await;
        assert_eq!(summary(&answer), format!("switched aurora-2 {evidence}"), "{looks} {then:?}");
        assert_eq!(standin.registered(), [B]);
        assert!((seconds - expected).abs() < 0.1, "{looks} {then:?}: {seconds}");
    }
    // RDS is out of reach at the second look.
    let standin = Standin::new().with_fault("DescribeDBClusters", PASS).with_fault("DescribeDBClusters", DENIED);
    assert_eq!(summary(&invoke(&standin, WITH_RDS, &completed("aurora-2", 0)).await), "switched aurora-2 event");
}

#[tokio::test(start_paused = true)]
async fn rds_alone_takes_nothing_away_from_the_instance_that_an_event_has_just_named() {
    // Seconds since the event; what is asked; whether the switch is taken back.
    let table = [
        (1, schedule(), false),
        (1, reconcile(), false),
        (1, completed("aurora-1", 61_000), false),
        (60, schedule(), false),
        (61, schedule(), true),
        (1, forced(), true),
    ];
    for (after, payload, taken_back) in table {
        let standin = Standin::new().rds_shows(LATE);
        let function = switched_to_b(&standin, 0).await;
        standin.settle();
        let answer = invoke_after(after, &function, &payload).await.unwrap();
        assert!(taken_back || is_held_back(&answer, "named aurora-2"), "{after} s, {payload}: {answer}");
        assert_eq!(standin.registered(), [if taken_back { A } else { B }], "{after} s, {payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn rds_alone_takes_no_target_away_that_the_balancer_is_still_registering() {
    let table = [
        ("10.0.2.22:3306 initial", schedule(), false),
        ("10.0.2.22:3306 initial", started("aurora-3", 61_000), false),
        ("10.0.2.22:3306 initial, 10.9.9.9:3306 unhealthy", schedule(), false),
        ("10.0.2.22:3306 initial", forced(), true),
        ("10.0.2.22:3306 initial", failed(0), true),
        ("10.0.2.22:3306 unhealthy", schedule(), true),
        ("10.0.1.11:3306 initial, 10.0.2.22:3306 unhealthy", schedule(), true),
    ];
    for (listed, payload, moves) in table {
        let standin = Standin::new().with_targets(listed).rds_shows(LATE);
        let answer = invoke(&standin, WITH_RDS, &payload).await.unwrap();
        assert!(moves || is_held_back(&answer, "10.0.2.22:3306"), "{listed}, {payload}: {answer}");
        assert_eq!(standin.registered() == [A], moves, "{listed}, {payload}");
        assert_eq!(standin.writes().is_empty(), !moves, "{listed}, {payload}");
    }
}

/// The event itself says that the failover is over.
#[tokio::test(start_paused = true)]
async fn a_failed_failover_is_taken_back_at_once() {
    let standin = Standin::new().rds_shows(LATE);
    let function = switched_to_b(&standin, 5_000).await;
    assert_eq!(summary(&invoke_with(&function, &failed(0)).await), "switched aurora-1 rds");
    assert_eq!(standin.registered(), [A]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_failover_names_no_instance_whatever_its_text() {
    let standin = Standin::new().with_targets("10.0.2.22:3306 unhealthy").rds_shows(SHOWS_B);
    let function = function(&standin, WITH_RDS).await;
    let failed = sns([&notification("RDS-EVENT-0069", "Cluster failover failed: aurora-2", 0)]);
    assert_eq!(summary(&invoke_with(&function, &failed).await), "unchanged aurora-2 rds");
    drop(standin.rds_shows(LATE));
    assert_eq!(summary(&invoke_after(1, &function, &schedule()).await), "switched aurora-1 rds");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_only_registers_is_never_in_doubt() {
    let standin = Standin::new().rds_shows(LATE);
    let function = switched_to_b(&standin, 0).await;
    let standin = standin.with_targets("10.0.2.22:3306 draining");
    invoke_after(1, &function, &schedule()).await.unwrap();
    assert_eq!(standin.registered(), [A]);
}

/// A fresh event that RDS contradicts for good keeps looking, and fails, so that Lambda tries it again.
#[tokio::test(start_paused = true)]
async fn a_fresh_event_that_rule_9_holds_back_waits_and_then_fails() {
    let standin = Standin::new().with_targets("10.0.3.33:3306 initial").rds_shows(LATE);
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &completed("aurora-2", 0))).await;
    assert_fails(answer, "WriterUnsettled", &[C]);
    assert!((20.0..30.0).contains(&seconds), "{seconds}");
    assert!(standin.writes().is_empty());
}
