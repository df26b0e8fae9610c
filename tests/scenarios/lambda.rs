//! The built binary, started as Lambda starts it, with AWS and the Runtime API on loopback.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::standin::events::event_time;
use crate::standin::runtime_api::{ENVIRONMENT, RuntimeApi, from_now};
use crate::standin::server::Server;
use crate::standin::{Standin, TARGET_GROUP, ip_dict};
use crate::support::{Variables, now};

pub struct Lambda {
    pub api: RuntimeApi,
    /// It is killed when this is dropped.
    pub function: Child,
    aws: Option<Server>,
}

impl Lambda {
    /// A process with a map of the three instances and these variables, and nothing else in its environment.
    pub async fn start(standin: &Standin, variables: Variables<'_>) -> Lambda {
        let aws = standin.serve().await;
        let lambda = Lambda::start_at(&aws.url(), variables).await;
        Lambda { aws: Some(aws), ..lambda }
    }

    /// The same in front of an AWS that is served elsewhere.
    pub async fn start_at(endpoint: &str, variables: Variables<'_>) -> Lambda {
        let map = ip_dict();
        let defaults = [("AWS_ENDPOINT_URL", endpoint), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", &map)];
        Lambda::start_bare(&[&defaults, variables].concat()).await
    }

    /// The same with no variables but Lambda's own and these.
    pub async fn start_bare(variables: Variables<'_>) -> Lambda {
        let api = RuntimeApi::start().await;
        let function = Command::new(env!("CARGO_BIN_EXE_aurora-nlb-failover"))
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .envs(ENVIRONMENT)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Lambda { api, function, aws: None }
    }

    /// One invocation: where the function sent what.
    pub async fn invoke(&mut self, payload: Vec<u8>) -> (String, Value) {
        self.invoke_within(Duration::from_secs(30), payload).await
    }

    pub async fn invoke_within(&mut self, time: Duration, payload: Vec<u8>) -> (String, Value) {
        self.api.offer(payload, from_now(time));
        let sent = self.api.sent().await;
        (sent.path, sent.body)
    }

    /// How many connections the function has made to AWS.
    pub fn connections(&self) -> usize {
        self.aws.as_ref().map_or(0, Server::accepted)
    }

    /// Ends the process; its standard output.
    pub async fn output(mut self) -> String {
        self.function.start_kill().unwrap();
        String::from_utf8(self.function.wait_with_output().await.unwrap().stdout).unwrap()
    }

    /// The same as JSON lines.
    pub async fn log(self) -> Vec<Value> {
        self.output().await.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A payload of the scenarios, whose clock stands still, as of now.
pub fn fresh(payload: &Value) -> Vec<u8> {
    aged(payload, Duration::ZERO)
}

pub fn aged(payload: &Value, age: Duration) -> Vec<u8> {
    let time = event_time(DateTime::<Utc>::from(SystemTime::now() - age));
    payload.to_string().replace(&event_time(now()), &time).into_bytes()
}
