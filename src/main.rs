//! The binary that Lambda starts: sets up logging, configuration and clients, then handles one event after another.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aurora_nlb_failover::answer::Answer;
use aurora_nlb_failover::aws::{Clients, proxy, sdk};
use aurora_nlb_failover::{Config, Error, Function, log};
use aws_config::Region;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::tower::util::MapRequestLayer;
use lambda_runtime::{LambdaEvent, LambdaInvocation, Runtime, service_fn};
use lambda_runtime_api_client::{Client, body::Body, build_request};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

/// The timeout that template.yaml sets.
const TIMEOUT_IF_UNKNOWN: Duration = Duration::from_secs(30);

/// How long the report of a bad configuration may take.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    log::start();
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if arguments == ["--version"] {
        return say_version();
    }
    if !arguments.is_empty() || std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none_or(|api| api.is_empty()) {
        return fail(
            "this program takes no arguments but --version; AWS Lambda starts it, or cargo lambda watch, and sets AWS_LAMBDA_RUNTIME_API",
        );
    }
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let config = match Config::read(variable) {
        Ok(config) => config,
        Err(error) => return refuse(&error.to_string()).await,
    };
    if let Err(line) = sdk::check_certificates(variable) {
        return refuse(&line).await;
    }
    let proxy = match proxy::read(variable) {
        Ok(proxy) => proxy,
        Err(line) => return refuse(&line).await,
    };
    let sdk = sdk::settings(sdk::https(proxy)).region(Region::new(config.region.clone())).load().await;
    start_lookup_thread().await;
    let clients = Clients::new(&sdk, &config.target_group_arn);
    let function = &Function::new(config, clients);
    let runtime = Runtime::new(service_fn(move |event| invoke(function, event)));
    let served = runtime.layer(MapRequestLayer::new(quote_what_is_no_json)).layer(TracingLayer::new()).run().await;
    served.map_or_else(|error| fail(&format!("the Lambda Runtime API is gone: {error}")), |()| ExitCode::SUCCESS)
}

/// Starts the thread on which tokio looks up names. The init phase has a whole CPU; in a first run that has 7 % of one, the
/// start of a thread can wait until the share is handed out anew.
async fn start_lookup_thread() {
    drop(tokio::task::spawn_blocking(|| ()).await);
}

async fn invoke(function: &Function, event: LambdaEvent<Value>) -> Result<Answer, Error> {
    let now = SystemTime::now();
    // cargo lambda watch sends a duration where Lambda sends a moment: a deadline in the past is useless.
    let left = event.context.deadline().duration_since(now).unwrap_or(TIMEOUT_IF_UNKNOWN);
    function.handle(&event.payload, now.into(), Instant::now() + left).await
}

/// A payload that is not JSON reaches the function as a JSON string, so that it is refused by our own error, not by
/// the runtime's.
fn quote_what_is_no_json(mut invocation: LambdaInvocation) -> LambdaInvocation {
    // As the runtime reads it: some JSON (nested too deep, with half a surrogate pair) is more than a `Value` can hold.
    if serde_json::from_slice::<Value>(&invocation.body).is_err() {
        let text = String::from_utf8_lossy(&invocation.body).into_owned();
        invocation.body = Value::String(text).to_string().into();
    }
    invocation
}

/// Ends the init phase: one line explains why, in the log and to anyone who invokes
/// (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>).
async fn refuse(line: &str) -> ExitCode {
    const ERROR_TYPE: &str = "InvalidConfiguration";
    let report = json!({ "errorType": ERROR_TYPE, "errorMessage": line });
    let request = build_request()
        .method("POST")
        .uri("/2018-06-01/runtime/init/error")
        .header("lambda-runtime-function-error-type", format!("Runtime.{ERROR_TYPE}"))
        .body(Body::from(report.to_string()));
    if let (Ok(client), Ok(request)) = (Client::builder().build(), request)
        && !matches!(timeout(REPORT_TIMEOUT, client.call(request)).await, Ok(Ok(_)))
    {
        tracing::debug!("the Lambda Runtime API did not take the init error");
    }
    if !log::is_json() {
        return fail(line);
    }
    tracing::error!(errorType = ERROR_TYPE, "{line}");
    ExitCode::FAILURE
}

fn fail(line: &str) -> ExitCode {
    eprintln!("{line}");
    ExitCode::FAILURE
}

#[allow(clippy::print_stdout, reason = "it is what was asked for")]
fn say_version() -> ExitCode {
    println!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}
