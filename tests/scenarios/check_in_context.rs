//! `check` where one fault, or the moment, changes what is to be said of another.

use crate::check::codes;
use crate::support::*;

/// `check` reports only the type: the rest follows from it.
#[tokio::test(start_paused = true)]
async fn a_group_of_another_type_is_found_even_where_its_targets_cannot_be_read() {
    let invalid = Fault::Error(400, "InvalidTarget", "no");
    // Its targets and the fault of reading them; the targets in the answer.
    let table = [
        ("lambda", "arn:aws:lambda:eu-west-1:123456789012:function:db: unused", PASS, json!([])),
        ("instance", "i-0123456789abcdef0:3306 unhealthy", PASS, json!(["i-0123456789abcdef0:3306"])),
        ("alb", "10.0.1.11:3306 unhealthy", invalid, json!([])),
    ];
    for (kind, targets, fault, shown) in table {
        let standin = Standin::new().with_setting("TargetType", kind).with_targets(targets);
        standin.world().target_group.retain(|(key, _)| kind != "lambda" || key == "TargetType");
        standin.world().attributes.clear();
        let answer = invoke(&standin.with_fault("DescribeTargetHealth", fault), WITH_RDS, &check()).await.unwrap();
        assert_eq!(codes(&answer), ["target-type"], "{answer}");
        let message = message(&answer, "target-type");
        assert_has(message, &[kind, "expected ip"]);
        assert_eq!(message.contains("cannot be read"), shown == json!([]), "{message}");
        assert_eq!((&answer["in_sync"], &answer["targets"], &answer["writer"]), (&json!(false), &shown, &json!("aurora-1")));
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
        let function = if named { switched_to_b(&standin, 0).await } else { function(&standin, WITH_RDS).await };
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
    assert_has(message(&answer, "targets"), &["first correct its address"]);
}

#[tokio::test(start_paused = true)]
async fn of_two_families_check_takes_the_groups() {
    for (family, target) in [("ipv4", "10.0.1.11:3306 unhealthy"), ("ipv6", "2001:db8::11:3306 unhealthy")] {
        let standin = Standin::new().with_setting("IpAddressType", family).with_targets(target);
        let standin = standin.with_endpoint("aurora-1", "10.0.1.11 2001:db8::11");
        let answer = invoke(&standin, NO_MAP, &check()).await.unwrap();
        assert_eq!((&answer["in_sync"], codes(&answer).len()), (&json!(true), 0), "{answer}");
    }
}

fn message<'a>(answer: &'a Value, code: &str) -> &'a str {
    let findings = answer["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["code"] == code).unwrap()["message"].as_str().unwrap()
}
