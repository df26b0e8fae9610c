//! Faults of AWS: whatever fails, the group is never left empty, and no failure is answered as a success.

use std::time::Duration;

use aurora_nlb_failover::aws::sdk;
use aws_config::Region;

use crate::standin::{Fault, Standin};
use crate::support::*;

const DENIED: Fault = Fault::Error(403, "AccessDenied", "User is not authorized to perform this action");
const DOWN: Fault = Fault::Error(503, "ServiceUnavailable", "Try again later");

#[tokio::test(start_paused = true)]
async fn throttles_server_errors_and_dropped_connections_are_tried_again() {
    for action in ["DescribeTargetHealth", "RegisterTargets", "DeregisterTargets"] {
        for fault in [Fault::Throttle, DOWN, Fault::DropBefore, Fault::DropAfter, Fault::Delay(Duration::from_secs(20))] {
            let standin = Standin::new().with_faults(action, fault.clone(), 2);
            let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await;
            assert_eq!(answer.unwrap()["outcome"], "switched", "{action} {fault:?}");
            assert_eq!(standin.registered(), ["10.0.2.22:3306"], "{action} {fault:?}");
        }
    }
}

/// By default the SDK has a retry quota of 500 tokens for the life of a process, and a process can outlast an outage.
#[tokio::test(start_paused = true)]
async fn a_long_outage_does_not_use_up_the_retries_of_the_next_failover() {
    let standin = Standin::new();
    let function = function(&standin, WITH_RDS).await;
    for _ in 0..20 {
        standin.world().faults.extend(std::iter::repeat_n(("DescribeDBClusters", DOWN), 100));
        invoke_with(&function, &reconcile()).await.unwrap_err();
        standin.world().faults.clear();
        standin.world().faults.extend(std::iter::repeat_n(("DescribeTargetHealth", DOWN), 100));
        invoke_with(&function, &started("aurora-2", 0)).await.unwrap_err();
        standin.world().faults.clear();
    }
    for action in ["DescribeTargetHealth", "RegisterTargets", "DeregisterTargets", "DescribeDBClusters"] {
        standin.world().faults.push_back((action, Fault::Throttle));
    }
    let standin = standin.rds_shows(&[("available", "aurora-2")]);
    assert_eq!(invoke_with(&function, &reconcile()).await.unwrap()["outcome"], "switched");
    assert_eq!(standin.registered(), ["10.0.2.22:3306"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_register_leaves_the_old_target_in_place() {
    let standin = Standin::new().with_fault("RegisterTargets", DENIED);
    let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
    assert_eq!(error.name(), "AwsCallFailed");
    assert_eq!(error.to_string(), "RegisterTargets failed: AccessDenied: User is not authorized to perform this action");
    assert_eq!(standin.registered(), ["10.0.1.11:3306"]);
    assert_eq!(standin.writes(), ["RegisterTargets 10.0.2.22:3306"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_without_a_message_is_named_by_its_code() {
    let standin = Standin::new().with_fault("RegisterTargets", Fault::Error(403, "AccessDenied", ""));
    let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
    assert_eq!(error.to_string(), "RegisterTargets failed: AccessDenied");
}

#[tokio::test(start_paused = true)]
async fn a_failing_deregister_is_an_error_and_the_next_run_finishes_the_job() {
    let standin = Standin::new().with_fault("DeregisterTargets", DENIED);
    let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
    assert!(error.to_string().starts_with("DeregisterTargets failed: AccessDenied"), "{error}");
    assert_eq!(standin.registered(), ["10.0.1.11:3306", "10.0.2.22:3306"]);
    invoke(&standin, WITHOUT_RDS, &started("aurora-2", 60_000)).await.unwrap();
    assert_eq!(standin.registered(), ["10.0.2.22:3306"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_ends_in_our_own_error_before_the_deadline() {
    let hang = Fault::Delay(Duration::from_secs(3600));
    for action in ["DescribeTargetHealth", "RegisterTargets", "DeregisterTargets"] {
        for limit in [1, 3, 10, 30] {
            let standin = Standin::new().with_faults(action, hang.clone(), 100);
            let event = started("aurora-2", 0);
            let (answer, seconds) = seconds(invoke_within(Duration::from_secs(limit), &standin, WITHOUT_RDS, &event)).await;
            let error = answer.unwrap_err();
            assert_eq!(error.name(), "DeadlineExceeded");
            assert!(error.to_string().contains(action), "{error}");
            assert!(seconds < limit as f64, "{action}: {seconds} s of {limit} s");
            assert!(!standin.registered().is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn little_time_is_still_used() {
    let standin = Standin::new().with_fault("DescribeTargetHealth", Fault::Delay(Duration::from_millis(100)));
    let answer = invoke_within(Duration::from_millis(400), &standin, WITHOUT_RDS, &started("aurora-2", 0)).await;
    assert_eq!(answer.unwrap()["outcome"], "switched");
}

#[tokio::test(start_paused = true)]
async fn an_outage_shorter_than_the_deadline_is_sat_out() {
    let standin = Standin::new().with_faults("RegisterTargets", DOWN, 1_000);
    let over = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        standin.world().faults.clear();
    };
    let event = started("aurora-2", 0);
    let (answer, ()) = tokio::join!(invoke(&standin, WITHOUT_RDS, &event), over);
    assert_eq!(answer.unwrap()["outcome"], "switched");
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_outlasts_the_deadline_is_named_with_what_became_of_the_last_attempt() {
    let table = [
        (DOWN, "HTTP 503 ServiceUnavailable"),
        (Fault::DropBefore, "no answer (io error: connection reset)"),
        (
            Fault::Delay(Duration::from_secs(3600)),
            "no answer (timeout: operation attempt timeout (single attempt) occurred after 4s)",
        ),
    ];
    for (fault, last) in table {
        let standin = Standin::new().with_faults("RegisterTargets", fault, 1_000);
        let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("deadline exceeded while waiting for RegisterTargets; its last attempt: {last}"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_credentials_it_says_what_the_sdk_says_of_them() {
    let sdk = sdk::settings(Standin::new()).region(Region::new("eu-west-1")).no_credentials().load().await;
    let error = invoke_with(&function_with(&sdk, &Standin::new(), WITHOUT_RDS), &started("aurora-2", 0)).await.unwrap_err();
    let line = error.to_string();
    assert!(
        line.starts_with("DescribeTargetHealth failed: NoAnswer: ") && line.contains("failed to select an auth scheme"),
        "{line}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_group_is_named_as_the_balancer_names_it() {
    let standin = Standin::new();
    let other = [("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/other/0123456789abcdef")];
    let error = invoke(&standin, &other, &started("aurora-2", 0)).await.unwrap_err();
    assert_eq!(error.to_string(), "DescribeTargetHealth failed: TargetGroupNotFound: One or more target groups not found");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_never_taken_for_none() {
    const HEAD: &str = "<DescribeTargetHealthResponse><DescribeTargetHealthResult>";
    let bodies = [
        "",
        "{}",
        "<html><body>Service temporarily in another mood</body></html>",
        "<DescribeTargetHealthResponse></DescribeTargetHealthResponse>",
        // Cut off: what is left must not be taken for all.
        "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>",
        "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions><member><Target><Id>10.0.2.22</Id>\
         <Port>3306</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member>",
        "<DescribeTargetHealthResponse><DescribeTargetHealthResult></DescribeTargetHealthResult></DescribeTargetHealthResponse>",
    ];
    let entries = [
        "",
        "<Target><Port>3306</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
        "<Target><Id></Id><Port>3306</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
        "<Target><Id>10.0.1.11</Id></Target><TargetHealth><State>healthy</State></TargetHealth>",
        "<Target><Id>10.0.1.11</Id><Port>99999</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
        "<Target><Id>10.0.1.11</Id><Port>mysql</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
        "<Target><Id>10.0.1.11</Id><Port>3306</Port></Target>",
        "<Target><Id>10.0.1.11</Id><Port>3306</Port></Target><TargetHealth></TargetHealth>",
    ];
    let entry = |entry: &&str| {
        let list = format!("<TargetHealthDescriptions><member>{entry}</member></TargetHealthDescriptions>");
        format!("{HEAD}{list}</DescribeTargetHealthResult></DescribeTargetHealthResponse>")
    };
    for body in bodies.iter().map(|body| (*body).to_owned()).chain(entries.iter().map(entry)) {
        let standin = Standin::new().with_faults("DescribeTargetHealth", Fault::Body(body.clone().leak()), 20);
        let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!(error.name(), "UnreadableAnswer", "{body}: {error}");
        assert!(error.to_string().starts_with("DescribeTargetHealth ") && !error.to_string().contains('\n'), "{error}");
        assert!(standin.writes().is_empty(), "{body}");
    }
}

/// Found by the simulation, seed 96: the SDK takes any HTTP 200 for a registration.
#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_confirmed_is_an_error_and_nothing_is_deregistered_after_it() {
    for body in ["", "<html><body>Welcome to the hotel's network</body></html>", "<Nonsense/>"] {
        let standin = Standin::new().with_faults("RegisterTargets", Fault::Body(body), 20);
        let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!(error.name(), "UnreadableAnswer", "{body}");
        assert_eq!((standin.registered(), standin.writes().len()), (vec!["10.0.1.11:3306".to_owned()], 1));
        let standin = Standin::new().with_faults("DeregisterTargets", Fault::Body(body), 20);
        let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!(error.name(), "UnreadableAnswer", "{body}");
    }
}
