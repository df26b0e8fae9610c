use std::net::IpAddr;

use super::*;
use crate::cluster::InstanceId;

const ARN: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/aurora/0123456789abcdef";
const DICT: &str = r#"{"Aurora-1":"10.0.1.11","aurora-2":"2001:db8::22"}"#;

fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(|name| variables.iter().rev().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn two_variables_are_enough_and_the_rest_have_defaults() {
    let config = read(&[("TARGET_GROUP_ARN", ARN), ("IP_DICT", DICT), ("TARGET_PORT", ""), ("DRY_RUN", " ")]).unwrap();
    assert_eq!(config.target_group_arn, ARN);
    assert_eq!(config.ip_dict[&InstanceId::parse("aurora-1").unwrap()], "10.0.1.11".parse::<IpAddr>().unwrap());
    assert_eq!((config.port, config.zone, config.dry_run, config.database), (3306, None, false, None));
}

#[test]
fn with_a_cluster_the_map_may_be_left_empty() {
    for dict in ["", "{}"] {
        let config = read(&[("TARGET_GROUP_ARN", ARN), ("IP_DICT", dict), ("DB_CLUSTER_ID", "aurora-prod")]).unwrap();
        assert!(config.ip_dict.is_empty());
    }
}

#[test]
fn the_region_is_the_functions_own_and_without_that_the_target_groups() {
    let region = |more: &[(&str, &str)]| read(&[&[("TARGET_GROUP_ARN", ARN), ("IP_DICT", DICT)], more].concat());
    assert_eq!(region(&[]).unwrap().region, "eu-west-1");
    assert_eq!(region(&[("AWS_REGION", "eu-west-1")]).unwrap().region, "eu-west-1");
    let of_group = region(&[("AWS_REGION", "us-east-1")]).unwrap_err().to_string();
    assert_eq!(of_group, format!("TARGET_GROUP_ARN={ARN:?}: expected a target group in us-east-1, the region of this function"));
    let arn = "arn:aws:rds:us-east-1:123456789012:cluster:aurora-prod";
    let of_cluster = region(&[("DB_CLUSTER_ID", arn)]).unwrap_err().to_string();
    assert_eq!(of_cluster, format!("DB_CLUSTER_ID={arn:?}: expected a DB cluster in eu-west-1, the region of this function"));
}

#[test]
fn a_bad_value_is_refused_in_one_line_that_names_variable_value_and_expectation() {
    let table = [
        ("TARGET_GROUP_ARN", "", "is not set", "the ARN of a target group"),
        ("TARGET_GROUP_ARN", "targetgroup/aurora/1", "\"targetgroup/aurora/1\"", "the ARN of a target group"),
        (
            "TARGET_GROUP_ARN",
            "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/a/b",
            "loadbalancer",
            "the ARN of a target group",
        ),
        ("TARGET_GROUP_ARN", "arn:aws:rds:eu-west-1:1:targetgroup/a/b", "rds", "the ARN of a target group"),
        ("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing::1:targetgroup/a/b", "::1", "the ARN of a target group"),
        ("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a", "group/a", "the ARN of a target group"),
        ("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup//b", "//b", "the ARN of a target group"),
        ("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a b/c", "a b/c", "the ARN of a target group"),
        ("IP_DICT", "", "is not set", "a JSON object"),
        ("IP_DICT", "{}", "\"{}\"", "at least one entry unless DB_CLUSTER_ID or DB_INSTANCE_ID"),
        ("IP_DICT", "aurora-1=10.0.1.11", "aurora-1=10.0.1.11", "a JSON object"),
        ("IP_DICT", "{\"a\":\n1}", "{\"a\": 1}", "a JSON object"),
        ("IP_DICT", r#"["10.0.1.11"]"#, "10.0.1.11", "expected a JSON object of strings"),
        ("IP_DICT", r#"{"a":"10.0.1.11.example"}"#, "10.0.1.11.example", "is not an IP address"),
        ("IP_DICT", r#"{"a":"10.0.1.11/32"}"#, "10.0.1.11/32", "is not an IP address"),
        ("IP_DICT", r#"{"a":"10.0.1.11","b":"10.0.1.11"}"#, "10.0.1.11", "a and b both have 10.0.1.11"),
        ("IP_DICT", r#"{"a":"10.0.1.11","b":"::ffff:10.0.1.11"}"#, "ffff", "a and b both have 10.0.1.11"),
        ("IP_DICT", r#"{"a":"10.0.1.11","A":"10.0.2.22"}"#, "10.0.2.22", "there twice"),
        ("IP_DICT", r#"{"":"10.0.1.11"}"#, "10.0.1.11", "is not a valid instance ID"),
        ("DB_CLUSTER_ID", "no such cluster!", "no such cluster!", "identifier or the ARN"),
        ("TARGET_PORT", "0", "\"0\"", "1 to 65535"),
        ("TARGET_PORT", "65536", "65536", "1 to 65535"),
        ("TARGET_PORT", "mysql", "mysql", "1 to 65535"),
        ("TARGET_AVAILABILITY_ZONE", "eu-west-1a", "eu-west-1a", "\"all\""),
        ("DRY_RUN", "yes", "yes", "true or false"),
        ("SWITCH_ON", "failed", "failed", "started or completed"),
    ];
    for (variable, value, shown, expected) in table {
        let line = read(&[("TARGET_GROUP_ARN", ARN), ("IP_DICT", DICT), (variable, value)]).unwrap_err().to_string();
        assert!(line.starts_with(variable), "{line}");
        assert!(line.contains(shown) && line.contains(expected), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[test]
fn a_database_is_named_by_its_identifier_or_by_an_arn_where_the_target_group_is() {
    const RESOURCE: &str = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let table = [
        ("DB_CLUSTER_ID", "Aurora-Prod", Ok("arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod")),
        (
            "DB_CLUSTER_ID",
            "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod",
            Ok("arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod"),
        ),
        ("DB_INSTANCE_ID", "Orders", Ok("arn:aws:rds:eu-west-1:123456789012:db:orders")),
        ("DB_INSTANCE_ID", "arn:aws:rds:eu-west-1:123456789012:db:orders", Ok("arn:aws:rds:eu-west-1:123456789012:db:orders")),
        ("DB_CLUSTER_ID", "arn:aws:rds:eu-west-1:210987654321:cluster:aurora-prod", Err("a DB cluster in account 123456789012")),
        ("DB_CLUSTER_ID", "arn:aws-cn:rds:eu-west-1:123456789012:cluster:aurora-prod", Err("(partition aws)")),
        ("DB_CLUSTER_ID", "arn:aws:rds:eu-west-1:123456789012:db:aurora-1", Err("identifier or the ARN of a DB cluster")),
        ("DB_CLUSTER_ID", RESOURCE, Err("resource ID: give its DBClusterIdentifier")),
        ("DB_CLUSTER_ID", "arn:aws:rds:eu-west-1:123456789012:cluster:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", Err("resource ID")),
        ("DB_INSTANCE_ID", "arn:aws:rds:eu-west-1:210987654321:db:orders", Err("a DB instance in account 123456789012")),
        ("DB_INSTANCE_ID", "arn:aws:rds:us-east-1:123456789012:db:orders", Err("a DB instance in eu-west-1")),
        ("DB_INSTANCE_ID", "arn:aws:rds:eu-west-1:123456789012:cluster:orders", Err("identifier or the ARN of a DB instance")),
        ("DB_INSTANCE_ID", "db-ABCDEFGHIJKLMNOPQRSTUVWX01", Err("resource ID: give its DBInstanceIdentifier")),
    ];
    for (variable, value, expected) in table {
        match (read(&[("TARGET_GROUP_ARN", ARN), (variable, value)]), expected) {
            (Ok(config), Ok(arn)) => assert_eq!(config.database.unwrap().arn(), arn),
            (Err(error), Err(words)) => {
                let line = error.to_string();
                assert!(line.starts_with(&format!("{variable}={value:?}: expected ")) && line.contains(words), "{line}");
            }
            (config, _) => panic!("{value}: {config:?}"),
        }
    }
}

#[test]
fn what_only_a_cluster_has_is_refused_beside_an_instance() {
    let instance = [("TARGET_GROUP_ARN", ARN), ("DB_INSTANCE_ID", "orders")];
    for (variable, value, refused) in [
        ("DB_CLUSTER_ID", "aurora-prod", "DB_INSTANCE_ID=\"orders\": expected it to be unset while DB_CLUSTER_ID is set"),
        (
            "IP_DICT",
            r#"{"orders":"10.0.1.11"}"#,
            "IP_DICT=\"{\"orders\":\"10.0.1.11\"}\": expected no entry while DB_INSTANCE_ID is set",
        ),
        ("SWITCH_ON", "completed", "SWITCH_ON=\"completed\": expected started while DB_INSTANCE_ID is set"),
    ] {
        let line = read(&[&instance[..], &[(variable, value)]].concat()).unwrap_err().to_string();
        assert!(line.starts_with(refused), "{line}");
    }
    for (variable, value) in [("IP_DICT", "{}"), ("SWITCH_ON", "started"), ("DB_CLUSTER_ID", "")] {
        let config = read(&[&instance[..], &[(variable, value)]].concat()).unwrap();
        assert_eq!((config.instance().map(Database::id), config.cluster()), (Some("orders"), None));
    }
}
