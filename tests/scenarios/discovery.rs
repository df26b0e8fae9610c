//! The address of an instance that is in no map: its own endpoint's, and never the cluster's.

use crate::standin::Standin;
use crate::support::*;

#[tokio::test(start_paused = true)]
async fn an_instance_in_no_map_is_found_by_its_own_endpoint_never_the_clusters() {
    let standin = Standin::new();
    let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &started("aurora-2", 0))).await;
    assert_eq!(answer.unwrap()["target"], B);
    let mut calls = standin.calls();
    calls[..2].sort(); // they go at once
    let writes = ["RegisterTargets 10.0.2.22:3306", "DeregisterTargets 10.0.1.11:3306"];
    assert_eq!(calls, [&["DescribeDBInstances", "DescribeTargetHealth"], &writes[..], &["DescribeTargetHealth"]].concat());
    assert_eq!(seconds, 0.0);
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_the_map_wins_over_discovery() {
    let standin = Standin::new();
    let variables = [WITH_RDS, &[("IP_DICT", r#"{"aurora-2":"10.7.7.7"}"#)]].concat();
    invoke(&standin, &variables, &started("aurora-2", 0)).await.unwrap();
    assert_eq!(standin.registered(), ["10.7.7.7:3306"]);
    assert_eq!(count(&standin, "DescribeDBInstances"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_addressed_is_an_error_and_nothing_moves() {
    let unresolved = Some("no-such-host.invalid");
    // The instance, the endpoint of aurora-2; the error.
    for (instance, endpoint, name, text) in [
        ("aurora-2", None, "AddressUnresolved", "aurora-2 has no endpoint yet"),
        ("aurora-2", unresolved, "AddressUnresolved", "no-such-host.invalid does not resolve"),
        ("aurora-9", unresolved, "UnknownInstance", "aurora-1, aurora-2, aurora-3"),
    ] {
        let standin = Standin::new();
        standin.world().members[1].1 = endpoint.map(str::to_owned);
        assert_fails(invoke(&standin, NO_MAP, &started(instance, 0)).await, name, &[text]);
        assert!(standin.writes().is_empty());
    }
}

/// The recommended set-up has no map, so a failover depends on DNS.
#[tokio::test(start_paused = true)]
async fn a_dns_lookup_that_fails_is_tried_again_for_five_seconds() {
    for (failures, resolves) in [(2, true), (9, true), (1_000, false)] {
        let standin = Standin::new();
        standin.world().dns_failures = failures;
        let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &started("aurora-2", 0))).await;
        assert_eq!(summary(&answer), if resolves { "switched aurora-2 event" } else { "AddressUnresolved" });
        assert_eq!(standin.registered() == [B], resolves, "{failures}");
        assert!(seconds <= 5.0, "{seconds}");
    }
}
