//! `check` reports nothing about a perfect set-up, and about a set-up with one fault only that fault, with its remedy.

use crate::standin::ATTRIBUTES;
use crate::support::*;

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

type Break = fn(&Standin);

fn set(standin: &Standin, key: &str, value: &str) {
    standin.clone().with_setting(key, value);
}

fn endpoint(standin: &Standin, instance: &str, addresses: &str) {
    standin.clone().with_endpoint(instance, addresses);
}

fn join(standin: &Standin, instance: &str, endpoint: Option<&str>) {
    standin.world().members.push((instance.to_owned(), endpoint.map(str::to_owned)));
}

const LACKS_AURORA_2: Variables =
    &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", r#"{"aurora-1":"10.0.1.11","aurora-3":"10.0.3.33"}"#)];

/// What is broken, variables; level and code of the finding, words of its message.
#[rustfmt::skip]
const FAULTS: &[(Break, Variables, &str, &[&str])] = &[
    (|s| set(s, "TargetType", "instance"), WITH_RDS, "error target-type", &["instance", "ip", "new group"]),
    (|s| set(s, "Protocol", "TLS"), WITH_RDS, "error protocol", &["TLS", "TCP", "new group"]),
    (|s| set(s, "Port", "3307"), WITH_RDS, "error port", &["3307", "3306", "TARGET_PORT"]),
    (|s| set(s, "HealthCheckPort", "traffic-port"), WITH_RDS, "error health-check-port",
     &["traffic-port", "modify-target-group --target-group-arn arn:", "--health-check-port 40000"]),
    (|s| set(s, "HealthCheckPort", "3306"), WITH_RDS, "error health-check-port",
     &["3306", "modify-target-group --target-group-arn arn:", "--health-check-port 40000"]),
    (|s| set(s, "IpAddressType", "ipv6"), WITH_RDS, "error address-family",
     &["aurora-1", "ipv4 address 10.0.1.11", "IpAddressType is ipv6", "IP_DICT"]),
    (|s| drop(s.clone().with_targets("10.0.2.22:3306 unhealthy")), WITH_RDS, "error targets",
     &["[10.0.2.22:3306]", "10.0.1.11:3306 (aurora-1)", "reconcile"]),
    (|s| drop(s.clone().with_targets("10.0.1.11:3306 draining")), WITH_RDS, "error targets", &["[]", "10.0.1.11:3306 (aurora-1)"]),
    (|s| drop(s.clone().rds_shows(&[("failing-over", "aurora-1")])), WITH_RDS, "error writer-unsettled",
     &["failing-over", "wait, and check again"]),
    (|s| s.world().load_balancers.clear(), WITH_RDS, "error target-unused",
     &["10.0.1.11:3306", "Target.NotInUse: Target group is not configured to receive traffic", "listener"]),
    (|s| s.world().enabled_zones.retain(|zone| *zone != "eu-west-1a"), WITH_RDS, "error target-unused",
     &["10.0.1.11:3306", "Target.NotInUse: Target is in an Availability Zone that is not enabled", "enable the target's zone"]),
    (|s| endpoint(&s.clone().with_public("aurora-1 aurora-2"), "aurora-2", "54.72.1.2"), LACKS_AURORA_2, "error publicly-accessible",
     &["aurora-2 is publicly accessible", "rds.amazonaws.com", "54.72.1.2", "private address into IP_DICT", "inside the VPC"]),
    (|s| endpoint(s, "aurora-2", "10.0.2.22 10.0.2.23"), LACKS_AURORA_2, "error no-address",
     &["aurora-2", "2 addresses (10.0.2.22, 10.0.2.23)", "IP_DICT"]),
    (|s| endpoint(&s.clone().with_public("aurora-2"), "aurora-2", "54.72.1.2"), WITH_RDS, "warning ip-dict-not-compared",
     &["aurora-2", "10.0.2.22", "54.72.1.2", "inside the VPC"]),
    (|_| (), DRY, "warning dry-run", &["DRY_RUN is on", "set it to false"]),
    (|s| join(s, "aurora-4", None), WITH_RDS, "warning not-ready", &["aurora-4", "no endpoint yet"]),
    (|s| join(s, "aurora-4", Some("no-such-host.invalid")), WITH_RDS, "error no-address",
     &["aurora-4", "no-such-host.invalid does not resolve", "IP_DICT"]),
    (|s| endpoint(s, "aurora-2", "10.0.2.99"), WITH_RDS, "error stale-ip-dict-entry",
     &["aurora-2", "10.0.2.22", "put 10.0.2.99 into IP_DICT"]),
    (|s| drop(s.world().members.remove(2)), WITH_RDS, "warning unknown-ip-dict-entry", &["aurora-3", "not a member", "remove it"]),
];

