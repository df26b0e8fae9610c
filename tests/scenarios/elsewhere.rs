//! A global database whose writer is in another region, a zonal shift, and how rule 9 (b) ends.

use crate::check::{codes, only};
use crate::support::*;

fn secondary(targets: &str) -> Standin {
    Standin::new().in_secondary_region().with_targets(targets)
}

#[tokio::test(start_paused = true)]
async fn a_secondary_region_is_calm_after_two_looks_and_deregisters_nothing() {
    for (targets, payload) in [("", schedule()), ("", reconcile()), ("10.0.1.11:3306 unhealthy", schedule()), ("", forced())] {
        let standin = secondary(targets);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
        let answer = answer.unwrap();
        assert_eq!((&answer["outcome"], &answer["evidence"], seconds), (&json!("unchanged"), &json!("rds"), 5.0), "{answer}");
        assert!(answer["reason"].as_str().unwrap().contains("another region") && answer.get("doubt").is_none(), "{answer}");
        assert!(standin.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn to_an_event_a_secondary_region_has_no_writer() {
    let late = invoke(&secondary(""), WITH_RDS, &started("aurora-2", OLD)).await.unwrap();
    assert_eq!((&late["outcome"], &late["doubt"]), (&json!("unchanged"), &json!("no-writer")));
    let fresh = invoke(&secondary(""), WITH_RDS, &failed(0)).await.unwrap_err();
    assert_eq!(fresh.name(), "WriterUnsettled");
    // A switchover to this region has just started: RDS may not show its writer yet.
    let standin = secondary("");
    let function = function(&standin, WITH_RDS).await;
    invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
    for (after, doubt) in [(30, json!("no-writer")), (61, Value::Null)] {
        assert_eq!(invoke_after(after, &function, &schedule()).await.unwrap()["doubt"], doubt, "{after} s");
    }
}

#[tokio::test(start_paused = true)]
async fn check_finds_a_target_in_a_secondary_region_and_the_command_that_removes_it() {
    let calm = invoke(&secondary(""), WITH_RDS, &check()).await.unwrap();
    assert_eq!((&calm["in_sync"], codes(&calm)), (&json!(true), vec![]), "{calm}");
    let loud = invoke(&secondary("10.0.1.11:3306@eu-west-1a unhealthy"), WITH_RDS, &check()).await.unwrap();
    assert_eq!((&loud["in_sync"], codes(&loud)), (&json!(false), vec!["writer-in-another-region"]), "{loud}");
    let message = loud["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("deregister-targets"), "{message}");
    assert!(message.contains("--targets Id=10.0.1.11,Port=3306,AvailabilityZone=eu-west-1a"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_zonal_shift_of_the_writers_target_is_an_error_of_check() {
    let standin = Standin::new();
    standin.world().is_shifted = true;
    let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
    assert_eq!((&answer["in_sync"], codes(&answer)), (&json!(true), vec!["zonal-shift"]), "{answer}");
    assert!(answer["findings"][0]["message"].as_str().unwrap().contains("zonal_shift_active"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_inherited_cross_zone_setting_is_the_balancers() {
    let set_it = "error Key=load_balancing.cross_zone.enabled,Value=true";
    // What each balancer has; level and words of the finding.
    let table: [(&[&str], bool, &str); 5] = [
        (&["true"], true, ""),
        (&["true", "true"], true, ""),
        (&["false"], true, set_it),
        (&["true", "false"], true, set_it),
        (&["true"], false, "warning describe-load-balancer-attributes"),
    ];
    for (balancers, may_ask, expected) in table {
        let standin = Standin::new().with_setting("load_balancing.cross_zone.enabled", "use_load_balancer_configuration");
        standin.world().load_balancers = (1..).zip(balancers).map(|(i, on)| (format!("arn:{i}"), (*on).to_owned())).collect();
        let standin = if may_ask { standin } else { standin.with_fault("DescribeLoadBalancerAttributes", DENIED) };
        let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
        let Some((level, words)) = expected.split_once(' ') else {
            assert!(codes(&answer).is_empty(), "{answer}");
            continue;
        };
        assert_has(&only(&answer, &format!("{level} attribute")), &[words]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_stays_initial_is_held_for_two_minutes_look_after_look() {
    let standin = Standin::new().with_targets("10.0.2.22:3306 initial");
    let function = function(&standin, WITH_RDS).await;
    for after in [0, 60, 119] {
        let answer = invoke_after(after, &function, &schedule()).await.unwrap();
        assert_eq!(doubt_or_outcome(&answer), "still-registering", "{after} s: {answer}");
    }
    let answer = invoke_after(120, &function, &schedule()).await.unwrap();
    assert_eq!((&answer["outcome"], standin.registered()), (&json!("switched"), vec![A.to_owned()]), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn another_look_starts_the_two_minutes_anew() {
    let standin = Standin::new().with_targets("10.0.2.22:3306 initial");
    let function = function(&standin, WITH_RDS).await;
    for (after, shown) in [(0, "aurora-1"), (60, "aurora-3"), (120, "aurora-1"), (239, "aurora-1")] {
        let standin = standin.clone().rds_shows(&[("available", shown)]);
        assert_eq!(invoke_after(after, &function, &schedule()).await.unwrap()["outcome"], "unchanged", "{after} s");
        assert!(standin.writes().is_empty());
    }
    assert_eq!(invoke_after(240, &function, &schedule()).await.unwrap()["outcome"], "switched");
}

/// The failover to aurora-2 fails, and no event says so; its target stays `initial`.
#[tokio::test(start_paused = true)]
async fn a_minute_after_its_own_switch_initial_no_longer_protects_what_an_event_named() {
    for (after, expected) in
        [(30, "just-named"), (60, "just-named"), (61, "switched"), (594, "switched"), (601, "still-registering")]
    {
        let standin = Standin::new().rds_shows(LATE);
        let function = function(&standin, WITH_RDS).await;
        invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
        let answer = invoke_after(after, &function, &schedule()).await.unwrap();
        assert_eq!(doubt_or_outcome(&answer), expected, "{after} s: {answer}");
    }
}

/// The event came late, so its run looked up no address of the instance that it named.
#[tokio::test(start_paused = true)]
async fn a_late_events_instance_is_looked_up_when_its_target_stands_in_the_way() {
    let standin = Standin::new().with_targets("10.0.2.22:3306 initial").rds_shows(LATE);
    let function = function(&standin, WITH_RDS).await;
    let answer = invoke_with(&function, &started("aurora-2", OLD)).await.unwrap();
    assert_eq!(answer["doubt"], "still-registering", "{answer}");
    let answer = invoke_after(61, &function, &schedule()).await.unwrap();
    assert_eq!(answer["outcome"], "switched", "{answer}");
}
