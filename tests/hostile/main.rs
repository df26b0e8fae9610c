//! Hostile input: gives the files of events/, changed in many ways, to the parser and to the whole handler.
//!
//! `cargo test --test hostile` tries some thousands; `HOSTILE_INPUTS=10000000 cargo test --profile long --test hostile -- --nocapture` ten million.
//! The generator is seeded, so that a failing input is found again by its number.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod bend;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the scenarios use more of it")]
mod standin;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::cluster::{Database, DatabaseKind};
use aurora_nlb_failover::event::{self, Failovers, Trigger, failover};
use aurora_nlb_failover::{Config, Function};
use bend::{Bender, corpus};
use chrono::{DateTime, Utc};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Value, json};
use standin::{CLUSTER, Standin, TARGET_GROUP};
use tokio::time::Instant;

const IP_DICT: &str = r#"{"aurora-1":"10.0.1.11","aurora-2":"10.0.2.22","aurora-3":"10.0.3.33"}"#;
const KNOWN: [&str; 3] = ["10.0.1.11:3306", "10.0.2.22:3306", "10.0.3.33:3306"];

fn inputs(default: u64) -> u64 {
    std::env::var("HOSTILE_INPUTS").map_or(default, |text| text.parse().unwrap())
}

fn now() -> DateTime<Utc> {
    "2026-03-14T03:12:20Z".parse().unwrap()
}

/// Spreads the numbers below `count` over all cores.
fn on_all_cores(count: u64, work: impl Fn(&mut dyn Iterator<Item = u64>) + Sync) {
    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| work(&mut std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|i| *i < count)));
        }
    });
}

/// The most memory that this process ever held, in kilobytes; nothing where the system does not say.
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()
}

#[test]
fn no_payload_makes_the_parser_panic_or_hold_on_to_memory() {
    let (count, corpus) = (inputs(20_000), corpus());
    let databases = [None, Database::new(DatabaseKind::Cluster, "aws", "eu-west-1", "123456789012", CLUSTER)];
    let parse = |payload: &Value| {
        for database in &databases {
            match event::parse(payload, database.as_ref(), now()) {
                Err(error) => assert!(!error.to_string().contains('\n') && error.name() == "UnrecognizedEvent", "{error:?}"),
                Ok(Trigger::Failover(Failovers { events, .. })) => {
                    for event in events {
                        let named = event.instance.as_ref().map(|id| id.as_str().to_owned());
                        let cut = event.message.ends_with('…');
                        assert!(cut || named.is_none_or(|id| event.message.to_ascii_lowercase().contains(&id)), "{event:?}");
                        assert!(event.age_ms.is_none_or(|age| age >= -failover::AHEAD_MS), "{event:?}");
                    }
                }
                Ok(_) => {}
            }
        }
    };
    corpus.iter().for_each(parse);
    let before = peak_kilobytes();
    on_all_cores(count, |numbers| {
        for number in numbers {
            parse(&Bender::new(number).bend(&corpus));
        }
    });
    if let (Some(before), Some(after)) = (before, peak_kilobytes()) {
        println!("{count} payloads parsed; peak memory {before} → {after} kB");
        assert!(after < before + 65_536, "{before} → {after} kB");
    }
}

/// Whatever comes in: no panic, no address registered but one of the map, the group never empty.
#[test]
fn no_payload_makes_the_handler_write_what_it_must_not() {
    let (count, corpus) = (inputs(20_000) / 10, corpus());
    let written = AtomicU64::new(0);
    on_all_cores(count, |numbers| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let standin = Standin::new();
            let functions = [function(&standin, "").await, function(&standin, CLUSTER).await];
            for number in numbers {
                let payload = Bender::new(number).bend(&corpus);
                let function = &functions[number as usize % 2];
                let answer = Box::pin(function.handle(&payload, now(), Instant::now() + Duration::from_secs(30))).await;
                let registered = standin.registered();
                let known = registered.iter().all(|target| KNOWN.contains(&target.as_str()));
                assert!(known && registered.len() == 1, "number {number}: {registered:?} after {payload}");
                written.fetch_add(u64::from(!standin.writes().is_empty()), Ordering::Relaxed);
                standin.world().calls.clear();
                standin.world().targets.retain(standin::Target::is_registered);
                drop(answer.map_err(|error| assert!(!error.to_string().contains('\n'), "number {number}: {error}")));
            }
        });
    });
    let written = written.into_inner();
    println!("{count} payloads handled, {written} of them moved the target");
    assert!(written > count / 100, "a generator whose payloads never move anything proves nothing: {written} of {count}");
}

async fn function(standin: &Standin, cluster: &str) -> Function {
    let variables = [("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT), ("DB_CLUSTER_ID", cluster)];
    let config =
        Config::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())).unwrap();
    let aws = Clients::new(&standin.in_process().await, &config.target_group_arn);
    Function::new(config, aws)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    let key = prop_oneof!["Records|Sns|Message|Timestamp|source|detail|EventID|Event ID|Event Message|action|dry_run", ".*"];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_at_all_is_read_or_refused(payload in any_json()) {
        drop(event::parse(&payload, None, now()));
        drop(event::parse(&json!({"Records": [{"Sns": {"Message": payload.to_string()}}]}), None, now()));
    }

    /// Whatever sentence stands before it: the name after the last ": " is the instance, in lower case.
    #[test]
    fn the_instance_is_what_stands_after_the_last_colon(sentence in ".*", name in "[a-zA-Z][a-zA-Z0-9-]{0,62}", end in "[ \\t]*\\.?[ \\t]*") {
        let message = json!({"Event ID": "x#RDS-EVENT-0073", "Event Message": format!("{sentence}: {name}{end}")}).to_string();
        let trigger = event::parse(&json!({"Records": [{"Sns": {"Message": message}}]}), None, now());
        let Ok(Trigger::Failover(Failovers { events, .. })) = trigger else { panic!("{trigger:?}") };
        assert_eq!(events[0].instance.as_ref().unwrap().as_str(), name.to_ascii_lowercase());
    }

    /// A configuration is read or refused in one line, whatever the variables hold.
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
