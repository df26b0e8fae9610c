//! The address of an instance that is in no map: its own endpoint's, and never the cluster's.

use crate::standin::Standin;
use crate::support::*;

const NO_MAP: &[(&str, &str)] = &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", "")];

#[tokio::test(start_paused = true)]
async fn an_instance_in_no_map_is_found_by_its_own_endpoint_never_the_clusters() {
    let standin = Standin::new();
    let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &started("aurora-2", 0))).await;
    assert_eq!(answer.unwrap()["target"], B);
    let mut calls = standin.calls();
    calls[..2].sort(); // they go at once
    assert_eq!(
        calls,
        [
            "DescribeDBInstances",
            "DescribeTargetHealth",
            "RegisterTargets 10.0.2.22:3306",
            "DeregisterTargets 10.0.1.11:3306",
            "DescribeTargetHealth"
        ]
    );
    assert_eq!(seconds, 0.0);
}

#[tokio::test(start_paused = true)]
async fn an_entry_of_the_map_wins_over_discovery() {
    let standin = Standin::new();
    let variables = [("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", r#"{"aurora-2":"10.7.7.7"}"#)];
    invoke(&standin, &variables, &started("aurora-2", 0)).await.unwrap();
    assert_eq!(standin.registered(), ["10.7.7.7:3306"]);
    assert!(!standin.calls().contains(&"DescribeDBInstances".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_cannot_be_addressed_is_an_error_and_nothing_moves() {
    let table = [
        (None, "AddressUnresolved", "aurora-2 has no endpoint yet"),
        (Some("no-such-host.invalid"), "AddressUnresolved", "no-such-host.invalid does not resolve"),
    ];
    for (host, name, text) in table {
        let standin = Standin::new();
        standin.world().members[1].1 = host.map(str::to_owned);
        let error = invoke(&standin, NO_MAP, &started("aurora-2", 0)).await.unwrap_err();
        assert_eq!(error.name(), name);
        assert!(error.to_string().contains(text), "{error}");
        assert!(standin.writes().is_empty());
    }
    let standin = Standin::new();
    let error = invoke(&standin, NO_MAP, &started("aurora-9", 0)).await.unwrap_err();
    assert_eq!(error.name(), "UnknownInstance");
    assert!(error.to_string().contains("aurora-1, aurora-2, aurora-3"), "{error}");
}

/// The recommended set-up has no map, so a failover depends on DNS.
#[tokio::test(start_paused = true)]
async fn a_dns_lookup_that_fails_is_tried_again_for_five_seconds() {
    const NO_MAP: &[(&str, &str)] = &[("DB_CLUSTER_ID", "aurora-prod"), ("IP_DICT", "")];
    for (failures, resolves) in [(2, true), (9, true), (1_000, false)] {
        let standin = Standin::new();
        standin.world().dns_failures = failures;
        let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &started("aurora-2", 0))).await;
        match answer {
            Ok(answer) => assert_eq!(answer["target"], B),
            Err(error) => assert_eq!(error.name(), "AddressUnresolved"),
        }
        assert_eq!(standin.registered() == [B], resolves, "{failures}");
        assert!(seconds <= 5.0, "{seconds}");
    }
}
