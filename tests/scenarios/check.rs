//! `check` reports nothing of a perfect set-up, and of a set-up with one fault only that fault, with its remedy.

use serde_json::{Value, json};

use crate::standin::{Fault, Standin};
use crate::support::*;

pub fn check() -> Value {
    json!({"action": "check"})
}

#[tokio::test(start_paused = true)]
async fn a_perfect_set_up_has_no_findings() {
    let standin = Standin::new();
    let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({"outcome": "checked", "version": version, "in_sync": true, "writer": "aurora-1",
                          "targets": ["10.0.1.11:3306"], "findings": []});
    assert_eq!(answer, expected);
    assert!(standin.writes().is_empty());
}

const LACKS_AURORA_2: &[(&str, &str)] =
    &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", r#"{"aurora-1":"10.0.1.11","aurora-3":"10.0.3.33"}"#)];

#[tokio::test(start_paused = true)]
async fn each_fault_alone_gives_that_finding_with_its_remedy() {
    type Break = fn(&Standin);
    fn set(pairs: &mut [(String, String)], key: &str, value: &str) {
        pairs.iter_mut().find(|(name, _)| name == key).unwrap().1 = value.to_owned();
    }
    let plain: &[(&str, &str)] = WITH_RDS;
    // fault, variables, level, code, words of the message
    let table: Vec<(Break, &[(&str, &str)], &str, &str, &[&str])> = vec![
        (
            |s| set(&mut s.world().target_group, "TargetType", "instance"),
            plain,
            "error",
            "target-type",
            &["instance", "ip", "new group"],
        ),
        (|s| set(&mut s.world().target_group, "Protocol", "TLS"), plain, "error", "protocol", &["TLS", "TCP", "new group"]),
        (|s| set(&mut s.world().target_group, "Port", "3307"), plain, "error", "port", &["3307", "3306", "TARGET_PORT"]),
        (
            |s| set(&mut s.world().target_group, "HealthCheckPort", "traffic-port"),
            plain,
            "error",
            "health-check-port",
            &["traffic-port", "modify-target-group --target-group-arn arn:", "--health-check-port 40000"],
        ),
        (
            |s| set(&mut s.world().target_group, "HealthCheckPort", "3306"),
            plain,
            "error",
            "health-check-port",
            &["3306", "modify-target-group --target-group-arn arn:", "--health-check-port 40000"],
        ),
        (
            |s| set(&mut s.world().attributes, "target_health_state.unhealthy.connection_termination.enabled", "true"),
            plain,
            "error",
            "attribute",
            &["Key=target_health_state.unhealthy.connection_termination.enabled,Value=false"],
        ),
        (
            |s| set(&mut s.world().attributes, "deregistration_delay.connection_termination.enabled", "false"),
            plain,
            "error",
            "attribute",
            &["Key=deregistration_delay.connection_termination.enabled,Value=true"],
        ),
        (
            |s| set(&mut s.world().attributes, "deregistration_delay.timeout_seconds", "300"),
            plain,
            "error",
            "attribute",
            &["is 300", "Key=deregistration_delay.timeout_seconds,Value=0"],
        ),
        (
            |s| set(&mut s.world().attributes, "load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
            plain,
            "warning",
            "attribute",
            &["describe-load-balancer-attributes --load-balancer-arn"],
        ),
        (
            |s| s.world().attributes.truncate(4),
            plain,
            "warning",
            "attribute",
            &["not set", "Key=preserve_client_ip.enabled,Value=false"],
        ),
        (
            |s| drop(s.clone().with_targets("10.0.2.22:3306 unhealthy")),
            plain,
            "error",
            "targets",
            &["[10.0.2.22:3306]", "10.0.1.11:3306 (aurora-1)", "reconcile"],
        ),
        (
            |s| drop(s.clone().with_targets("10.0.1.11:3306 draining")),
            plain,
            "error",
            "targets",
            &["[]", "10.0.1.11:3306 (aurora-1)"],
        ),
        (
            |s| drop(s.clone().rds_shows(&[("failing-over", "aurora-1")])),
            plain,
            "error",
            "writer-unsettled",
            &["failing-over", "wait, and check again"],
        ),
        (
            |s| s.world().load_balancers.clear(),
            plain,
            "error",
            "target-unused",
            &["10.0.1.11:3306", "Target.NotInUse: Target group is not configured to receive traffic", "listener"],
        ),
        (
            |s| s.world().enabled_zones.retain(|zone| *zone != "eu-west-1a"),
            plain,
            "error",
            "target-unused",
            &[
                "10.0.1.11:3306",
                "Target.NotInUse: Target is in an Availability Zone that is not enabled",
                "enable the target's zone",
            ],
        ),
        (
            |s| drop(s.clone().with_setting("IpAddressType", "ipv6")),
            plain,
            "error",
            "address-family",
            &["aurora-1", "ipv4 address 10.0.1.11", "IpAddressType is ipv6", "IP_DICT"],
        ),
        (
            |s| drop(s.clone().with_public("aurora-1 aurora-2").with_endpoint("aurora-2", "54.72.1.2")),
            LACKS_AURORA_2,
            "error",
            "publicly-accessible",
            &[
                "aurora-2 is publicly accessible",
                "rds.amazonaws.com",
                "54.72.1.2",
                "private address into IP_DICT",
                "inside the VPC",
            ],
        ),
        (
            |s| drop(s.clone().with_endpoint("aurora-2", "10.0.2.22 10.0.2.23")),
            LACKS_AURORA_2,
            "error",
            "no-address",
            &["aurora-2", "2 addresses (10.0.2.22, 10.0.2.23)", "IP_DICT"],
        ),
        (
            |s| drop(s.clone().with_public("aurora-2").with_endpoint("aurora-2", "54.72.1.2")),
            plain,
            "warning",
            "ip-dict-not-compared",
            &["aurora-2", "10.0.2.22", "54.72.1.2", "inside the VPC"],
        ),
        (
            |_| (),
            &[("DB_CLUSTER_ID", "aurora-prod"), ("DRY_RUN", "true")],
            "warning",
            "dry-run",
            &["DRY_RUN is on", "set it to false"],
        ),
        (
            |s| s.world().members.push(("aurora-4".to_owned(), None)),
            plain,
            "warning",
            "not-ready",
            &["aurora-4", "no endpoint yet"],
        ),
        (
            |s| s.world().members.push(("aurora-4".to_owned(), Some("no-such-host.invalid".to_owned()))),
            plain,
            "error",
            "no-address",
            &["aurora-4", "no-such-host.invalid does not resolve", "IP_DICT"],
        ),
        (
            |s| s.world().members[1].1 = Some("10.0.2.99".to_owned()),
            plain,
            "error",
            "stale-ip-dict-entry",
            &["aurora-2", "10.0.2.22", "put 10.0.2.99 into IP_DICT"],
        ),
        (
            |s| drop(s.world().members.remove(2)),
            plain,
            "warning",
            "unknown-ip-dict-entry",
            &["aurora-3", "no member", "remove it"],
        ),
    ];
    for (break_it, variables, level, code, words) in table {
        let standin = Standin::new();
        break_it(&standin);
        let answer = invoke(&standin, variables, &check()).await.unwrap();
        let findings = answer["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{code}: {findings:?}");
        assert_eq!((&findings[0]["level"], &findings[0]["code"]), (&json!(level), &json!(code)));
        let message = findings[0]["message"].as_str().unwrap();
        words.iter().for_each(|word| assert!(message.contains(word), "{message:?} lacks {word:?}"));
        assert_eq!(answer["in_sync"], json!(!["targets", "writer-unsettled"].contains(&code)), "{code}");
        assert!(standin.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_map_is_no_fault_while_every_member_resolves() {
    let answer = invoke(&Standin::new(), &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", "")], &check()).await.unwrap();
    assert_eq!((&answer["in_sync"], &answer["findings"]), (&json!(true), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_cannot_be_made_is_an_error_that_names_the_call() {
    for action in [
        "DescribeTargetGroups",
        "DescribeTargetGroupAttributes",
        "DescribeTargetHealth",
        "DescribeDBClusters",
        "DescribeDBInstances",
    ] {
        let standin = Standin::new().with_fault(action, Fault::Error(403, "AccessDenied", "not authorized"));
        let error = invoke(&standin, WITH_RDS, &check()).await.unwrap_err();
        assert!(error.to_string().contains(action) && error.to_string().contains("AccessDenied"), "{error}");
    }
}

#[tokio::test]
async fn an_empty_group_that_no_balancer_uses_is_both_and_a_dry_run_of_check_is_a_check() {
    let standin = Standin::new().with_targets("");
    standin.world().load_balancers.clear();
    let report = invoke(&standin, WITH_RDS, &json!({"action": "check", "dry_run": true})).await.unwrap();
    let codes: Vec<_> = report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!((&report["outcome"], codes), (&json!("checked"), vec!["target-unused", "targets"]));
}
