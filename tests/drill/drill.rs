//! Failovers played through the real function and the real SDK, against a stand-in for AWS on loopback:
//! `cargo run --example drill`, with `-- --instance` as for one RDS Multi-AZ DB instance, with `-- --port 5432` as for
//! Aurora PostgreSQL, with `-- --verbose` to see all of it.
//!
//! Prints a line for each act, and ends with an error if the target was ever where it must not be.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod acts;
mod instance;
#[path = "../standin/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod standin;

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use acts::Act;
use aurora_nlb_failover::Function;
use aurora_nlb_failover::aws::sdk::{https, settings};
use aws_sdk_elasticloadbalancingv2::config::{Credentials, Region};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use standin::events::{event_time, file};
use standin::function::{config, function_with, handle, summary};
use standin::{CLUSTER, DB_INSTANCE, Standin, ip_dict};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(options) = options() else {
        println!("expected nothing, --instance, --verbose, or --port and a port from 1 to 65535");
        return ExitCode::FAILURE;
    };
    let cluster = Standin::new().on_port(options.port).with_targets("");
    let (standin, acts, database, map) = if options.instance {
        (cluster.with_instance(acts::A), instance::ACTS, ("DB_INSTANCE_ID", DB_INSTANCE), String::new())
    } else {
        (cluster, acts::ACTS, ("DB_CLUSTER_ID", CLUSTER), ip_dict())
    };
    let server = standin.serve().await;
    println!("AWS is a stand-in at {}; the function and the SDK are the real ones.\n", server.url());
    let sdk = settings(https(None)).region(Region::new("eu-west-1")).endpoint_url(server.url());
    let sdk = sdk.credentials_provider(Credentials::new("id", "secret", None, None, "drill")).load().await;
    let port = options.port.to_string();
    let start = |map| function_with(&sdk, &standin, config(&[database, ("TARGET_PORT", &port), ("IP_DICT", map)]));
    // One process serves all acts: what it remembers of one counts in the next. Without the map it is another.
    let mut function = start(&map);
    let mut all_right = true;
    for (number, act) in (1..).zip(acts) {
        if act.without_map {
            function = start("");
        }
        all_right &= play(number, act, &standin, &function, &options).await;
    }
    let verdict = if all_right { "every act as it must be" } else { "NOT as it must be" };
    println!("\nThe group ends with {}: {verdict}.", standin.registered().join(", "));
    if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Options {
    port: u16,
    verbose: bool,
    /// Whether the function follows one DB instance.
    instance: bool,
}

fn options() -> Option<Options> {
    let mut options = Options { port: 3306, verbose: false, instance: false };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--instance" => options.instance = true,
            "--verbose" => options.verbose = true,
            "--port" => options.port = given.next()?.parse().ok().filter(|port| *port != 0)?,
            _ => return None,
        }
    }
    Some(options)
}

/// Plays an act, and prints a line or all of it; whether it ended as it must.
async fn play(number: usize, act: &Act, standin: &Standin, function: &Function, options: &Options) -> bool {
    (act.meanwhile)(standin);
    rds_shows(standin, act.rds);
    standin.world().calls.clear();
    let now = DateTime::<Utc>::from(SystemTime::now());
    let (payload, before, start) = (payload(act, now), standin.listed(), Instant::now());
    let answer = handle(function, &payload, now, start + Duration::from_secs(act.allowed)).await;
    let (ms, after, calls) = (start.elapsed().as_secs_f64() * 1000.0, standin.listed(), standin.calls());
    let doubt = answer.as_ref().ok().and_then(|answer| answer["doubt"].as_str()).unwrap_or_default();
    let outcome = format!("{} {doubt}", summary(&answer));
    let (from, to, event) = (addresses(&before), addresses(&after), act.event);
    let short: Vec<_> = calls.iter().filter_map(|call| call.split(' ').next()).collect();
    let short = short.join(" ").replace("Describe", "").replace("Targets", "");
    println!("{number:>2}  {event:<27} → {:<36} {from:>20} → {to:<10} {ms:>6.0} ms  {short}", outcome.trim_end());
    let wanted = [format!("{}:{}", act.target, options.port)];
    let is_right = answer.is_err() == act.fails && doubt == act.doubt && standin.registered() == wanted;
    if !is_right {
        let error = if act.fails { "an" } else { "no" };
        println!("    WRONG: expected {} alone in the group, {error} error, and the doubt \"{}\"", act.target, act.doubt);
    }
    if options.verbose {
        println!("    {}", act.story);
        println!("    event   events/{event}.json, {} s ago", act.ago);
        println!("    RDS     {}, writer {}", act.rds.0, act.rds.1);
        println!("    answer  {}", answer.as_ref().map_or_else(|error| format!("{error:?}"), Value::to_string));
        println!("    group   {} → {}", before.join(", "), after.join(", "));
        println!("    calls   {}\n", calls.join(", "));
    }
    is_right
}

/// The addresses that are registered.
fn addresses(listed: &[String]) -> String {
    let registered = listed.iter().filter(|target| !target.ends_with(" draining"));
    let addresses: Vec<_> = registered.filter_map(|target| target.rsplit_once(':')).map(|(address, _)| address).collect();
    if addresses.is_empty() { "(empty)".to_owned() } else { addresses.join(" ") }
}

fn rds_shows(standin: &Standin, (status, writer): (&str, &str)) {
    standin.clone().rds_shows(&[(status, writer)]).instance_shows("DBInstanceStatus", status);
}

/// The event of the file, as if it had happened so long ago.
fn payload(act: &Act, now: DateTime<Utc>) -> Value {
    let mut payload = file(act.event);
    if let Some(Value::String(text)) = payload.pointer_mut("/Records/0/Sns/Message")
        && let Ok(mut notification) = serde_json::from_str::<Value>(text)
    {
        notification["Event Time"] = event_time(now - TimeDelta::seconds(act.ago)).into();
        *text = notification.to_string();
    }
    payload
}
