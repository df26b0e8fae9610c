//! A whole failover played through the real function and the real SDK, against a stand-in for AWS on loopback: `cargo
//! run --example drill`, with `-- --port 5432` as for Aurora PostgreSQL.
//!
//! Prints for each event what a person would want to see, and ends with an error if anything came out otherwise than
//! it must.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod standin;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::aws::sdk::{https, settings};
use aurora_nlb_failover::{Config, Function};
use aws_sdk_elasticloadbalancingv2::config::{Credentials, Region};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use standin::{CLUSTER, Fault, Standin, TARGET_GROUP};
use tokio::time::Instant;

/// One act of the drill.
struct Act {
    story: &'static str,
    /// A file of events/.
    event: &'static str,
    /// How many seconds ago the event happened.
    ago: i64,
    /// What RDS shows meanwhile: status and writer.
    rds: (&'static str, &'static str),
    /// What must come of it: outcome and evidence, or the name of the error.
    outcome: &'static str,
    /// The one registered target afterwards.
    target: &'static str,
}

const A: &str = "10.0.1.11:3306";
const B: &str = "10.0.2.22:3306";
const C: &str = "10.0.3.33:3306";
const D: &str = "10.0.3.99:3306";

#[rustfmt::skip]
const ACTS: &[Act] = &[
    Act { story: "The first scheduled run after deployment finds an empty group: no manual first step",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-1"), outcome: "switched rds", target: A },
    Act { story: "A failover to aurora-2 starts; RDS still shows aurora-1",
          event: "started-cross-az", ago: 2, rds: ("available", "aurora-1"), outcome: "switched event", target: B },
    Act { story: "A scheduled run a moment later: RDS is late, and what is right is not taken back",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-1"), outcome: "unchanged", target: B },
    Act { story: "The same event arrives again",
          event: "started-cross-az", ago: 2, rds: ("failing-over", "aurora-1"), outcome: "unchanged event", target: B },
    Act { story: "A late copy of it arrives, and RDS is late still",
          event: "started-cross-az", ago: 70, rds: ("available", "aurora-1"), outcome: "unchanged", target: B },
    Act { story: "The completed event arrives before RDS shows aurora-2",
          event: "completed", ago: 2, rds: ("available", "aurora-1"), outcome: "unchanged event", target: B },
    Act { story: "A scheduled run in the middle of the failover",
          event: "reconcile", ago: 0, rds: ("failing-over", "aurora-1"), outcome: "unchanged", target: B },
    Act { story: "It is taken back: aurora-1 is promoted again, while its old target still drains",
          event: "promoting-previous-primary", ago: 2, rds: ("failing-over", "aurora-1"), outcome: "switched event", target: A },
    Act { story: "An older started event arrives after it: late by order, however young",
          event: "started-cross-az", ago: 40, rds: ("available", "aurora-1"), outcome: "unchanged rds", target: A },
    Act { story: "The next failover's started event is lost; the completed one does it, and RDS agrees",
          event: "completed", ago: 1, rds: ("available", "aurora-2"), outcome: "switched event+rds", target: B },
    Act { story: "A started event for aurora-3 arrives three hours late: RDS decides",
          event: "started-same-az", ago: 10_800, rds: ("available", "aurora-2"), outcome: "unchanged rds", target: B },
    Act { story: "A failover to aurora-3, and another run empties the group at the same moment: it is filled again",
          event: "started-same-az", ago: 0, rds: ("available", "aurora-2"), outcome: "switched event", target: C },
    Act { story: "An event names an instance that nobody knows: an error for Lambda to report, and nothing moves",
          event: "unknown-instance", ago: 0, rds: ("available", "aurora-3"), outcome: "UnknownInstance", target: C },
    Act { story: "RDS announces its subscription in plain text",
          event: "subscription-notice", ago: 0, rds: ("available", "aurora-3"), outcome: "ignored", target: C },
    Act { story: "The set-up is examined",
          event: "check", ago: 0, rds: ("available", "aurora-3"), outcome: "checked", target: C },
    Act { story: "A blue/green switchover gives aurora-3 a new address; the map has the old one, which wins: nothing moves",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-3"), outcome: "unchanged rds", target: C },
    Act { story: "That is an alarm: the run before has logged the same finding",
          event: "check", ago: 0, rds: ("available", "aurora-3"), outcome: "checked stale-ip-dict-entry", target: C },
    Act { story: "The same without a map: the scheduled run finds the new address",
          event: "eventbridge-scheduled", ago: 0, rds: ("available", "aurora-3"), outcome: "switched rds", target: D },
];

/// The act in which another run deregisters the new target just after this one has deregistered the old.
const EMPTIED: usize = 11;
/// From this act on aurora-3 has a new address, and from the other on there is no map.
const REPLACED: usize = 15;
const WITHOUT_MAP: usize = 17;

const MAP: &str = r#"{"aurora-1":"10.0.1.11","aurora-2":"10.0.2.22","aurora-3":"10.0.3.33"}"#;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(port) = port(&std::env::args().skip(1).collect::<Vec<_>>()) else {
        println!("expected nothing, or --port and a port from 1 to 65535");
        return ExitCode::FAILURE;
    };
    let standin = Standin::new().on_port(port).with_targets("");
    let server = standin.serve().await;
    let (with_map, without_map) = (function(&server.uri(), MAP, port).await, function(&server.uri(), "", port).await);
    println!("AWS is a stand-in at {}; the function and the SDK are the real ones.", server.uri());
    let mut wrong = 0;
    for (i, act) in ACTS.iter().enumerate() {
        println!("\n{}. {}", i + 1, act.story);
        if i == EMPTIED {
            standin.world().faults.push_back(("DeregisterTargets", Fault::AlsoGone(on_port(C, port).leak())));
        }
        if i == REPLACED {
            let mut world = standin.world();
            world.members[2].1 = Some("10.0.3.99".to_owned());
            // Days later no target is `initial` any more.
            world
                .targets
                .iter_mut()
                .filter(|target| target.is_registered())
                .for_each(|target| "unhealthy".clone_into(&mut target.state));
        }
        let function = if i < WITHOUT_MAP { &with_map } else { &without_map };
        if !play(act, port, &standin, function).await {
            wrong += 1;
        }
    }
    let verdict = if wrong == 0 { "every act as it must be" } else { "NOT as it must be" };
    println!("\nThe group ends with {}: {verdict}.", standin.registered().join(", "));
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn port(arguments: &[String]) -> Option<u16> {
    match arguments {
        [] => Some(3306),
        [flag, port] if flag == "--port" => port.parse().ok().filter(|port| *port != 0),
        _ => None,
    }
}

fn on_port(target: &str, port: u16) -> String {
    target.replace(":3306", &format!(":{port}"))
}

async fn function(endpoint: &str, map: &str, port: u16) -> Function {
    let port = port.to_string();
    let variables = [("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", map), ("DB_CLUSTER_ID", CLUSTER), ("TARGET_PORT", &port)];
    let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let config = Config::read(get).unwrap();
    let sdk = settings(https()).region(Region::new("eu-west-1")).endpoint_url(endpoint);
    let sdk = sdk.credentials_provider(Credentials::new("id", "secret", None, None, "drill")).load().await;
    Function::new(config.clone(), Clients::new(&sdk, &config))
}

/// Plays one act, prints it, and says whether it came out as it must.
async fn play(act: &Act, port: u16, standin: &Standin, function: &Function) -> bool {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let payload = payload(act, now);
    let standin = standin.clone().rds_shows(&[act.rds]);
    let before = standin.listed();
    standin.world().calls.clear();
    let start = Instant::now();
    let answer = Box::pin(function.handle(&payload, now, start + Duration::from_secs(30))).await;
    let took = start.elapsed();

    let text = |answer: &Value, key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (outcome, line) = match &answer {
        Ok(answer) => {
            let line = serde_json::to_string(answer).unwrap();
            let answer = serde_json::to_value(answer).unwrap();
            let codes =
                answer.get("findings").and_then(Value::as_array).into_iter().flatten().map(|finding| text(finding, "code"));
            let words = [text(&answer, "outcome"), text(&answer, "evidence")].into_iter().chain(codes);
            (words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "), line)
        }
        Err(error) => (error.name().to_owned(), format!("{error:?}")),
    };
    println!("   event     events/{}.json{}", act.event, message(&payload));
    println!("   RDS       {}, writer {}", act.rds.0, act.rds.1);
    println!("   answer    {line}");
    println!("   group     {} → {}", group(&before), group(&standin.listed()));
    println!("   took      {:.1} ms: {}", took.as_secs_f64() * 1000.0, group(&standin.calls()));
    let target = on_port(act.target, port);
    let right = outcome == act.outcome && standin.registered() == [target.as_str()];
    if !right {
        println!("   WRONG     expected {:?} and {target} alone in the group", act.outcome);
    }
    right
}

fn group(entries: &[String]) -> String {
    if entries.is_empty() { "(none)".to_owned() } else { entries.join(", ") }
}

/// The event of the file, as if it had happened so long ago.
fn payload(act: &Act, now: DateTime<Utc>) -> Value {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("events").join(act.event).with_extension("json");
    let mut payload: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    if let (Some(mut notification), Some(text)) = (notification(&payload), payload.pointer_mut("/Records/0/Sns/Message")) {
        let time = now - TimeDelta::seconds(act.ago);
        notification["Event Time"] = time.format("%Y-%m-%d %H:%M:%S%.3f").to_string().into();
        *text = notification.to_string().into();
    }
    payload
}

fn notification(payload: &Value) -> Option<Value> {
    serde_json::from_str(payload.pointer("/Records/0/Sns/Message")?.as_str()?).ok()
}

fn message(payload: &Value) -> String {
    let text = |notification: Value| Some(format!(": {:?}", notification.get("Event Message")?.as_str()?));
    notification(payload).and_then(text).unwrap_or_default()
}
