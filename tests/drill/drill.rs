//! Failovers played through the real function and the real SDK, against a stand-in for AWS on loopback:
//! `cargo run --example drill`, with `-- --instance` as for one RDS Multi-AZ DB instance, with `-- --port 5432` as for
//! Aurora PostgreSQL, with `-- --verbose` to see all of it.
//!
//! Prints a line for each act, and ends with an error if the target was ever where it must not be.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

mod acts;
mod instance;
mod show;
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
use show::{Played, doubt};
use standin::events::{event_time, file};
use standin::function::{config, function_with, handle};
use standin::{CLUSTER, DB_INSTANCE, Standin, ip_dict};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> ExitCode {
    let Some(Options { port, verbose, database }) = options() else {
        println!("expected nothing, --instance, --verbose, or --port and a port from 1 to 65535");
        return ExitCode::FAILURE;
    };
    let standin = Standin::new().on_port(port).with_targets("");
    let (standin, map) = match database {
        Database::Cluster => (standin, ip_dict()),
        Database::Instance => (standin.with_instance(acts::A), String::new()),
    };
    let server = standin.serve().await;
    println!("AWS is a stand-in at {}; the function and the SDK are the real ones.\n", server.url());
    // One process serves all acts: what it remembers of one counts in the next. Without the map it is another.
    let mut function = start(&server.url(), &standin, database, &map, port).await;
    let mut all_right = true;
    for (i, act) in database.acts().iter().enumerate() {
        (act.meanwhile)(&standin, port);
        if act.without_map {
            function = start(&server.url(), &standin, database, "", port).await;
        }
        let played = play(act, port, &standin, &function).await;
        played.print(i + 1, act, verbose);
        all_right &= played.is_right;
    }
    let verdict = if all_right { "every act as it must be" } else { "NOT as it must be" };
    println!("\nThe group ends with {}: {verdict}.", standin.registered().join(", "));
    if all_right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the function follows.
#[derive(Clone, Copy)]
enum Database {
    Cluster,
    Instance,
}

impl Database {
    fn acts(self) -> &'static [Act] {
        match self {
            Database::Cluster => acts::ACTS,
            Database::Instance => instance::ACTS,
        }
    }

    /// The environment variable that names it.
    fn variable(self) -> (&'static str, &'static str) {
        match self {
            Database::Cluster => ("DB_CLUSTER_ID", CLUSTER),
            Database::Instance => ("DB_INSTANCE_ID", DB_INSTANCE),
        }
    }
}

struct Options {
    port: u16,
    verbose: bool,
    database: Database,
}

fn options() -> Option<Options> {
    let mut options = Options { port: 3306, verbose: false, database: Database::Cluster };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--instance" => options.database = Database::Instance,
            "--verbose" => options.verbose = true,
            "--port" => options.port = given.next()?.parse().ok().filter(|port| *port != 0)?,
            _ => return None,
        }
    }
    Some(options)
}

async fn start(endpoint: &str, standin: &Standin, database: Database, map: &str, port: u16) -> Function {
    let sdk = settings(https(None)).region(Region::new("eu-west-1")).endpoint_url(endpoint);
    let sdk = sdk.credentials_provider(Credentials::new("id", "secret", None, None, "drill")).load().await;
    let variables = [("IP_DICT", map), database.variable(), ("TARGET_PORT", &port.to_string())];
    function_with(&sdk, standin, config(&variables))
}

async fn play(act: &Act, port: u16, standin: &Standin, function: &Function) -> Played {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let (payload, message) = payload(act, now);
    rds_shows(standin, act.rds);
    standin.world().calls.clear();
    let (before, start) = (standin.listed(), Instant::now());
    let answer = handle(function, &payload, now, start + Duration::from_secs(act.allowed)).await;
    let took = start.elapsed();
    let is_right =
        answer.is_err() == act.fails && doubt(&answer) == act.doubt && standin.registered() == [format!("{}:{port}", act.target)];
    Played { is_right, message, answer, before, after: standin.listed(), calls: standin.calls(), took }
}

fn rds_shows(standin: &Standin, (status, writer): (&str, &str)) {
    standin.clone().rds_shows(&[(status, writer)]).instance_shows("DBInstanceStatus", status);
}

/// The event of the file, as if it had happened so long ago, and what it says.
fn payload(act: &Act, now: DateTime<Utc>) -> (Value, String) {
    let mut payload = file(act.event);
    let text = payload.pointer_mut("/Records/0/Sns/Message");
    let notification = text.as_deref().and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (Some(text), Some(mut notification)) = (text, notification) else { return (payload, String::new()) };
    notification["Event Time"] = event_time(now - TimeDelta::seconds(act.ago)).into();
    *text = notification.to_string().into();
    (payload, format!(": {}", notification["Event Message"]))
}
