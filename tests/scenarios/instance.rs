//! One RDS Multi-AZ DB instance: no event names an address, so DNS is the witness.

use aurora_nlb_failover::{Error, Function};
use chrono::TimeDelta;
use tokio::time::{Instant, sleep};

use crate::check::codes;
use crate::standin::{DB_INSTANCE, ENDPOINT, events};
use crate::support::*;

const INSTANCE: Variables = &[("DB_INSTANCE_ID", DB_INSTANCE), ("IP_DICT", "")];
const STARTED: &str = "RDS-EVENT-0013";
const ENDED: &str = "RDS-EVENT-0049";
const OLD_ADDRESS: &str = "10.0.1.11";
const NEW_ADDRESS: &str = "10.0.2.22";

/// The group holds the old address; DNS has this one.
fn standin(in_dns: &str) -> Standin {
    Standin::new().with_instance(in_dns)
}

/// A notification of the instance, so old.
fn event(event_id: &str, age_ms: i64) -> Value {
    let time = now() - TimeDelta::milliseconds(age_ms);
    sns([&events::instance_notification(event_id, "Multi-AZ instance failover.", time)])
}

/// One invocation with the template's timeout for an instance: the answer, and the seconds that it took.
async fn run_after(after: i64, function: &Function, payload: &Value) -> (Result<Value, Error>, f64) {
    let deadline = Instant::now() + Duration::from_secs(120);
    seconds(handle(function, payload, now() + TimeDelta::seconds(after), deadline)).await
}

/// The same in a new process.
async fn run(standin: &Standin, payload: &Value) -> (Result<Value, Error>, f64) {
    run_after(0, &function(standin, INSTANCE).await, payload).await
}

/// The same, while the name moves to each address in turn after so many seconds.
async fn run_while_it_moves(standin: &Standin, payload: &Value, moves: &[(u64, &str)]) -> (Result<Value, Error>, f64) {
    let moving = async {
        for (seconds, address) in moves {
            sleep(Duration::from_secs(*seconds)).await;
            standin.point(ENDPOINT, address);
        }
    };
    tokio::join!(run(standin, payload), moving).0
}

