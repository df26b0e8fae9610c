//! Lambda's log levels, in the built binary.

use crate::lambda::{Lambda, fresh};
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
        let mut lambda = Lambda::start(&Standin::new(), &[("AWS_LAMBDA_LOG_LEVEL", level)]).await;
        assert_eq!(lambda.invoke(fresh(&started("aurora-2", 0))).await.1["outcome"], "switched");
        assert_eq!(lambda.invoke(fresh(&started("aurora-9", 0))).await.1["errorType"], "UnknownInstance");
        let lines = lambda.log().await;
        let mut seen: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap().to_owned()).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, expected, "{level:?}");
    }
}
