//! Rule 1 at its last look: two runs at once cannot leave the group empty.

use crate::support::*;

/// Without reserved concurrency: the event's run is slow, and one that believes RDS undoes it meanwhile.
#[tokio::test(start_paused = true)]
async fn of_two_runs_at_once_the_one_that_deregisters_last_fills_the_group() {
    let standin = Standin::new().with_targets("10.0.1.11:3306 unhealthy, 10.0.2.22:3306 unhealthy").rds_shows(LATE);
    let (one, other) = (function(&standin, WITH_RDS).await, function(&standin, WITH_RDS).await);
    // Both find two targets. The one deregisters aurora-1 half a second after the other, at its second look, aurora-2.
    let (event, schedule) = (started("aurora-2", 0), schedule());
    let slow = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        standin.clone().with_fault("DescribeTargetHealth", Fault::Delay(Duration::from_millis(3_500)));
        invoke_with(&one, &event).await
    };
    let (switched, reconciled) = tokio::join!(slow, invoke_with(&other, &schedule));
    assert_eq!([summary(&switched), summary(&reconciled)], ["switched aurora-2 event", "switched aurora-1 rds"]);
    assert_eq!(standin.writes().pop().unwrap(), format!("RegisterTargets {B}"));
    assert_eq!(standin.registered(), [B]);
}

#[tokio::test(start_paused = true)]
async fn an_emptied_group_is_filled_again() {
    let standin = Standin::new().with_fault("DeregisterTargets", Fault::AlsoGone(B));
    let answer = invoke(&standin, WITH_RDS, &started("aurora-2", 0)).await.unwrap();
    assert_eq!((&answer["outcome"], &answer["registered"]), (&json!("switched"), &json!([B])));
    assert_eq!(standin.registered(), [B]);
    let calls = ["DescribeTargetHealth", "RegisterTargets 10.0.2.22:3306", "DeregisterTargets 10.0.1.11:3306"];
    assert_eq!(standin.calls(), [&calls, &calls[..2]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_last_look_that_fails_is_no_error_and_costs_at_most_five_seconds() {
    for fault in [DENIED, Fault::Delay(HOUR)] {
        let standin = Standin::new().with_fault("DescribeTargetHealth", PASS).with_faults("DescribeTargetHealth", fault, 5);
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &started("aurora-2", 0))).await;
        assert_eq!(summary(&answer), "switched aurora-2 event");
        assert!(seconds <= 5.0, "{seconds}");
    }
}
