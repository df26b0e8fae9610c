//! One RDS Multi-AZ DB instance: no event names an address, so DNS is the witness.

use aurora_nlb_failover::{Error, Function};
use tokio::time::{Instant, sleep};

use crate::support::*;

const HOST: &str = "orders.abc.eu-west-1.rds.amazonaws.com";
const INSTANCE: &[(&str, &str)] = &[("DB_INSTANCE_ID", "orders"), ("IP_DICT", "")];
const STARTED: &str = "RDS-EVENT-0013";
const ENDED: &str = "RDS-EVENT-0049";

/// What RDS shows of the instance: these elements in place of the usual ones.
macro_rules! shown {
    ($($fields:expr),*) => {
        concat!(
            "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>",
            "<DBInstanceIdentifier>orders</DBInstanceIdentifier><Engine>mysql</Engine>",
            $($fields,)*
            "</DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
        )
    };
}
macro_rules! endpoint {
    () => {
        "<Endpoint><Address>orders.abc.eu-west-1.rds.amazonaws.com</Address><Port>3306</Port></Endpoint>"
    };
}
const AVAILABLE: &str = shown!("<DBInstanceStatus>available</DBInstanceStatus><MultiAZ>true</MultiAZ>", endpoint!());
const STOPPED: &str = shown!("<DBInstanceStatus>stopped</DBInstanceStatus><MultiAZ>true</MultiAZ>", endpoint!());
const RENAMED: &str =
    shown!("<DBInstanceStatus>available</DBInstanceStatus><Endpoint><Address>renamed.example</Address></Endpoint>");
const PUBLIC: &str = shown!(
    "<DBInstanceStatus>available</DBInstanceStatus><MultiAZ>true</MultiAZ><PubliclyAccessible>true</PubliclyAccessible>",
    endpoint!()
);
const MEMBER: &str =
    shown!("<DBInstanceStatus>available</DBInstanceStatus><DBClusterIdentifier>aurora-prod</DBClusterIdentifier>", endpoint!());
const SINGLE: &str = shown!("<DBInstanceStatus>available</DBInstanceStatus><MultiAZ>false</MultiAZ>", endpoint!());
const REPLICA: &str = shown!(
    "<DBInstanceStatus>available</DBInstanceStatus><MultiAZ>true</MultiAZ>",
    "<ReadReplicaSourceDBInstanceIdentifier>main</ReadReplicaSourceDBInstanceIdentifier>",
    endpoint!()
);

/// The group holds 10.0.1.11, and so does DNS.
fn standin(shown: &'static str) -> Standin {
    let standin = Standin::new().with_faults("DescribeDBInstances", Fault::Body(shown), 50);
    point(&standin, HOST, "10.0.1.11");
    standin
}

/// From now on the name has these addresses; without any it does not resolve.
fn point(standin: &Standin, host: &str, addresses: &str) {
    let mut world = standin.world();
    world.names.retain(|(name, _)| name != host);
    if !addresses.is_empty() {
        world.names.push((host.to_owned(), addresses.split_whitespace().map(|ip| ip.parse().unwrap()).collect()));
    }
}

/// A notification of the instance, so old.
fn event(event_id: &str, age_ms: i64) -> Value {
    let mut message = notification(event_id, "Multi-AZ instance failover.", age_ms);
    message["Event Source"] = "db-instance".into();
    message["Source ID"] = "orders".into();
    message["Source ARN"] = "arn:aws:rds:eu-west-1:123456789012:db:orders".into();
    sns([&message])
}

/// One invocation with the template's timeout for an instance: the answer, and the seconds that it took.
async fn run(function: &Function, after: i64, payload: &Value) -> (Result<Value, Error>, f64) {
    let start = Instant::now();
    let now = now() + chrono::TimeDelta::seconds(after);
    let answer = Box::pin(function.handle(payload, now, start + Duration::from_secs(120))).await;
    (answer.map(|answer| serde_json::to_value(answer).unwrap()), start.elapsed().as_secs_f64())
}