#[tokio::test(start_paused = true)]
async fn each_fault_alone_gives_that_finding_with_its_remedy() {
    for (break_it, variables, finding, words) in FAULTS {
        let standin = Standin::new();
        break_it(&standin);
        let answer = invoke(&standin, variables, &check()).await.unwrap();
        assert_has(&only(&answer, finding), words);
        let (_, code) = finding.split_once(' ').unwrap();
        assert_eq!(answer["in_sync"], json!(!["targets", "writer-unsettled"].contains(&code)), "{code}");
        assert!(standin.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn each_attribute_alone_gives_that_finding_with_the_command_that_sets_it() {
    for (key, value) in ATTRIBUTES {
        let level = if key == "preserve_client_ip.enabled" { "warning" } else { "error" };
        let (wrong, unset) = (Standin::new().with_setting(key, "wrong"), Standin::new());
        unset.world().attributes.retain(|(name, _)| name != key);
        for (standin, is) in [(wrong, "is wrong"), (unset, "not set")] {
            let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
            assert_has(&only(&answer, &format!("{level} attribute")), &[is, &format!("Key={key},Value={value}")]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_command_sets_all_attributes_that_are_wrong_and_no_other() {
    let standin = ATTRIBUTES[1..].iter().fold(Standin::new(), |standin, (key, _)| standin.with_setting(key, "wrong"));
    let answer = invoke(&standin, WITH_RDS, &check()).await.unwrap();
    assert_eq!(codes(&answer), ["attribute"; 4]);
    let settings = ATTRIBUTES[1..].iter().map(|(key, value)| format!(" Key={key},Value={value}")).collect::<String>();
    for finding in answer["findings"].as_array().unwrap() {
        assert!(finding["message"].as_str().unwrap().ends_with(&format!("--attributes{settings}")), "{finding}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_map_is_no_fault_while_every_member_resolves() {
    for public in ["", "aurora-1 aurora-2 aurora-3"] {
        let answer = invoke(&Standin::new().with_public(public), NO_MAP, &check()).await.unwrap();
        assert_eq!((&answer["in_sync"], &answer["findings"]), (&json!(true), &json!([])), "{public}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_cannot_be_made_is_an_error_that_names_the_call() {
    let of_group = ["DescribeTargetGroups", "DescribeTargetGroupAttributes", "DescribeTargetHealth"];
    for action in of_group.into_iter().chain(["DescribeDBClusters", "DescribeDBInstances"]) {
        let standin = Standin::new().with_fault(action, DENIED);
        assert_fails(invoke(&standin, WITH_RDS, &check()).await, "AwsCallFailed", &[action, "AccessDenied"]);
    }
}

#[tokio::test]
async fn an_empty_group_that_no_balancer_uses_is_both_and_a_dry_run_of_check_is_a_check() {
    let standin = Standin::new().with_targets("");
    standin.world().load_balancers.clear();
    let answer = invoke(&standin, WITH_RDS, &json!({"action": "check", "dry_run": true})).await;
    assert_eq!(summary(&answer), "checked aurora-1 target-unused targets");
}

pub fn codes(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// The message of the only finding, which must have this level and code.
#[track_caller]
pub fn only(answer: &Value, expected: &str) -> String {
    let [finding] = answer["findings"].as_array().unwrap().as_slice() else { panic!("{expected}: {answer}") };
    let word = |key: &str| finding[key].as_str().unwrap().to_owned();
    assert_eq!([word("level"), word("code")].join(" "), expected);
    word("message")
}
