//! What a scheduled run logs about the map; an alarm counts these lines.

use crate::lambda::{Lambda, fresh};
use crate::support::*;

/// Level and finding, and the message, of each log line with a finding, of one `reconcile` by the built binary.
async fn findings(standin: &Standin) -> Vec<(String, String)> {
    let mut lambda = Lambda::start(standin, WITH_RDS).await;
    assert_eq!(lambda.invoke(fresh(&reconcile())).await.1["outcome"], "unchanged");
    assert!(standin.writes().is_empty());
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let found = |line: &Value| (format!("{} {}", text(line, "level"), text(line, "finding")), text(line, "message"));
    lambda.log().await.iter().filter(|line| line.get("finding").is_some()).map(found).collect()
}

type Change = fn(&Standin);

fn endpoint(standin: &Standin, member: usize, host: Option<&str>) {
    standin.world().members[member].1 = host.map(str::to_owned);
}

/// What is changed in a perfect set-up; level, finding and words of the one line about it.
#[rustfmt::skip]
const CHANGES: [(Change, &str, &[&str]); 6] = [
    (|s| endpoint(s, 1, Some("10.0.2.99")), "ERROR stale-ip-dict-entry", &["aurora-2", "put 10.0.2.99 into IP_DICT"]),
    // The writer has been replaced, or a blue/green switchover gave it another address.
    (|s| endpoint(s, 0, Some("10.0.1.99")), "ERROR stale-ip-dict-entry", &["aurora-1", "put 10.0.1.99 into IP_DICT"]),
    (|s| endpoint(s, 1, Some("no-such-host.invalid")), "WARN ip-dict-not-compared", &["aurora-2", "does not resolve"]),
    (|s| endpoint(s, 1, None), "WARN ip-dict-not-compared", &["aurora-2", "no endpoint"]),
    (|s| drop(s.clone().with_fault("DescribeDBInstances", DENIED)), "WARN ip-dict-not-compared", &["DescribeDBInstances", "AccessDenied"]),
    (|s| endpoint(&s.clone().with_public("aurora-1 aurora-2 aurora-3"), 1, Some("54.72.1.2")), "WARN ip-dict-not-compared",
     &["10.0.2.22", "aurora-2", "publicly accessible", "54.72.1.2"]),
];

#[tokio::test]
async fn what_a_scheduled_run_says_of_the_map() {
    for (change, expected, words) in CHANGES {
        let standin = Standin::new();
        change(&standin);
        let found = findings(&standin).await;
        let [(finding, message)] = found.as_slice() else { panic!("{expected}: {found:?}") };
        assert_eq!(finding, expected);
        assert_has(message, words);
    }
}

#[tokio::test]
async fn each_entry_that_cannot_be_compared_has_its_own_warning_and_none_is_an_alarm() {
    let standin = Standin::new().with_public("aurora-1 aurora-2 aurora-3");
    (0..3).for_each(|i| endpoint(&standin, i, Some(&format!("54.72.1.{i}"))));
    let found = findings(&standin).await;
    let codes: Vec<_> = found.iter().map(|(finding, _)| finding.as_str()).collect();
    assert_eq!(codes, ["WARN ip-dict-not-compared"; 3], "{found:?}");
}
