//! Where an instance is reached: its entry in the map, or its own endpoint; public addresses, two families, a new address.

use crate::support::*;

const HOST: &str = "aurora-2.example.eu-west-1.rds.amazonaws.com";

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
    // Variables, the instance that the event names, the endpoint of aurora-2; the error.
    for (variables, instance, endpoint, name, words) in [
        (NO_MAP, "aurora-2", None, "AddressUnresolved", ["aurora-2", "has no endpoint yet"]),
        (NO_MAP, "aurora-2", unresolved, "AddressUnresolved", ["aurora-2", "no-such-host.invalid does not resolve"]),
        (NO_MAP, "aurora-9", unresolved, "UnknownInstance", ["\"aurora-9\"", "aurora-1, aurora-2, aurora-3"]),
        (WITHOUT_RDS, "aurora-9", unresolved, "UnknownInstance", ["\"aurora-9\"", "aurora-1, aurora-2, aurora-3"]),
    ] {
        let standin = Standin::new();
        standin.world().members[1].1 = endpoint.map(str::to_owned);
        assert_fails(invoke(&standin, variables, &started(instance, 0)).await, name, &words);
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

#[tokio::test(start_paused = true)]
async fn the_public_address_of_a_public_instance_is_an_error_that_names_both_remedies_and_nothing_moves() {
    for payload in [started("aurora-2", 0), completed("aurora-2", 0), schedule()] {
        let standin = Standin::new().with_public("aurora-1 aurora-2 aurora-3").with_endpoint("aurora-2", "54.72.1.2");
        let standin = standin.rds_shows(SHOWS_B);
        let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &payload)).await;
        let words = ["publicly accessible", "aurora-2", HOST, "54.72.1.2", "private address into IP_DICT", "inside the VPC"];
        assert_fails(answer, "AddressUnresolved", &words);
        assert!(standin.writes().is_empty());
        assert_eq!(seconds, 0.0, "no lookup has failed, so none is repeated");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_is_public_only_by_both_signs() {
    // What DNS gives, which instances are publicly accessible, the VPC's publicly routable range.
    let table = [
        ("10.0.2.22", "aurora-2", None),   // the function is inside the VPC
        ("100.64.2.22", "aurora-2", None), // a shared range, RFC 6598
        ("54.72.1.2", "", Some("54.72.")),
        ("54.72.1.2", "aurora-1", Some("54.72.")),
    ];
    for (address, public, vpc) in table {
        let standin = Standin::new().with_public(public).with_endpoint("aurora-2", address);
        standin.world().vpc = vpc;
        invoke(&standin, NO_MAP, &started("aurora-2", 0)).await.unwrap();
        assert_eq!(standin.registered(), [format!("{address}:3306")]);
        assert_eq!(count(&standin, "DescribeTargetGroups"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_balancer_says_of_an_address_that_it_does_not_take_reaches_the_user() {
    let public = ("IP_DICT", r#"{"aurora-2":"54.72.1.2"}"#);
    let table: [(Variables, &str, &str); 3] = [
        (&[public], "ipv4", "The Availability Zone is required for IP address '54.72.1.2' because it is not in the VPC"),
        (&[public, ("TARGET_AVAILABILITY_ZONE", "all")], "ipv4", "publicly routable"),
        (&[], "ipv6", "The IP address '10.0.2.22' is not a valid IPv6 address"),
    ];
    for (variables, family, words) in table {
        let standin = Standin::new().with_setting("IpAddressType", family);
        let answer = invoke(&standin, variables, &started("aurora-2", 0)).await;
        assert_fails(answer, "AwsCallFailed", &["RegisterTargets failed: ValidationError", words]);
        assert_eq!(standin.registered(), [A]);
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_families_the_groups_type_chooses_and_only_then_it_is_asked_for() {
    for (family, public, expected) in [
        ("ipv4", "", "10.0.2.22:3306"),
        ("ipv6", "", "2001:db8::22:3306"),
        ("ipv4", "aurora-2", "10.0.2.22:3306"),
        ("ipv6", "aurora-2", "2001:db8::22:3306"),
    ] {
        let standin = Standin::new().with_setting("IpAddressType", family).with_public(public);
        let standin = standin.with_endpoint("aurora-2", "2001:db8::22 10.0.2.22").with_targets("");
        invoke(&standin, NO_MAP, &started("aurora-2", 0)).await.unwrap();
        assert_eq!(standin.registered(), [expected]);
        assert_eq!(count(&standin, "DescribeTargetGroups"), 1);
        assert_eq!(standin.calls().len(), 4, "the only call more than with one family: {:?}", standin.calls());
    }
    // First the address is chosen, then it is judged.
    for (family, refused) in [("ipv4", true), ("ipv6", false)] {
        let standin = Standin::new().with_setting("IpAddressType", family).with_public("aurora-2").with_targets("");
        let standin = standin.with_endpoint("aurora-2", "54.72.1.2 2001:db8::22");
        let answer = invoke(&standin, NO_MAP, &started("aurora-2", 0)).await;
        assert_eq!(answer.is_err_and(|error| error.to_string().contains("publicly accessible")), refused);
        assert_eq!(standin.registered().is_empty(), refused);
    }
}

#[tokio::test(start_paused = true)]
async fn two_addresses_of_one_family_are_an_error_whatever_the_group_takes() {
    for addresses in ["10.0.2.22 10.0.2.23", "2001:db8::1 2001:db8::2", "10.0.2.22 10.0.2.23 2001:db8::2"] {
        let standin = Standin::new().with_endpoint("aurora-2", addresses);
        let words = ["aurora-2", HOST, addresses.split(' ').next().unwrap(), "IP_DICT"];
        assert_fails(invoke(&standin, NO_MAP, &started("aurora-2", 0)).await, "AddressUnresolved", &words);
        assert_eq!((count(&standin, "DescribeTargetGroups"), standin.writes().len()), (0, 0));
    }
}

/// A blue/green switchover, a replaced host, a changed class: no failover event, the same instance, a new address.
#[tokio::test(start_paused = true)]
async fn the_schedule_follows_a_writer_to_its_new_address_unless_the_map_names_the_old_one() {
    let replaced = || Standin::new().with_endpoint("aurora-1", "10.0.1.99");
    let standin = replaced();
    let (answer, seconds) = seconds(invoke(&standin, NO_MAP, &schedule())).await;
    assert_eq!(summary(&answer), "switched aurora-1 rds");
    assert_eq!(standin.writes(), ["RegisterTargets 10.0.1.99:3306", "DeregisterTargets 10.0.1.11:3306"]);
    assert_eq!(seconds, 5.0);

    let standin = replaced();
    assert_eq!(invoke(&standin, WITH_RDS, &schedule()).await.unwrap()["outcome"], "unchanged");
    assert!(standin.writes().is_empty(), "the alarm on the map is in what_a_scheduled_run_says_of_the_map");
}

#[tokio::test(start_paused = true)]
async fn the_comparison_takes_one_call_and_one_more_where_two_families_leave_a_choice() {
    // Addresses of aurora-2, for which the map has 10.0.2.22; whether the group's type is asked for.
    let table = [
        ("10.0.2.22", 0),
        ("10.0.2.99", 0),
        ("10.0.2.22 2001:db8::22", 0), // it is one of the two
        ("10.0.2.99 2001:db8::22", 1),
    ];
    for (addresses, asked) in table {
        let standin = Standin::new().with_endpoint("aurora-2", addresses);
        assert_eq!(invoke(&standin, WITH_RDS, &schedule()).await.unwrap()["outcome"], "unchanged");
        assert_eq!((count(&standin, "DescribeDBInstances"), count(&standin, "DescribeTargetGroups")), (1, asked), "{addresses}");
    }
}

/// The function waits only for the address that it is to register.
#[tokio::test(start_paused = true)]
async fn neither_the_comparison_nor_check_waits_for_dns() {
    for payload in [schedule(), check()] {
        let standin = Standin::new();
        standin.world().dns_failures = 1_000;
        let (answer, seconds) = seconds(invoke(&standin, WITH_RDS, &payload)).await;
        assert!(answer.is_ok());
        assert_eq!(seconds, 0.0, "{payload}");
    }
}

/// Aurora PostgreSQL has the same events and the same API; what differs is the port.
#[tokio::test(start_paused = true)]
async fn postgresql_on_port_5432_is_followed_and_found_in_order() {
    let standin = Standin::new().on_port(5432).with_targets("10.0.1.11:5432 unhealthy");
    let variables = [WITH_RDS, &[("TARGET_PORT", "5432")]].concat();
    let answer = invoke(&standin, &variables, &started("aurora-2", 0)).await.unwrap();
    assert_eq!((&answer["outcome"], &answer["target"]), (&json!("switched"), &json!("10.0.2.22:5432")));
    assert_eq!(standin.registered(), ["10.0.2.22:5432"]);
    let standin = standin.with_targets("10.0.2.22:5432 unhealthy").rds_shows(SHOWS_B);
    let answer = invoke(&standin, &variables, &check()).await.unwrap();
    assert_eq!((&answer["in_sync"], &answer["findings"]), (&json!(true), &json!([])));
}
