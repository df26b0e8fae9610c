//! Hostile input: gives the files of events/, changed in many ways, to the parser and to the whole handler.
//!
//! `cargo test --test hostile` tries some thousands; `HOSTILE_INPUTS=10000000 cargo test --profile long --test hostile -- --nocapture` ten million.
//! proptest prints the smallest input that fails.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod payloads;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod standin;

use std::cell::Cell;
use std::time::Duration;

use aurora_nlb_failover::cluster::{Database, DatabaseKind};
use aurora_nlb_failover::event::failover::{AHEAD_MS, FailoverEvent};
use aurora_nlb_failover::event::{self, Trigger};
use aurora_nlb_failover::{Config, Error};
use chrono::{DateTime, Utc};
use payloads::{any_json, bent};
use proptest::prelude::{ProptestConfig, Strategy, any, proptest};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use standin::events::{file, files, notification, sns};
use standin::function::{function, handle};
use standin::{A, B, C, CLUSTER, Standin};
use tokio::time::Instant;

fn inputs() -> u32 {
    std::env::var("HOSTILE_INPUTS").map_or(5_000, |text| text.parse().unwrap())
}

/// Tries so many inputs, and panics with the smallest that fails.
fn hold<S: Strategy>(cases: u32, inputs: &S, test: impl Fn(S::Value)) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let held = TestRunner::new(config).run(inputs, |input| {
        test(input);
        Ok(())
    });
    held.unwrap_or_else(|failure| panic!("{failure}"));
}

fn now() -> DateTime<Utc> {
    "2026-03-14T03:12:20Z".parse().unwrap()
}

/// The newest event, if the payload has one.
fn parse(payload: &Value, cluster: &str) -> Result<Option<FailoverEvent>, Error> {
    let database = Database::new(DatabaseKind::Cluster, "aws", "eu-west-1", "123456789012", cluster);
    let trigger = event::parse(payload, database.as_ref(), now())?;
    Ok(if let Trigger::Failover(failovers) = trigger { failovers.events.into_iter().next() } else { None })
}

fn is_read_or_refused(payload: &Value) {
    for cluster in ["", CLUSTER] {
        match parse(payload, cluster) {
            Err(error) => assert!(!error.to_string().contains('\n') && error.name() == "UnrecognizedEvent", "{error:?}"),
            Ok(None) => {}
            Ok(Some(event)) => {
                let named = event.instance.as_ref().map(|id| id.as_str().to_owned());
                let cut = event.message.ends_with('…');
                assert!(cut || named.is_none_or(|id| event.message.to_ascii_lowercase().contains(&id)), "{event:?}");
                assert!(event.age_ms.is_none_or(|age| age >= -AHEAD_MS), "{event:?}");
            }
        }
    }
}

/// The most memory that this process ever held, in kilobytes; nothing where the system does not say.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn no_payload_makes_the_parser_panic_or_hold_on_to_memory() {
    files().iter().for_each(|name| is_read_or_refused(&file(name)));
    let before = peak_kilobytes();
    hold(inputs(), &bent(), |payload| is_read_or_refused(&payload));
    if let (Some(before), Some(after)) = (before, peak_kilobytes()) {
        println!("{} payloads parsed; peak memory {before} → {after} kB", inputs());
        assert!(after < before + 65_536, "{before} → {after} kB");
    }
}

/// Any payload at all: no panic, no address registered but one of the map, the group never empty.
#[test]
fn no_payload_makes_the_handler_write_what_it_must_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (standin, cases, written) = (Standin::new(), inputs() / 10, Cell::new(0));
    let functions = ["", CLUSTER].map(|cluster| runtime.block_on(function(&standin, &[("DB_CLUSTER_ID", cluster)])));
    hold(cases, &(bent(), any::<bool>()), |(payload, with_rds)| {
        let handled =
            async { handle(&functions[usize::from(with_rds)], &payload, now(), Instant::now() + Duration::from_secs(30)).await };
        let answer = runtime.block_on(handled);
        let registered = standin.registered();
        let is_known = registered.iter().all(|target| [A, B, C].contains(&target.as_str()));
        let wrote = !standin.writes().is_empty();
        standin.clone().with_targets("10.0.1.11:3306 unhealthy").world().calls.clear();
        assert!(is_known && registered.len() == 1, "{registered:?}");
        drop(answer.map_err(|error| assert!(!error.to_string().contains('\n'), "{error}")));
        written.set(written.get() + u32::from(wrote));
    });
    println!("{cases} payloads handled, {} of them moved the target", written.get());
    assert!(written.get() > cases / 100, "payloads that never move anything prove nothing: {} of {cases}", written.get());
}

proptest! {
    #[test]
    fn any_json_at_all_is_read_or_refused(payload in any_json()) {
        is_read_or_refused(&payload);
        is_read_or_refused(&sns([&payload.to_string().into()], now()));
    }

    /// In any sentence: the name after the last ": " is the instance, in lower case.
    #[test]
    fn the_instance_is_what_stands_after_the_last_colon(sentence in ".*", name in "[a-zA-Z][a-zA-Z0-9-]{0,62}", end in "[ \\t]*\\.?[ \\t]*") {
        let event = notification("RDS-EVENT-0073", &format!("{sentence}: {name}{end}"), now());
        let event = parse(&sns([&event], now()), CLUSTER).unwrap().unwrap();
        assert_eq!(event.instance.unwrap().as_str(), name.to_ascii_lowercase());
    }

    /// Any values of the variables are read, or refused in one line.
    #[test]
    fn any_environment_is_read_or_refused_in_one_line(arn in ".*", map in ".*", cluster in ".*", port in ".*", zone in ".*", dry in ".*") {
        let variables = [("TARGET_GROUP_ARN", arn), ("IP_DICT", map), ("DB_CLUSTER_ID", cluster), ("TARGET_PORT", port),
                         ("TARGET_AVAILABILITY_ZONE", zone), ("DRY_RUN", dry)];
        if let Err(error) = Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())) {
            let line = error.to_string();
            assert!(!line.contains('\n') && variables.iter().any(|(name, _)| line.starts_with(name)), "{line}");
        }
    }
}
