//! Rule 9: which switches RDS, whose API is late, may undo, and which it may not.

use std::time::Duration;

use serde_json::{Value, json};

use crate::standin::{Fault, Standin};
use crate::support::*;

const A: &str = "10.0.1.11:3306";
const B: &str = "10.0.2.22:3306";
const C: &str = "10.0.3.33:3306";
const LATE: &[(&str, &str)] = &[("available", "aurora-1")];

fn schedule() -> Value {
    json!({"source": "aws.scheduler"})
}

/// The targets as they are a minute or two later: none is `initial` any more, none drains.
fn settle(standin: &Standin) {
    let mut world = standin.world();
    world.targets.retain(crate::standin::Target::is_registered);
    world.targets.iter_mut().for_each(|target| "unhealthy".clone_into(&mut target.state));
}

fn is_held_back(answer: &Value, reason: &str) -> bool {
    answer["outcome"] == "unchanged" && answer["reason"].as_str().is_some_and(|text| text.contains(reason))
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_run_a_second_after_the_switch_leaves_it_alone_while_rds_still_shows_the_old_writer() {
    let standin = Standin::new().rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
    let answer = invoke_after(1, &function, &schedule()).await.unwrap();
    assert!(is_held_back(&answer, "aurora-2"), "{answer}");
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn a_completed_event_that_rds_contradicts_keeps_what_the_group_holds_already() {
    for event in [completed("aurora-2", 0), promoting_previous("aurora-2", 0)] {
        let standin = Standin::new().rds_shows(LATE);
        let function = function(&standin, WITH_RDS).await;
        invoke_with(&function, &started("aurora-2", 1_000)).await.unwrap();
        let (answer, seconds) = seconds(invoke_after(1, &function, &event)).await;
        let answer = answer.unwrap();
        assert_eq!((&answer["outcome"], &answer["evidence"]), (&json!("unchanged"), &json!("event")));
        assert_eq!((standin.registered(), seconds), (vec![B.to_owned()], 0.0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_the_event_that_comes_late_does_not_take_the_switch_back() {
    let standin = Standin::new().rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    invoke_with(&function, &started("aurora-2", 58_000)).await.unwrap();
    let answer = invoke_after(12, &function, &started("aurora-2", 58_000)).await.unwrap();
    assert_eq!(answer["event_age_ms"], 70_000);
    assert!(is_held_back(&answer, "initial"), "{answer}");
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn a_completed_event_waits_for_an_rds_that_is_late() {
    // What RDS shows at each look; what becomes of it, on whose word, after how many seconds.
    let late_for = |looks: usize, then: (&'static str, &'static str)| [vec![LATE[0]; looks], vec![then]].concat();
    let table = [
        (late_for(1, ("available", "aurora-2")), "event+rds", 5.0),
        (late_for(3, ("available", "aurora-2")), "event+rds", 15.0),
        (late_for(2, ("failing-over", "aurora-1")), "event", 10.0),
        (late_for(2, ("available", "")), "event", 10.0),
    ];
    for (views, evidence, expected) in table {
        let standin = Standin::new().rds_shows(&views);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &completed("aurora-2", 0))).await;
        let answer = answer.unwrap();
        assert_eq!((&answer["outcome"], &answer["evidence"]), (&json!("switched"), &json!(evidence)), "{views:?}");
        assert_eq!(standin.registered(), [B]);
        assert!((seconds - expected).abs() < 0.1, "{views:?}: {seconds}");
    }
    let standin = Standin::new().rds_shows(LATE);
    standin.world().faults.extend([
        ("DescribeDBClusters", Fault::Delay(Duration::ZERO)),
        ("DescribeDBClusters", Fault::Error(403, "AccessDenied", "no longer")),
    ]);
    let answer = invoke(&standin, WITH_RDS, &completed("aurora-2", 0)).await.unwrap();
    assert_eq!(
        (&answer["outcome"], &answer["evidence"]),
        (&json!("switched"), &json!("event")),
        "out of reach at the second look"
    );
}

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

#[tokio::test(start_paused = true)]
async fn rds_alone_takes_nothing_away_from_the_instance_that_an_event_has_just_named() {
    // Seconds since the event; what is asked; whether the switch is taken back.
    let forced = json!({"action": "reconcile", "force": true});
    let late_claim = completed("aurora-1", 61_000);
    let table = [
        (1, schedule(), false),
        (1, reconcile(), false),
        (1, late_claim, false),
        (60, schedule(), false),
        (61, schedule(), true),
        (1, forced, true),
    ];
    for (after, payload, taken_back) in table {
        let standin = Standin::new().rds_shows(LATE);
        let function = function(&standin, WITH_RDS).await;
        invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
        settle(&standin);
        let answer = invoke_after(after, &function, &payload).await.unwrap();
        assert!(taken_back || is_held_back(&answer, "named aurora-2"), "{after} s, {payload}: {answer}");
        assert_eq!(standin.registered(), [if taken_back { A } else { B }], "{after} s, {payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn rds_alone_takes_no_target_away_that_the_balancer_is_still_registering() {
    let forced = json!({"action": "reconcile", "force": true});
    let table = [
        ("10.0.2.22:3306 initial", schedule(), false),
        ("10.0.2.22:3306 initial", started("aurora-3", 61_000), false),
        ("10.0.2.22:3306 initial, 10.9.9.9:3306 unhealthy", schedule(), false),
        ("10.0.2.22:3306 initial", forced, true),
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
    let function = function(&standin, WITH_RDS).await;
    invoke_with(&function, &started("aurora-2", 5_000)).await.unwrap();
    let answer = invoke_with(&function, &failed(0)).await.unwrap();
    assert_eq!((&answer["outcome"], &answer["evidence"]), (&json!("switched"), &json!("rds")));
    assert_eq!(standin.registered(), [A]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_only_registers_is_never_in_doubt() {
    let standin = Standin::new().rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
    let standin = standin.with_targets("10.0.2.22:3306 draining");
    invoke_after(1, &function, &schedule()).await.unwrap();
    assert_eq!(standin.registered(), [A]);
}

/// A fresh claim that RDS contradicts for good keeps looking, and fails, so that Lambda tries it again.
#[tokio::test(start_paused = true)]
async fn a_fresh_claim_that_rule_9_holds_back_waits_and_then_fails() {
    let standin = Standin::new().with_targets("10.0.3.33:3306 initial").rds_shows(LATE);
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &completed("aurora-2", 0))).await;
    let error = answer.unwrap_err();
    assert_eq!(error.name(), "WriterUnsettled");
    assert!(error.to_string().contains(C) && (20.0..30.0).contains(&seconds), "{error} {seconds}");
    assert!(standin.writes().is_empty());
}

/// The recommended set-up has no map, so a failover depends on DNS.
#[tokio::test(start_paused = true)]
async fn a_dns_lookup_that_fails_is_tried_again_for_five_seconds() {
    const NO_MAP: &[(&str, &str)] = &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", "")];
    for (failures, resolves) in [(2, true), (9, true), (1_000, false)] {
        let standin = Standin::new();
        standin.world().dns_failures = failures;
        let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &started("aurora-2", 0))).await;
        match answer {
            Ok(answer) => assert_eq!(answer["target"], B),
            Err(error) => assert_eq!(error.name(), "AddressUnresolved"),
        }
        assert_eq!(standin.registered() == [B], resolves, "{failures}");
        assert!(seconds <= 5.0, "{seconds}");
    }
}

/// Without reserved concurrency: the event's run is slow, and one that believes RDS undoes it meanwhile.
#[tokio::test(start_paused = true)]
async fn of_two_runs_at_once_the_one_that_deregisters_last_fills_the_group() {
    let standin = Standin::new().with_targets("10.0.1.11:3306 unhealthy, 10.0.2.22:3306 unhealthy").rds_shows(LATE);
    let (one, other) = (function(&standin, WITH_RDS).await, function(&standin, WITH_RDS).await);
    // Both find two targets. The one deregisters aurora-1 half a second after the other, at its second look, aurora-2.
    let (event, schedule) = (started("aurora-2", 0), schedule());
    let slow = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        standin.world().faults.push_back(("DescribeTargetHealth", Fault::Delay(Duration::from_millis(3_500))));
        invoke_with(&one, &event).await
    };
    let (switched, reconciled) = tokio::join!(slow, invoke_with(&other, &schedule));
    assert_eq!((&switched.unwrap()["outcome"], &reconciled.unwrap()["outcome"]), (&json!("switched"), &json!("switched")));
    let last = standin.writes().pop().unwrap();
    assert_eq!((last.as_str(), standin.registered()), ("RegisterTargets 10.0.2.22:3306", vec![B.to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_emptied_group_is_filled_again_and_a_look_that_fails_is_no_error() {
    let standin = Standin::new();
    standin.world().faults.push_back(("DeregisterTargets", Fault::AlsoGone(B)));
    let answer = invoke(&standin, WITH_RDS, &started("aurora-2", 0)).await.unwrap();
    assert_eq!((&answer["outcome"], &answer["registered"]), (&json!("switched"), &json!([B])));
    assert_eq!(standin.registered(), [B]);
    let calls = ["DescribeTargetHealth", "RegisterTargets 10.0.2.22:3306", "DeregisterTargets 10.0.1.11:3306"];
    assert_eq!(standin.calls(), [&calls[..], &["DescribeTargetHealth", "RegisterTargets 10.0.2.22:3306"]].concat());

    for fault in [Fault::Error(403, "AccessDenied", "no"), Fault::Delay(Duration::from_secs(3600))] {
        let standin = Standin::new();
        standin.world().faults.push_back(("DescribeTargetHealth", Fault::Delay(Duration::ZERO)));
        standin.world().faults.extend(std::iter::repeat_n(("DescribeTargetHealth", fault), 5));
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &started("aurora-2", 0))).await;
        assert_eq!(answer.unwrap()["outcome"], "switched");
        assert!(seconds <= 5.0, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn targets_are_deregistered_a_hundred_at_a_time() {
    let strays: Vec<_> = (0..250).map(|i| format!("10.8.{}.{}:3306 unhealthy", i / 200, i % 200 + 1)).collect();
    let standin = Standin::new().with_targets(&strays.join(", "));
    let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap();
    assert_eq!(answer["deregistered"].as_array().unwrap().len(), 250);
    let sizes: Vec<_> = standin.writes()[1..].iter().map(|call| call.split(' ').count() - 1).collect();
    assert_eq!((sizes, standin.registered()), (vec![100, 100, 50], vec![B.to_owned()]));
}
