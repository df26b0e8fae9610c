//! RDS does not answer, or answers what cannot be read.

use crate::standin::query::{element, response};
use crate::support::*;

fn broken(fault: &Fault) -> Standin {
    Standin::new().with_faults("DescribeDBClusters", fault.clone(), 1000)
}

const FAULTS: [Fault; 6] = [DENIED, DOWN, Fault::Throttle, Fault::DropBefore, Fault::Delay(HOUR), Fault::Body("<html/>")];

#[tokio::test(start_paused = true)]
async fn with_rds_out_of_reach_fresh_events_decide() {
    for fault in FAULTS {
        for payload in [started("aurora-2", 0), completed("aurora-2", 0), promoting_previous("aurora-2", 0)] {
            let standin = broken(&fault);
            let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
            assert_eq!(summary(&answer), "switched aurora-2 event", "{fault:?}");
            assert_eq!(standin.registered(), [B], "{fault:?}");
            assert!(seconds < 5.1, "{fault:?}: {seconds}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn with_rds_out_of_reach_everything_but_a_fresh_event_is_an_error() {
    let late = [started("aurora-2", OLD), completed("aurora-2", OLD), promoting_previous("aurora-2", OLD)];
    for payload in late.into_iter().chain([failed(0), reconcile()]) {
        for fault in FAULTS {
            let standin = broken(&fault);
            let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
            let error = answer.unwrap_err();
            assert!(["AwsCallFailed", "UnreadableAnswer", "DeadlineExceeded"].contains(&error.name()), "{fault:?}: {error:?}");
            assert_has(&error.to_string(), &["DescribeDBClusters"]);
            assert!(seconds < 30.0, "{fault:?}: {seconds}");
            assert!(standin.writes().is_empty(), "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_answer_that_cannot_be_read_moves_nothing() {
    let member = |fields: &str| {
        format!(
            "<DBCluster><DBClusterIdentifier>aurora-prod</DBClusterIdentifier><Status>available</Status>\
             <DBClusterMembers><DBClusterMember>{fields}</DBClusterMember></DBClusterMembers></DBCluster>"
        )
    };
    let clusters = [
        String::new(),
        "<DBCluster><DBClusterIdentifier>other</DBClusterIdentifier><Status>available</Status></DBCluster>".to_owned(),
        "<DBCluster><DBClusterIdentifier>aurora-prod</DBClusterIdentifier></DBCluster>".to_owned(),
        member("<IsClusterWriter>true</IsClusterWriter>"),
        member("<DBInstanceIdentifier>aurora-2</DBInstanceIdentifier>"),
    ];
    let answer = |cluster: &String| response("DescribeDBClusters", &element("DBClusters", cluster));
    let whole = answer(&member("<DBInstanceIdentifier>aurora-2</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter>"));
    // Cut off after the first member: the second may be a writer too.
    let cut = whole.split_inclusive("</DBClusterMember>").next().unwrap().to_owned();
    for body in clusters.iter().map(answer).chain([cut]) {
        let standin = Standin::new().with_faults("DescribeDBClusters", Fault::Body(body.clone().leak()), 100);
        assert_eq!(summary(&invoke(&standin, WITH_RDS, &reconcile()).await), "UnreadableAnswer", "{body}");
        assert!(standin.writes().is_empty());
    }
}
