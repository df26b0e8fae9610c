//! `check` reports nothing of a perfect set-up, and of a set-up with one fault only that fault, with its remedy.

use serde_json::{Value, json};

use crate::standin::{Fault, Standin};
use crate::support::*;

fn check() -> Value {
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
            "error",
            "attribute",
            &["Key=load_balancing.cross_zone.enabled,Value=true"],
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
            "error",
            "no-address",
            &["aurora-4", "no endpoint", "IP_DICT"],
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

/// `check` reports only the type: the rest follows from it.
#[tokio::test(start_paused = true)]
async fn a_group_of_another_type_is_found_even_where_its_targets_cannot_be_read() {
    // Its targets and the fault of reading them; the targets in the answer.
    let denied = || Some(Fault::Error(400, "InvalidTarget", "no"));
    let table = [
        ("lambda", "arn:aws:lambda:eu-west-1:123456789012:function:db: unused", None, json!([])),
        ("instance", "i-0123456789abcdef0:3306 unhealthy", None, json!(["i-0123456789abcdef0:3306"])),
        ("alb", "10.0.1.11:3306 unhealthy", denied(), json!([])),
    ];
    for (kind, targets, fault, shown) in table {
        let standin = Standin::new().with_setting("TargetType", kind).with_targets(targets);
        let unset = ["Protocol", "Port", "HealthCheckPort", "IpAddressType"];
        standin.world().target_group.retain(|(key, _)| kind != "lambda" || !unset.contains(&key.as_str()));
        standin.world().attributes.clear();
        standin.world().faults.extend(fault.map(|fault| ("DescribeTargetHealth", fault)));
        let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
        assert_eq!(codes(&answer), ["target-type"], "{answer}");
        let message = message(&answer, "target-type");
        assert!(message.contains(kind) && message.contains("expected ip"), "{message}");
        assert_eq!(message.contains("cannot be read"), shown == json!([]), "{message}");
        assert_eq!((&answer["in_sync"], &answer["targets"], &answer["writer"]), (&json!(false), &shown, &json!("aurora-1")));
    }
}

#[tokio::test(start_paused = true)]
async fn each_wrong_attribute_is_told_with_the_one_command_that_sets_all_that_are_wrong() {
    let standin = Standin::new();
    for (key, value) in &mut standin.world().attributes {
        if key != "load_balancing.cross_zone.enabled" {
            "wrong".clone_into(value);
        }
    }
    let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
    assert_eq!(codes(&answer), ["attribute"; 4]);
    let command = "--attributes Key=target_health_state.unhealthy.connection_termination.enabled,Value=false \
                   Key=deregistration_delay.connection_termination.enabled,Value=true \
                   Key=deregistration_delay.timeout_seconds,Value=0 Key=preserve_client_ip.enabled,Value=false";
    for finding in answer["findings"].as_array().unwrap() {
        assert!(finding["message"].as_str().unwrap().ends_with(command), "{finding}");
    }
}

/// What RDS shows may be late, so that `reconcile` would take back what is right.
#[tokio::test(start_paused = true)]
async fn in_doubt_the_remedy_for_the_targets_is_to_wait() {
    // The group, what RDS shows, whether an event has just named aurora-2; the findings, whether to wait.
    let table: [(&str, (&str, &str), bool, &[&str], bool); 6] = [
        ("10.0.2.22:3306 unhealthy", ("available", "aurora-1"), false, &["targets"], false),
        ("10.0.2.22:3306 initial", ("available", "aurora-1"), false, &["targets"], true),
        ("10.0.2.22:3306 unhealthy", ("available", "aurora-1"), true, &["targets"], true),
        ("10.0.2.22:3306 unhealthy", ("failing-over", "aurora-1"), false, &["writer-unsettled", "targets"], true),
        ("10.0.2.22:3306 unhealthy", ("available", "aurora-1 aurora-3"), false, &["writer-unsettled"], true),
        ("10.0.3.33:3306 draining", ("available", "aurora-1"), true, &["targets"], false), // it only registers
    ];
    for (targets, view, named, expected, waits) in table {
        let standin = Standin::new().rds_shows(&[view]);
        let function = function(&standin, WITH_RDS).await;
        if named {
            invoke_with(&function, &started("aurora-2", 0)).await.unwrap();
        }
        standin.clone().with_targets(targets);
        let answer = invoke_after(1, &function, &check()).await.unwrap();
        assert_eq!(codes(&answer), expected, "{targets}: {answer}");
        for finding in answer["findings"].as_array().unwrap() {
            let message = finding["message"].as_str().unwrap();
            assert_eq!((message.contains("wait"), message.contains("reconcile")), (waits, !waits), "{targets}: {message}");
        }
    }
}

/// `reconcile` would try to register it, and be refused.
#[tokio::test(start_paused = true)]
async fn a_writer_of_the_other_family_is_to_be_put_right_before_the_targets() {
    let standin = Standin::new().with_setting("IpAddressType", "ipv6").with_targets("");
    let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
    assert_eq!(codes(&answer), ["address-family", "targets"]);
    assert!(message(&answer, "targets").contains("first put its address right"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_public_instance_is_no_fault_where_its_name_resolves_to_its_private_address() {
    let standin = Standin::new().with_public("aurora-1 aurora-2 aurora-3");
    let answer = invoke(&standin, &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", "")], &check()).await.unwrap();
    assert_eq!((&answer["in_sync"], &answer["findings"]), (&json!(true), &json!([])));
}

#[tokio::test(start_paused = true)]
async fn of_two_families_check_takes_the_groups() {
    for (family, target) in [("ipv4", "10.0.1.11:3306 unhealthy"), ("ipv6", "2001:db8::11:3306 unhealthy")] {
        let standin = Standin::new().with_setting("IpAddressType", family).with_targets(target);
        let standin = standin.with_endpoint("aurora-1", "10.0.1.11 2001:db8::11");
        let variables: &[_] = &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", "")];
        let answer = invoke(&standin, variables, &check()).await.unwrap();
        assert_eq!((&answer["in_sync"], codes(&answer).len()), (&json!(true), 0), "{answer}");
    }
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn message<'a>(answer: &'a Value, code: &str) -> &'a str {
    let findings = answer["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["code"] == code).unwrap()["message"].as_str().unwrap()
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
