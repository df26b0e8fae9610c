//! What a scheduled run logs about the map; an alarm counts these lines.

use serde_json::{Value, json};

use crate::process::lines;
use crate::runtime_api::RuntimeApi;
use crate::standin::{Fault, Standin, TARGET_GROUP};
use crate::support::*;

/// The log lines with a finding, of one `reconcile` by the built binary.
async fn findings(standin: &Standin) -> Vec<Value> {
    let (aws, api) = (
        standin.serve().await,
        RuntimeApi::start([reconcile().to_string().into_bytes()], std::time::Duration::from_secs(30)).await,
    );
    let uri = aws.uri();
    let variables = [("AWS_ENDPOINT_URL", uri.as_str()), ("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", IP_DICT)];
    let function = api.spawn(&[&variables, WITH_RDS].concat());
    assert_eq!(api.sent(1).await[0].1["outcome"], "unchanged");
    assert!(standin.writes().is_empty());
    let (lines, _) = lines(function).await;
    lines.into_iter().filter(|line| line.get("finding").is_some()).collect()
}

#[tokio::test]
async fn what_a_scheduled_run_says_of_the_map() {
    type Change = fn(&Standin);
    fn endpoint(standin: &Standin, member: usize, host: Option<&str>) {
        standin.world().members[member].1 = host.map(str::to_owned);
    }
    // What is changed in a perfect set-up; level, finding and words of the one line about it.
    let table: [(Change, &str, &str, &[&str]); 6] = [
        (|s| endpoint(s, 1, Some("10.0.2.99")), "ERROR", "stale-ip-dict-entry", &["aurora-2", "put 10.0.2.99 into IP_DICT"]),
        // The writer has been replaced, or a blue/green switchover gave it another address.
        (|s| endpoint(s, 0, Some("10.0.1.99")), "ERROR", "stale-ip-dict-entry", &["aurora-1", "put 10.0.1.99 into IP_DICT"]),
        (|s| endpoint(s, 1, Some("no-such-host.invalid")), "WARN", "ip-dict-not-compared", &["aurora-2", "does not resolve"]),
        (|s| endpoint(s, 1, None), "WARN", "ip-dict-not-compared", &["aurora-2", "no endpoint"]),
        (
            |s| s.world().faults.push_back(("DescribeDBInstances", Fault::Error(403, "AccessDenied", "no"))),
            "WARN",
            "ip-dict-not-compared",
            &["DescribeDBInstances", "AccessDenied"],
        ),
        (
            |s| {
                endpoint(s, 1, Some("54.72.1.2"));
                drop(s.clone().with_public("aurora-1 aurora-2 aurora-3"));
            },
            "WARN",
            "ip-dict-not-compared",
            &["10.0.2.22", "aurora-2", "publicly accessible", "54.72.1.2"],
        ),
    ];
    for (change, level, finding, words) in table {
        let standin = Standin::new();
        change(&standin);
        let found = findings(&standin).await;
        assert_eq!(found.len(), 1, "{finding}: {found:?}");
        assert_eq!((&found[0]["level"], &found[0]["finding"]), (&json!(level), &json!(finding)));
        let message = found[0]["message"].as_str().unwrap();
        words.iter().for_each(|word| assert!(message.contains(word), "{message:?} lacks {word:?}"));
    }
}

#[tokio::test]
async fn each_entry_that_cannot_be_compared_has_its_own_warning_and_none_is_an_alarm() {
    let standin = Standin::new().with_public("aurora-1 aurora-2 aurora-3");
    for (i, (_, host)) in standin.world().members.iter_mut().enumerate() {
        *host = Some(format!("54.72.1.{i}"));
    }
    let found = findings(&standin).await;
    let codes: Vec<_> = found.iter().map(|line| (line["level"].as_str(), line["finding"].as_str())).collect();
    assert_eq!(codes, [(Some("WARN"), Some("ip-dict-not-compared")); 3], "{found:?}");
}
