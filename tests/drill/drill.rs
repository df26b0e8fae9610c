//! Failovers played through the real function and the real SDK, against a stand-in for AWS on loopback:
//! `cargo run --example drill`, with `-- --port 5432` as for Aurora PostgreSQL, with `-- --verbose` to see all of it.
//!
//! Prints a line for each act, and ends with an error if anything came out otherwise than it must.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod acts;
mod show;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod standin;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use acts::{ACTS, Act, Meanwhile};
use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::aws::sdk::{https, settings};
use aurora_nlb_failover::{Config, Function};
use aws_sdk_elasticloadbalancingv2::config::{Credentials, Region};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use show::Played;
use standin::{CLUSTER, Fault, Standin, TARGET_GROUP};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> ExitCode {
    let Some((port, verbose)) = arguments() else {
        println!("expected nothing, --verbose, or --port and a port from 1 to 65535");
        return ExitCode::FAILURE;
    };
    let standin = Standin::new().on_port(port).with_targets("");
    let server = standin.serve().await;
    println!("AWS is a stand-in at {}; the function and the SDK are the real ones.\n", server.uri());
    let mut all_right = true;
    // One process serves all acts: what it remembers of one counts in the next. Without the map it is another.
    let mut function: Option<(&str, Function)> = None;
    for (i, act) in ACTS.iter().enumerate() {
        set_up(act, port, &standin);
        if function.as_ref().is_none_or(|(map, _)| *map != act.map) {
            function = Some((act.map, start(&server.uri(), act.map, port).await));
        }
        let (_, function) = function.as_ref().unwrap();
        let played = play(act, port, &standin, function).await;
        played.print(i + 1, act, verbose);
        all_right &= played.is_right;
    }
    let verdict = if all_right { "every act as it must be" } else { "NOT as it must be" };
    println!("\nThe group ends with {}: {verdict}.", standin.registered().join(", "));
    if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Option<(u16, bool)> {
    let (mut port, mut verbose, mut given) = (3306, false, std::env::args().skip(1));
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--verbose" => verbose = true,
            "--port" => port = given.next()?.parse().ok().filter(|port| *port != 0)?,
            _ => return None,
        }
    }
    Some((port, verbose))
}

fn set_up(act: &Act, port: u16, standin: &Standin) {
    let mut world = standin.world();
    match act.meanwhile {
        Meanwhile::Nothing => {}
        Meanwhile::AnotherRunEmptiesTheGroup => {
            world.faults.push_back(("DeregisterTargets", Fault::AlsoGone(format!("{}:{port}", act.target).leak())));
        }
        Meanwhile::Aurora3GetsANewAddress => {
            world.members[2].1 = Some("10.0.3.99".to_owned());
            // Days later no target is `initial` any more.
            let registered = world.targets.iter_mut().filter(|target| target.is_registered());
            registered.for_each(|target| "unhealthy".clone_into(&mut target.state));
        }
    }
}

async fn start(endpoint: &str, map: &str, port: u16) -> Function {
    let port = port.to_string();
    let variables = [("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", map), ("DB_CLUSTER_ID", CLUSTER), ("TARGET_PORT", &port)];
    let get = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let config = Config::read(get).unwrap();
    let sdk = settings(https(None)).region(Region::new("eu-west-1")).endpoint_url(endpoint);
    let sdk = sdk.credentials_provider(Credentials::new("id", "secret", None, None, "drill")).load().await;
    Function::new(config.clone(), Clients::new(&sdk, &config.target_group_arn))
}

async fn play(act: &Act, port: u16, standin: &Standin, function: &Function) -> Played {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let payload = payload(act, now);
    let standin = standin.clone().rds_shows(&[act.rds]);
    let before = standin.listed();
    standin.world().calls.clear();
    let start = Instant::now();
    let answer = Box::pin(function.handle(&payload, now, start + Duration::from_secs(30))).await;
    let took = start.elapsed();
    let answer = answer.map(|answer| serde_json::to_value(answer).unwrap());
    let is_right = show::outcome(&answer) == act.outcome && standin.registered() == [format!("{}:{port}", act.target)];
    Played { is_right, message: message(&payload), answer, before, after: standin.listed(), calls: standin.calls(), took }
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