#[tokio::test(start_paused = true)]
async fn a_started_event_watches_dns_each_second_until_the_address_moves() {
    for id in [STARTED, "RDS-EVENT-0050"] {
        let standin = standin(OLD_ADDRESS);
        let (answer, seconds) = run_while_it_moves(&standin, &event(id, 1_000), &[(20, NEW_ADDRESS)]).await;
        assert_eq!(summary(&answer), "switched orders event+dns");
        assert_eq!((&answer.unwrap()["target"], standin.registered()), (&json!(B), vec![B.to_owned()]));
        assert!((20.0..21.1).contains(&seconds), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_ended_event_acts_at_once_if_the_address_has_moved_and_waits_15_s_if_not() {
    for id in ["RDS-EVENT-0015", ENDED, "RDS-EVENT-0051", "RDS-EVENT-0065"] {
        for (moves_after, expected, at_most) in [(0, "switched", 1.1), (10, "switched", 11.1), (60, "address-not-moved", 60.1)] {
            let standin = standin(if moves_after == 0 { NEW_ADDRESS } else { OLD_ADDRESS });
            let (answer, seconds) = run_while_it_moves(&standin, &event(id, 0), &[(moves_after, NEW_ADDRESS)]).await;
            assert_eq!(doubt_or_outcome(&answer.unwrap()), expected, "{id}, {moves_after}");
            assert!(seconds <= at_most, "{id}, {moves_after}: {seconds}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_move_ends_unchanged_shortly_before_the_deadline() {
    let standin = standin(OLD_ADDRESS);
    let (answer, seconds) = run(&standin, &event(STARTED, 0)).await;
    let answer = answer.unwrap();
    assert_eq!((&answer["outcome"], &answer["doubt"]), (&json!("unchanged"), &json!("address-not-moved")), "{answer}");
    assert!((110.0..120.0).contains(&seconds) && standin.writes().is_empty(), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_lookup_while_waiting_counts_as_not_moved() {
    let standin = standin(OLD_ADDRESS);
    let (answer, seconds) = run_while_it_moves(&standin, &event(STARTED, 0), &[(5, ""), (5, NEW_ADDRESS)]).await;
    assert_eq!(summary(&answer), "switched orders event+dns");
    assert!((10.0..11.1).contains(&seconds), "{seconds}");
    assert_eq!(count(&standin, "DescribeDBInstances"), 2, "at the beginning, and again at the first lookup that failed");
}

#[tokio::test(start_paused = true)]
async fn after_its_own_switch_an_event_of_the_same_failover_does_not_wait() {
    let standin = standin(NEW_ADDRESS);
    let function = function(&standin, INSTANCE).await;
    assert_eq!(summary(&run_after(0, &function, &event(STARTED, 0)).await.0), "switched orders event+dns");
    for (after, payload) in [(1, event(STARTED, 0)), (30, event(ENDED, -29_000)), (31, event("RDS-EVENT-0050", -30_000))] {
        let (answer, seconds) = run_after(after, &function, &payload).await;
        assert_eq!((summary(&answer).as_str(), seconds), ("unchanged orders event+dns", 0.0), "{after}");
        assert_eq!(answer.unwrap()["doubt"], Value::Null, "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn dns_alone_needs_two_lookups_that_agree() {
    for payload in [schedule(), reconcile(), event(STARTED, OLD), event(ENDED, OLD)] {
        let standin = standin(NEW_ADDRESS);
        let (answer, seconds) = run(&standin, &payload).await;
        assert_eq!((summary(&answer).as_str(), seconds), ("switched orders dns", 6.0), "{payload}");
        assert_eq!(standin.registered(), [B]);
    }
    let flapping = standin(NEW_ADDRESS);
    let (answer, _) = run_while_it_moves(&flapping, &schedule(), &[(3, OLD_ADDRESS)]).await;
    assert_eq!(answer.unwrap()["outcome"], "unchanged");
    assert!(flapping.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn dns_alone_holds_an_initial_target_for_two_minutes_and_an_event_does_not() {
    let registering = || standin(OLD_ADDRESS).with_targets("10.0.2.22:3306 initial");
    let scheduled = function(&registering(), INSTANCE).await;
    for (after, expected) in [(0, "still-registering"), (60, "still-registering"), (119, "still-registering"), (120, "switched")]
    {
        let answer = run_after(after, &scheduled, &schedule()).await.0.unwrap();
        assert_eq!(doubt_or_outcome(&answer), expected, "{after} s: {answer}");
    }
    let standin = registering();
    assert_eq!(summary(&run(&standin, &event(ENDED, 0)).await.0), "switched orders event+dns");
    assert_eq!(standin.registered(), [A]);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_instance_is_calm_and_another_name_that_does_not_resolve_is_an_error() {
    for payload in [schedule(), event(STARTED, 0), event(ENDED, 0)] {
        let stopped = standin("").instance_shows("DBInstanceStatus", "stopped");
        let answer = run(&stopped, &payload).await.0.unwrap();
        assert_eq!((&answer["outcome"], &answer["doubt"]), (&json!("unchanged"), &json!("instance-stopped")), "{answer}");
    }
    let error = run(&standin(""), &schedule()).await.0.unwrap_err();
    assert_eq!(error.name(), "AddressUnresolved");
    assert!(error.to_string().contains(ENDPOINT) && !error.to_string().contains("IP_DICT"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_name_is_asked_for_again_when_a_lookup_fails() {
    const OLD_NAME: &str = "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>\
         <DBInstanceIdentifier>orders</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus>\
         <Endpoint><Address>old.example</Address></Endpoint>\
         </DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>";
    let standin = standin(NEW_ADDRESS).with_fault("DescribeDBInstances", Fault::Body(OLD_NAME));
    let (answer, seconds) = run(&standin, &event(ENDED, 0)).await;
    assert_eq!((summary(&answer).as_str(), seconds), ("switched orders event+dns", 0.0));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_followed_is_an_error_with_the_remedy() {
    let public = standin("54.72.1.2").instance_shows("PubliclyAccessible", "true");
    let member = standin(OLD_ADDRESS).instance_shows("DBClusterIdentifier", "aurora-prod");
    for payload in [schedule(), event(STARTED, 0), event(ENDED, OLD)] {
        let error = run(&public, &payload).await.0.unwrap_err();
        assert!(!error.to_string().contains("IP_DICT"), "{error}");
        assert_fails(Err(error), "AddressUnresolved", &["inside the VPC"]);
        assert_fails(run(&member, &payload).await.0, "ClusterIdRequired", &["set DB_CLUSTER_ID"]);
    }
    let answer = run(&public, &check()).await.0.unwrap();
    assert_eq!(codes(&answer)[0], "publicly-accessible", "{answer}");
    assert!(!answer.to_string().contains("IP_DICT"), "{answer}");
    assert_fails(run(&member, &check()).await.0, "ClusterIdRequired", &["set DB_CLUSTER_ID"]);
    assert!(public.writes().is_empty() && member.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_of_another_instance_or_of_no_failover_is_ignored() {
    let by_eventbridge = |arn: &str| {
        json!({"source": "aws.rds", "detail-type": "RDS DB Instance Event", "account": "123456789012", "region": "eu-west-1",
               "detail": {"EventID": ENDED, "SourceArn": arn, "SourceIdentifier": "rds:orders", "Date": now().to_rfc3339()}})
    };
    let mut without_event_id = by_eventbridge("");
    without_event_id["detail"].as_object_mut().unwrap().remove("EventID");
    let table = [
        (event("RDS-EVENT-0034", 0), "RDS-EVENT-0034"),
        (event("RDS-EVENT-0073", 0), "RDS-EVENT-0073"),
        (by_eventbridge("arn:aws:rds:eu-west-1:123456789012:db:other"), ":db:other"),
        (by_eventbridge("arn:aws:rds:eu-west-1:210987654321:db:orders"), "210987654321"),
        (by_eventbridge("arn:aws:rds:eu-west-1:123456789012:cluster:orders"), ":cluster:orders"),
        (without_event_id, "EventID"),
    ];
    for (payload, words) in table {
        let standin = standin(NEW_ADDRESS);
        let answer = run(&standin, &payload).await.0.unwrap();
        assert_eq!(answer["outcome"], "ignored", "{payload}");
        assert_has(answer["reason"].as_str().unwrap(), &[words]);
        assert!(standin.calls().is_empty(), "{payload}");
    }
    for payload in [by_eventbridge("arn:aws:rds:eu-west-1:123456789012:db:orders"), json!([by_eventbridge("")])] {
        assert_eq!(summary(&run(&standin(NEW_ADDRESS), &payload).await.0), "switched orders event+dns", "{payload}");
    }
}

#[tokio::test(start_paused = true)]
async fn check_examines_an_instance_as_a_cluster_of_one() {
    let in_order = || standin(OLD_ADDRESS);
    let table = [
        (in_order(), "", true),
        (in_order().instance_shows("MultiAZ", "false"), "warning single-az", true),
        (in_order().instance_shows("ReadReplicaSourceDBInstanceIdentifier", "main"), "error read-replica", true),
        (standin(NEW_ADDRESS), "error targets", false),
    ];
    for (standin, expected, in_sync) in table {
        let answer = run(&standin, &check()).await.0.unwrap();
        let findings = answer["findings"].as_array().unwrap().iter();
        let found = findings.map(|it| format!("{} {}", it["level"].as_str().unwrap(), it["code"].as_str().unwrap()));
        assert_eq!((found.collect::<String>().as_str(), &answer["in_sync"]), (expected, &json!(in_sync)), "{answer}");
        assert_eq!(answer["writer"], "orders");
    }
}
