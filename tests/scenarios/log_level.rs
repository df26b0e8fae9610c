//! Lambda's log levels, in the built binary.

use serde_json::Value;

use crate::process::{LAMBDA_TIMEOUT, fresh, lines};
use crate::runtime_api::RuntimeApi;
use crate::standin::{Standin, TARGET_GROUP};
use crate::support::*;

#[tokio::test]
async fn fatal_counts_as_error_and_an_unknown_level_as_info() {
    let table: [(&str, &[&str]); 6] = [
        ("FATAL", &["ERROR"]),
        ("fatal", &["ERROR"]),
        ("ERROR", &["ERROR"]),
        ("INFO", &["ERROR", "INFO"]),
        ("NOTICE", &["ERROR", "INFO"]),
        ("", &["ERROR", "INFO"]),
    ];
    for (level, expected) in table {
        let (aws, events) = (Standin::new().serve().await, ["aurora-2", "aurora-9"].map(|instance| fresh(&started(instance, 0))));
        let api = RuntimeApi::start(events, LAMBDA_TIMEOUT).await;
        let function = api.spawn(&[
            ("AWS_ENDPOINT_URL", &aws.uri()),
            ("TARGET_GROUP_ARN", TARGET_GROUP),
            ("IP_DICT", IP_DICT),
            ("AWS_LAMBDA_LOG_LEVEL", level),
        ]);
        let sent = api.sent(2).await;
        assert_eq!((&sent[0].1["outcome"], &sent[1].1["errorType"]), (&Value::from("switched"), &Value::from("UnknownInstance")));
        let mut seen: Vec<_> = lines(function).await.0.iter().map(|line| line["level"].as_str().unwrap().to_owned()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, expected, "{level:?}");
    }
}
