//! The built binary before its first event: configuration, credentials, and being started by hand.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use crate::lambda::{Lambda, fresh};
use crate::standin::{TARGET_GROUP, ip_dict};
use crate::support::*;

/// As under cargo lambda watch on a developer's own machine.
#[tokio::test]
async fn credentials_come_from_the_usual_places_where_the_environment_has_none() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("credentials");
    std::fs::write(&file, "[default]\naws_access_key_id = id\naws_secret_access_key = secret\n").unwrap();
    let file = ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap());
    for secret in ["", "half of a pair"] {
        let variables = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", ""), file];
        let mut lambda = Lambda::start(&Standin::new(), &variables).await;
        assert_eq!(lambda.invoke(fresh(&started("aurora-2", 0))).await.1["outcome"], "switched", "{secret}");
    }
}

#[tokio::test]
async fn bad_configuration_ends_the_init_phase_with_one_line() {
    let (map, group) = (ip_dict(), ("TARGET_GROUP_ARN", TARGET_GROUP));
    let map = ("IP_DICT", map.as_str());
    let table: [(Variables, &str, &str); 5] = [
        (&[map], "TARGET_GROUP_ARN is not set", "the ARN of a target group"),
        (&[group], "IP_DICT is not set", "a JSON object"),
        (&[group, map, ("TARGET_PORT", "70000")], "TARGET_PORT=\"70000\"", "1 to 65535"),
        (&[group, map, ("SSL_CERT_FILE", "/no/such\n.pem")], "SSL_CERT_FILE=\"/no/such .pem\"", "PEM certificates"),
        (&[group, ("IP_DICT", r#"{"a":"x"}"#)], r#"IP_DICT="{"a":"x"}""#, "a JSON object"),
    ];
    for (variables, what, expected) in table {
        let mut lambda = Lambda::start_bare(variables).await;
        let sent = lambda.api.sent().await;
        assert_eq!((sent.path.as_str(), &sent.body["errorType"]), ("init/error", &json!("InvalidConfiguration")));
        let line = sent.body["errorMessage"].as_str().unwrap();
        assert!(line.contains(what) && line.contains(expected) && !line.contains('\n'), "{line}");
        let output = lambda.function.wait_with_output().await.unwrap();
        let log: Value = serde_json::from_slice(&output.stdout).unwrap();
        let expected = (&json!("ERROR"), &json!(line), &json!("InvalidConfiguration"));
        assert_eq!((&log["level"], &log["message"], &log["errorType"]), expected);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0));
        // In Lambda's plain format the line stands alone.
        let lambda = Lambda::start_bare(&[variables, &[("AWS_LAMBDA_LOG_FORMAT", "Text")]].concat()).await;
        let output = lambda.function.wait_with_output().await.unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("{line}\n"));
    }
}

async fn by_hand(arguments: &[&OsStr], runtime_api: Option<&str>) -> (Option<i32>, String, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_aurora-nlb-failover"))
        .args(arguments)
        .env_clear()
        .envs([("TARGET_GROUP_ARN", TARGET_GROUP), ("IP_DICT", &ip_dict())])
        .envs(runtime_api.map(|api| ("AWS_LAMBDA_RUNTIME_API", api)))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn started_by_hand_it_says_what_starts_it_or_its_version() {
    let text = ["", "--help", "check", "version", "--version please", "please --version"];
    let words = text.map(|text| text.split_whitespace().map(OsStr::new).collect::<Vec<_>>());
    for arguments in words.into_iter().chain([vec![OsStr::from_bytes(b"\xff")]]) {
        for runtime_api in [None, Some("")] {
            let (code, _, line) = by_hand(&arguments, runtime_api).await;
            assert_eq!((code, line.lines().count()), (Some(1), 1), "{line}");
            assert_has(&line, &["AWS Lambda starts it", "cargo lambda watch"]);
        }
    }
    let version = format!("aurora-nlb-failover {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(by_hand(&[OsStr::new("--version")], None).await, (Some(0), version, String::new()));
}
