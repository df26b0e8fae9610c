//! The main job: a failover event moves the target, whatever the group looked like before.

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_fresh_started_event_moves_the_target_at_once_without_asking_rds() {
    let standin = Standin::new();
    let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &started("aurora-2", 1_840))).await;
    let expected = json!({
        "outcome": "switched", "cause": "RDS-EVENT-0073", "writer": "aurora-2", "target": "10.0.2.22:3306", "evidence": "event",
        "registered": ["10.0.2.22:3306"], "deregistered": ["10.0.1.11:3306"], "event_age_ms": 1840
    });
    assert_eq!(answer.unwrap(), expected);
    // The last one is the closing look, when the group is right already.
    let calls =
        ["DescribeTargetHealth", "RegisterTargets 10.0.2.22:3306", "DeregisterTargets 10.0.1.11:3306", "DescribeTargetHealth"];
    assert_eq!(standin.calls(), calls);
    assert_eq!(seconds, 0.0);
}

/// Before; what is registered and deregistered; after. The event names aurora-2.
#[rustfmt::skip]
const GROUPS: [(&str, &str, &str, &str); 8] = [
    ("",                                                        B,  "",                   B),
    ("10.0.2.22:3306 unused",                                   "", "",                   B),
    ("10.0.1.11:3306 draining",                                 B,  "",                   B),
    ("10.0.1.11:3306 unhealthy, 10.0.2.22:3306 draining",       B,  A,                    B),
    ("10.0.1.11:3306 unhealthy, 10.0.2.22:3306 initial",        "", A,                    B),
    ("10.0.1.11:3306 unhealthy, 10.0.3.33:3306@eu-west-1c unhealthy.draining, 10.9.9.9:3306@all unavailable",
                                    B,  "10.0.1.11:3306 10.0.3.33:3306@eu-west-1c 10.9.9.9:3306@all", B),
    ("10.0.2.22:3307 unhealthy",                                B,  "10.0.2.22:3307",     B),
    ("10.0.2.22:3306@eu-west-1b healthy, 10.0.2.22:3307 unhealthy", "", "10.0.2.22:3307", "10.0.2.22:3306@eu-west-1b"),
];

#[tokio::test(start_paused = true)]
async fn the_group_ends_with_exactly_the_writer_whatever_it_held() {
    for (before, registered, deregistered, after) in GROUPS {
        let standin = Standin::new().with_targets(before);
        let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap();
        assert_eq!(standin.registered(), [after], "{before}");
        let writes = [("RegisterTargets", registered), ("DeregisterTargets", deregistered)];
        let writes: Vec<_> =
            writes.iter().filter(|(_, targets)| !targets.is_empty()).map(|(on, t)| format!("{on} {t}")).collect();
        assert_eq!(standin.writes(), writes, "{before}");
        assert_eq!(answer["outcome"], if writes.is_empty() { "unchanged" } else { "switched" }, "{before}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_run_writes_nothing() {
    let standin = Standin::new();
    invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap();
    let writes = standin.writes().len();
    let again = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 900)).await.unwrap();
    assert_eq!((&again["outcome"], &again["registered"], &again["deregistered"]), (&json!("unchanged"), &json!([]), &json!([])));
    assert_eq!(standin.writes().len(), writes);
}

#[tokio::test(start_paused = true)]
async fn port_zone_and_ipv6_reach_the_balancer_as_configured() {
    let standin = Standin::new().with_setting("IpAddressType", "ipv6").with_targets("");
    let variables = [("IP_DICT", r#"{"Aurora-2":"2001:DB8::22"}"#), ("TARGET_PORT", "3307"), ("TARGET_AVAILABILITY_ZONE", "all")];
    let answer = invoke(&standin, &variables, &started("AURORA-2", 0)).await.unwrap();
    assert_eq!((&answer["writer"], &answer["target"]), (&json!("aurora-2"), &json!("[2001:db8::22]:3307")));
    assert_eq!(standin.registered(), ["2001:db8::22:3307@all"]);
}

#[tokio::test(start_paused = true)]
async fn without_rds_a_late_event_is_acted_on_and_what_needs_rds_names_the_variable() {
    let late = invoke(&Standin::new(), WITHOUT_RDS, &started("aurora-2", 3_600_000)).await.unwrap();
    assert_eq!((&late["outcome"], &late["event_age_ms"]), (&json!("switched"), &json!(3_600_000)));
    for payload in [failed(0), failed(OLD), reconcile(), check(), json!({"source": "aws.events"})] {
        assert_fails(invoke(&Standin::new(), WITHOUT_RDS, &payload).await, "ClusterIdRequired", &["DB_CLUSTER_ID"]);
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