/// The same in a new process, while the name moves to `address` after so many seconds.
async fn run_while_it_moves(standin: &Standin, payload: &Value, seconds: u64, address: &str) -> (Result<Value, Error>, f64) {
    let function = function(standin, INSTANCE).await;
    let moves = async {
        sleep(Duration::from_secs(seconds)).await;
        point(standin, HOST, address);
    };
    tokio::join!(run(&function, 0, payload), moves).0
}

#[tokio::test(start_paused = true)]
async fn a_started_event_watches_dns_each_second_until_the_address_moves() {
    for id in [STARTED, "RDS-EVENT-0050"] {
        let standin = standin(AVAILABLE);
        let (answer, seconds) = run_while_it_moves(&standin, &event(id, 1_000), 20, "10.0.2.22").await;
        let answer = answer.unwrap();
        assert_eq!(answer["outcome"], "switched", "{answer}");
        let expected = (&json!("orders"), &json!("event+dns"), &json!("10.0.2.22:3306"));
        assert_eq!((&answer["writer"], &answer["evidence"], &answer["target"]), expected);
        assert_eq!(standin.registered(), [B]);
        assert!((20.0..21.1).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_event_acts_at_once_if_the_address_has_moved_and_waits_15_s_if_not() {
    for id in ["RDS-EVENT-0015", ENDED, "RDS-EVENT-0051", "RDS-EVENT-0065"] {
        for (moves_after, outcome, at_most) in [(0, "switched", 1.1), (10, "switched", 11.1), (60, "unchanged", 60.1)] {
            let standin = standin(AVAILABLE);
            if moves_after == 0 {
                point(&standin, HOST, "10.0.2.22");
            }
            let (answer, seconds) = run_while_it_moves(&standin, &event(id, 0), moves_after, "10.0.2.22").await;
            let answer = answer.unwrap();
            assert_eq!(answer["outcome"], outcome, "{id}: {answer}");
            assert!(seconds <= at_most, "{id}, {moves_after}: {seconds}");
            assert_eq!(
                answer["doubt"],
                if outcome == "unchanged" { json!("address-not-moved") } else { Value::Null },
                "{answer}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_move_ends_unchanged_shortly_before_the_deadline() {
    let standin = standin(AVAILABLE);
    let (answer, seconds) = run(&function(&standin, INSTANCE).await, 0, &event(STARTED, 0)).await;
    let answer = answer.unwrap();
    assert_eq!((&answer["outcome"], &answer["doubt"]), (&json!("unchanged"), &json!("address-not-moved")), "{answer}");
    assert!((110.0..120.0).contains(&seconds) && standin.writes().is_empty(), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_lookup_while_waiting_counts_as_not_moved() {
    let standin = standin(AVAILABLE);
    let function = function(&standin, INSTANCE).await;
    let moves = async {
        for (seconds, address) in [(5, ""), (5, "10.0.2.22")] {
            sleep(Duration::from_secs(seconds)).await;
            point(&standin, HOST, address);
        }
    };
    let payload = event(STARTED, 0);
    let ((answer, seconds), ()) = tokio::join!(run(&function, 0, &payload), moves);
    assert_eq!(answer.unwrap()["outcome"], "switched");
    assert!((10.0..11.1).contains(&seconds), "{seconds}");
    let asked = standin.calls().into_iter().filter(|call| call.starts_with("DescribeDBInstances")).count();
    assert_eq!(asked, 2, "at the beginning, and again at the first lookup that failed");
}

#[tokio::test(start_paused = true)]
async fn after_its_own_switch_an_event_of_the_same_failover_does_not_wait() {
    let standin = standin(AVAILABLE);
    let function = function(&standin, INSTANCE).await;
    point(&standin, HOST, "10.0.2.22");
    assert_eq!(run(&function, 0, &event(STARTED, 0)).await.0.unwrap()["outcome"], "switched");
    for (after, payload) in [(1, event(STARTED, 0)), (30, event(ENDED, -29_000)), (31, event("RDS-EVENT-0050", -30_000))] {
        let (answer, seconds) = run(&function, after, &payload).await;
        let answer = answer.unwrap();
        assert_eq!(
            (&answer["outcome"], &answer["evidence"], seconds),
            (&json!("unchanged"), &json!("event+dns"), 0.0),
            "{answer}"
        );
        assert!(answer.get("doubt").is_none(), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn dns_alone_needs_two_lookups_that_agree() {
    for payload in [schedule(), reconcile(), event(STARTED, OLD), event(ENDED, OLD)] {
        let standin = standin(AVAILABLE);
        point(&standin, HOST, "10.0.2.22");
        let (answer, seconds) = run(&function(&standin, INSTANCE).await, 0, &payload).await;
        let answer = answer.unwrap();
        assert_eq!((&answer["outcome"], &answer["evidence"], seconds), (&json!("switched"), &json!("dns"), 6.0), "{answer}");
        assert_eq!(standin.registered(), [B]);
    }
    let standin = standin(AVAILABLE);
    point(&standin, HOST, "10.0.2.22");
    let (answer, _) = run_while_it_moves(&standin, &schedule(), 3, "10.0.1.11").await;
    assert_eq!(answer.unwrap()["outcome"], "unchanged", "DNS flaps");
    assert!(standin.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn dns_alone_holds_an_initial_target_for_two_minutes_and_an_event_does_not() {
    let standin = standin(AVAILABLE).with_targets("10.0.2.22:3306 initial");
    let scheduled = function(&standin, INSTANCE).await;
    for (after, expected) in [(0, "still-registering"), (60, "still-registering"), (119, "still-registering"), (120, "switched")]
    {
        let answer = run(&scheduled, after, &schedule()).await.0.unwrap();
        assert_eq!(answer["doubt"].as_str().or(answer["outcome"].as_str()), Some(expected), "{after} s: {answer}");
    }
    let standin = self::standin(AVAILABLE).with_targets("10.0.2.22:3306 initial");
    let answer = run(&function(&standin, INSTANCE).await, 0, &event(ENDED, 0)).await.0.unwrap();
    assert_eq!((&answer["outcome"], standin.registered()), (&json!("switched"), vec![A.to_owned()]), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_instance_is_calm_and_another_name_that_does_not_resolve_is_an_error() {
    for payload in [schedule(), event(STARTED, 0), event(ENDED, 0)] {
        let stopped = standin(STOPPED);
        point(&stopped, HOST, "");
        let answer = run(&function(&stopped, INSTANCE).await, 0, &payload).await.0.unwrap();
        assert_eq!((&answer["outcome"], &answer["doubt"]), (&json!("unchanged"), &json!("instance-stopped")), "{answer}");
    }
    let unresolved = standin(AVAILABLE);
    point(&unresolved, HOST, "");
    let error = run(&function(&unresolved, INSTANCE).await, 0, &schedule()).await.0.unwrap_err();
    assert_eq!(error.name(), "AddressUnresolved");
    assert!(error.to_string().contains(HOST) && !error.to_string().contains("IP_DICT"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_name_is_asked_for_again_when_a_lookup_fails() {
    let standin = Standin::new().with_fault("DescribeDBInstances", Fault::Body(AVAILABLE));
    let standin = standin.with_fault("DescribeDBInstances", Fault::Body(RENAMED));
    point(&standin, "renamed.example", "10.0.2.22");
    let (answer, seconds) = run(&function(&standin, INSTANCE).await, 0, &event(ENDED, 0)).await;
    assert_eq!((&answer.unwrap()["outcome"], seconds), (&json!("switched"), 0.0));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_followed_is_an_error_with_the_remedy() {
    let public = standin(PUBLIC);
    point(&public, HOST, "54.72.1.2");
    for (standin, name, words, not) in [
        (public, "AddressUnresolved", "inside the VPC", "IP_DICT"),
        (standin(MEMBER), "ClusterIdRequired", "set DB_CLUSTER_ID", "\n"),
    ] {
        for payload in [schedule(), event(STARTED, 0), event(ENDED, OLD), json!({"action": "check"})] {
            let answer = run(&function(&standin, INSTANCE).await, 0, &payload).await.0;
            match answer {
                Err(error) => {
                    assert_eq!(error.name(), name, "{error}");
                    assert!(error.to_string().contains(words) && !error.to_string().contains(not), "{error}");
                }
                Ok(answer) => {
                    assert_eq!(answer["findings"][0]["code"], "publicly-accessible", "{answer}");
                    assert!(!answer.to_string().contains("IP_DICT"), "{answer}");
                }
            }
        }
        assert!(standin.writes().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_instance_or_of_no_failover_is_ignored() {
    let by_eventbridge = |id: Option<&str>, arn: &str| {
        json!({"source": "aws.rds", "detail-type": "RDS DB Instance Event", "account": "123456789012", "region": "eu-west-1",
               "detail": {"EventID": id, "SourceArn": arn, "SourceIdentifier": "rds:orders", "Date": now().to_rfc3339()}})
    };
    let mut without_event_id = by_eventbridge(None, "");
    without_event_id["detail"].as_object_mut().unwrap().remove("EventID");
    let ours = "arn:aws:rds:eu-west-1:123456789012:db:orders";
    let table = [
        (event("RDS-EVENT-0034", 0), "RDS-EVENT-0034"),
        (event("RDS-EVENT-0073", 0), "RDS-EVENT-0073"),
        (by_eventbridge(Some(ENDED), "arn:aws:rds:eu-west-1:123456789012:db:other"), ":db:other"),
        (by_eventbridge(Some(ENDED), "arn:aws:rds:eu-west-1:210987654321:db:orders"), "210987654321"),
        (by_eventbridge(Some(ENDED), "arn:aws:rds:eu-west-1:123456789012:cluster:orders"), ":cluster:orders"),
        (without_event_id, "EventID"),
    ];
    for (payload, words) in table {
        let standin = standin(AVAILABLE);
        let answer = run(&function(&standin, INSTANCE).await, 0, &payload).await.0.unwrap();
        assert_eq!(answer["outcome"], "ignored", "{payload}");
        assert!(answer["reason"].as_str().unwrap().contains(words) && standin.calls().is_empty(), "{answer}");
    }
    for payload in [by_eventbridge(Some(ENDED), ours), json!([by_eventbridge(Some(ENDED), "")])] {
        let standin = standin(AVAILABLE);
        point(&standin, HOST, "10.0.2.22");
        let answer = run(&function(&standin, INSTANCE).await, 0, &payload).await.0.unwrap();
        assert_eq!(answer["evidence"], "event+dns", "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn check_examines_an_instance_as_a_cluster_of_one() {
    let table: [(&'static str, &[&str], bool); 3] =
        [(AVAILABLE, &[], true), (SINGLE, &["single-az warning"], true), (REPLICA, &["read-replica error"], true)];
    for (shown, expected, in_sync) in table {
        let answer = run(&function(&standin(shown), INSTANCE).await, 0, &json!({"action": "check"})).await.0.unwrap();
        let findings: Vec<_> = answer["findings"].as_array().unwrap().iter().collect();
        let codes: Vec<_> =
            findings.iter().map(|it| format!("{} {}", it["code"].as_str().unwrap(), it["level"].as_str().unwrap())).collect();
        assert_eq!(
            (codes, &answer["in_sync"], &answer["writer"]),
            (expected.iter().map(|it| (*it).to_owned()).collect(), &json!(in_sync), &json!("orders")),
            "{answer}"
        );
    }
    let moved = standin(AVAILABLE);
    point(&moved, HOST, "10.0.2.22");
    let answer = run(&function(&moved, INSTANCE).await, 0, &json!({"action": "check"})).await.0.unwrap();
    assert_eq!((&answer["in_sync"], &answer["findings"][0]["code"]), (&json!(false), &json!("targets")), "{answer}");
}
