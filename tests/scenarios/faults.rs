//! Faults of AWS: whatever fails, the group is never left empty, and no failure is answered as a success.

use crate::standin::query::{list, response};
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn throttles_server_errors_and_dropped_connections_are_tried_again() {
    for action in ["DescribeTargetHealth", "RegisterTargets", "DeregisterTargets"] {
        for fault in [Fault::Throttle, DOWN, Fault::DropBefore, Fault::DropAfter, Fault::Delay(Duration::from_secs(20))] {
            let standin = Standin::new().with_faults(action, fault.clone(), 2);
            let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await;
            assert_eq!(answer.unwrap()["outcome"], "switched", "{action} {fault:?}");
            assert_eq!(standin.registered(), [B], "{action} {fault:?}");
        }
    }
}

/// By default the SDK has a retry quota of 500 tokens for the life of a process, and a process can outlast an outage.
#[tokio::test(start_paused = true)]
async fn a_long_outage_does_not_use_up_the_retries_of_the_next_failover() {
    let standin = Standin::new();
    let function = function(&standin, WITH_RDS).await;
    for _ in 0..20 {
        for (action, payload) in [("DescribeDBClusters", reconcile()), ("DescribeTargetHealth", started("aurora-2", 0))] {
            standin.clone().with_faults(action, DOWN, 100);
            invoke_with(&function, &payload).await.unwrap_err();
            standin.world().faults.clear();
        }
    }
    for action in ["DescribeTargetHealth", "RegisterTargets", "DeregisterTargets", "DescribeDBClusters"] {
        standin.clone().with_fault(action, Fault::Throttle);
    }
    standin.clone().rds_shows(SHOWS_B);
    assert_eq!(summary(&invoke_with(&function, &reconcile()).await), "switched aurora-2 rds");
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_register_leaves_the_old_target_in_place() {
    // The message of AWS; ours.
    for (message, ours) in [("not authorized", "AccessDenied: not authorized"), ("", "AccessDenied")] {
        let standin = Standin::new().with_fault("RegisterTargets", Fault::Error(403, "AccessDenied", message));
        let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!((error.name(), error.to_string()), ("AwsCallFailed", format!("RegisterTargets failed: {ours}")));
        assert_eq!(standin.registered(), [A]);
        assert_eq!(standin.writes(), ["RegisterTargets 10.0.2.22:3306"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_deregister_is_an_error_and_the_next_run_finishes_the_job() {
    let standin = Standin::new().with_fault("DeregisterTargets", DENIED);
    let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await;
    assert_fails(answer, "AwsCallFailed", &["DeregisterTargets failed: AccessDenied"]);
    assert_eq!(standin.registered(), [A, B]);
    invoke(&standin, WITHOUT_RDS, &started("aurora-2", 60_000)).await.unwrap();
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_ends_in_our_own_error_before_the_deadline() {
    for action in ["DescribeTargetHealth", "RegisterTargets", "DeregisterTargets"] {
        for limit in [1, 3, 10, 30] {
            let standin = Standin::new().with_faults(action, Fault::Delay(HOUR), 100);
            let event = started("aurora-2", 0);
            let (answer, seconds) = seconds(invoke_within(Duration::from_secs(limit), &standin, WITHOUT_RDS, &event)).await;
            assert_fails(answer, "DeadlineExceeded", &[action]);
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
        (Fault::Delay(HOUR), "no answer (timeout: operation attempt timeout (single attempt) occurred after 4s)"),
    ];
    for (fault, last) in table {
        let standin = Standin::new().with_faults("RegisterTargets", fault, 1_000);
        let error = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("deadline exceeded while waiting for RegisterTargets; its last attempt: {last}"));
    }
}

#[tokio::test(start_paused = true)]
async fn without_credentials_it_says_what_the_sdk_says_of_them() {
    let sdk = Standin::new().settings().no_credentials().load().await;
    let function = function_with(&sdk, &Standin::new(), config(WITHOUT_RDS));
    let words = ["DescribeTargetHealth failed: NoAnswer: ", "failed to select an auth scheme"];
    assert_fails(invoke_with(&function, &started("aurora-2", 0)).await, "AwsCallFailed", &words);
}

#[tokio::test(start_paused = true)]
async fn a_missing_group_is_named_as_the_balancer_names_it() {
    let other = [("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/other/0123456789abcdef")];
    let words = "DescribeTargetHealth failed: TargetGroupNotFound: One or more target groups not found";
    assert_fails(invoke(&Standin::new(), &other, &started("aurora-2", 0)).await, "AwsCallFailed", &[words]);
}

const UNREADABLE: [&str; 6] = [
    "",
    "{}",
    "<html><body>Service temporarily in another mood</body></html>",
    "<DescribeTargetHealthResponse></DescribeTargetHealthResponse>",
    "<DescribeTargetHealthResponse><DescribeTargetHealthResult></DescribeTargetHealthResult></DescribeTargetHealthResponse>",
    // Cut off: what is left must not be taken for all.
    "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>",
];

#[rustfmt::skip]
const UNREADABLE_TARGETS: [&str; 8] = [
    "",
    "<Target><Port>3306</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
    "<Target><Id></Id><Port>3306</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
    "<Target><Id>10.0.1.11</Id></Target><TargetHealth><State>healthy</State></TargetHealth>",
    "<Target><Id>10.0.1.11</Id><Port>99999</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
    "<Target><Id>10.0.1.11</Id><Port>mysql</Port></Target><TargetHealth><State>healthy</State></TargetHealth>",
    "<Target><Id>10.0.1.11</Id><Port>3306</Port></Target>",
    "<Target><Id>10.0.1.11</Id><Port>3306</Port></Target><TargetHealth></TargetHealth>",
];

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_read_is_never_taken_for_none() {
    let answer =
        |target: &str| response("DescribeTargetHealth", &list("TargetHealthDescriptions", "member", [target.to_owned()]));
    let whole = answer("<Target><Id>10.0.2.22</Id><Port>3306</Port></Target><TargetHealth><State>healthy</State></TargetHealth>");
    let cut = whole.split_inclusive("</member>").next().unwrap().to_owned();
    for body in UNREADABLE.map(str::to_owned).into_iter().chain(UNREADABLE_TARGETS.map(answer)).chain([cut]) {
        let standin = Standin::new().with_faults("DescribeTargetHealth", Fault::Body(body.clone().leak()), 20);
        let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await;
        assert_fails(answer, "UnreadableAnswer", &["DescribeTargetHealth "]);
        assert!(standin.writes().is_empty(), "{body}");
    }
}

/// Found by the simulation, seed 96: the SDK takes any HTTP 200 for a registration.
#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_confirmed_is_an_error_and_nothing_is_deregistered_after_it() {
    for body in ["", "<html><body>Welcome to the hotel's network</body></html>", "<Nonsense/>"] {
        for (action, registered, writes) in [("RegisterTargets", &[A][..], 1), ("DeregisterTargets", &[A, B], 2)] {
            let standin = Standin::new().with_faults(action, Fault::Body(body), 20);
            let answer = invoke(&standin, WITHOUT_RDS, &started("aurora-2", 0)).await;
            assert_eq!(summary(&answer), "UnreadableAnswer", "{action} {body}");
            assert_eq!(standin.registered(), registered, "{action} {body}");
            assert_eq!(standin.writes().len(), writes, "{action} {body}");
        }
    }
}
