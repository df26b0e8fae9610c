//! RDS does not answer, or answers what cannot be read.

use crate::standin::{Fault, Standin};
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn with_rds_out_of_reach_fresh_events_decide_and_everything_else_is_an_error() {
    let faults = [
        Fault::Error(403, "AccessDenied", "not authorized"),
        Fault::Error(503, "ServiceUnavailable", "down"),
        Fault::Throttle,
        Fault::DropBefore,
        Fault::Delay(HOUR),
        Fault::Body("<html/>"),
    ];
    for fault in faults {
        let name = format!("{fault:?}");
        let broken = || Standin::new().with_faults("DescribeDBClusters", fault.clone(), 1000);
        for payload in [started("aurora-2", 0), completed("aurora-2", 0), promoting_previous("aurora-2", 0)] {
            let standin = broken();
            let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
            assert_eq!(answer.unwrap()["evidence"], "event", "{name}");
            assert_eq!(standin.registered(), [B], "{name}");
            assert!(seconds < 5.1, "{name}: {seconds}");
        }
        for payload in
            [started("aurora-2", OLD), completed("aurora-2", OLD), promoting_previous("aurora-2", OLD), failed(0), reconcile()]
        {
            let standin = broken();
            let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
            let error = answer.unwrap_err();
            assert!(["AwsCallFailed", "UnreadableAnswer", "DeadlineExceeded"].contains(&error.name()), "{name}: {error:?}");
            assert!(error.to_string().contains("DescribeDBClusters"), "{name}: {error}");
            assert!(seconds < 30.0, "{name}: {seconds}");
            assert!(standin.writes().is_empty(), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_answer_that_cannot_be_read_moves_nothing() {
    const HEAD: &str = "<DescribeDBClustersResponse><DescribeDBClustersResult><DBClusters>";
    const TAIL: &str = "</DBClusters></DescribeDBClustersResult></DescribeDBClustersResponse>";
    let clusters = [
        "",
        "<DBCluster><DBClusterIdentifier>other</DBClusterIdentifier><Status>available</Status></DBCluster>",
        "<DBCluster><DBClusterIdentifier>aurora-prod</DBClusterIdentifier></DBCluster>",
        "<DBCluster><DBClusterIdentifier>aurora-prod</DBClusterIdentifier><Status>available</Status><DBClusterMembers><DBClusterMember>\
         <IsClusterWriter>true</IsClusterWriter></DBClusterMember></DBClusterMembers></DBCluster>",
        "<DBCluster><DBClusterIdentifier>aurora-prod</DBClusterIdentifier><Status>available</Status><DBClusterMembers><DBClusterMember>\
         <DBInstanceIdentifier>aurora-2</DBInstanceIdentifier></DBClusterMember></DBClusterMembers></DBCluster>",
    ];
    // Cut off after the first member: the second may be a writer too.
    let cut = "<DBCluster><DBClusterIdentifier>aurora-prod</DBClusterIdentifier><Status>available</Status><DBClusterMembers>\
               <DBClusterMember><DBInstanceIdentifier>aurora-2</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter>\
               </DBClusterMember>";
    let whole = clusters.map(|cluster| format!("{HEAD}{cluster}{TAIL}"));
    for body in whole.into_iter().chain([format!("{HEAD}{cut}")]) {
        let body = body.leak();
        let standin = Standin::new().with_faults("DescribeDBClusters", Fault::Body(body), 100);
        assert_eq!(invoke(&standin, WITH_RDS, &reconcile()).await.unwrap_err().name(), "UnreadableAnswer", "{body}");
        assert!(standin.writes().is_empty());
    }
}
