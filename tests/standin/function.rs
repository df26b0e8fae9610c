//! The function under test. What the tests use of its crate's types is here, in `in_process.rs` and in `dns.rs`.

use aurora_nlb_failover::aws::Clients;
use aurora_nlb_failover::{Config, Error, Function};
use aws_config::SdkConfig;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Standin, TARGET_GROUP, ip_dict};

/// The configuration by these variables, with a map of the three instances unless they say otherwise.
pub fn config(variables: &[(&str, &str)]) -> Config {
    let map = ip_dict();
    let defaults = [("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", map.as_str())];
    let all = || defaults.iter().chain(variables).rev();
    Config::read(|name| all().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())).unwrap()
}

/// A function so configured, in front of the stand-in.
pub async fn function(standin: &Standin, variables: &[(&str, &str)]) -> Function {
    function_with(&standin.in_process().await, standin, config(variables))
}

/// The same with SDK settings of the caller's.
pub fn function_with(sdk: &SdkConfig, standin: &Standin, config: Config) -> Function {
    let clients = Clients::new(sdk, &config.target_group_arn).with_dns(standin.clone());
    Function::new(config, clients)
}

/// One invocation; the answer as JSON, as Lambda hands it on.
pub async fn handle(
    function: &Function,
    payload: &Value,
    now: DateTime<Utc>,
    deadline: tokio::time::Instant,
) -> Result<Value, Error> {
    // On the heap: without optimisation the SDK's futures are large, and a test thread's stack is small.
    let answer = Box::pin(function.handle(payload, now, deadline)).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

/// Outcome, writer, evidence and findings in one line, or the name of the error.
pub fn summary(answer: &Result<Value, Error>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return error.name().to_owned(),
    };
    let findings = answer["findings"].as_array().into_iter().flatten().map(|finding| &finding["code"]);
    let words = ["outcome", "writer", "evidence"].map(|key| &answer[key]).into_iter().chain(findings);
    words.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}
