//! The environment contract: which variables the function reads, and what each must look like.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::cluster::{ClusterId, InstanceId};
use crate::ip_dict::{self, FORM as IP_DICT_FORM};

/// The configuration, read once at start and valid as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `TARGET_GROUP_ARN`: the target group; this function owns all its targets.
    pub target_group_arn: String,
    /// `IP_DICT`: the address of each instance. An entry here wins over discovery.
    pub ip_dict: BTreeMap<InstanceId, IpAddr>,
    /// `DB_CLUSTER_ID`: turns on verification, reconcile, discovery and check.
    pub cluster: Option<ClusterId>,
    /// `TARGET_PORT`: the port of the database, 3306 unless set.
    pub port: u16,
    /// `TARGET_AVAILABILITY_ZONE`: `all` for an address outside the balancer's VPC.
    pub zone: Option<String>,
    /// `DRY_RUN`: decide and plan, write nothing.
    pub dry_run: bool,
}

/// A variable that is missing or has a bad value; one line that names the variable, the value and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    variable: &'static str,
    value: Option<String>,
    expected: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            // Quoted and escaped, so that a value with line breaks in it stays on this line.
            Some(value) => write!(f, "{}={value:?}: expected {}", self.variable, self.expected),
            None => write!(f, "{} is not set: expected {}", self.variable, self.expected),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the configuration through `variable`, which gives a variable's value if it is set. Empty counts as unset.
    ///
    /// # Errors
    /// The first variable that is missing or bad.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let cluster = optional("DB_CLUSTER_ID", &get, parse_cluster)?;
        let ip_dict = optional("IP_DICT", &get, ip_dict::parse)?.unwrap_or_default();
        if ip_dict.is_empty() && cluster.is_none() {
            return Err(bad(
                "IP_DICT",
                get("IP_DICT"),
                format!("{IP_DICT_FORM}, with at least one entry unless DB_CLUSTER_ID is set"),
            ));
        }
        Ok(Config {
            target_group_arn: optional("TARGET_GROUP_ARN", &get, parse_target_group_arn)?
                .ok_or_else(|| bad("TARGET_GROUP_ARN", None, TARGET_GROUP_FORM.to_owned()))?,
            ip_dict,
            cluster,
            port: optional("TARGET_PORT", &get, parse_port)?.unwrap_or(3306),
            zone: optional("TARGET_AVAILABILITY_ZONE", &get, parse_zone)?,
            dry_run: optional("DRY_RUN", &get, parse_bool)?.unwrap_or(false),
        })
    }
}

const TARGET_GROUP_FORM: &str =
    "the ARN of a target group, like arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/aurora/0123456789abcdef";

fn bad(variable: &'static str, value: Option<String>, expected: String) -> ConfigError {
    ConfigError { variable, value, expected }
}

/// `parse` says what was expected where it refuses.
fn optional<T>(
    name: &'static str,
    get: &impl Fn(&str) -> Option<String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    get(name).map(|value| parse(&value).map_err(|expected| bad(name, Some(value), expected))).transpose()
}

fn parse_target_group_arn(value: &str) -> Result<String, String> {
    match value.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "elasticloadbalancing", region, account, resource]
            if [partition, region, account].iter().all(|part| !part.is_empty())
                && resource.starts_with("targetgroup/")
                && resource.split('/').count() == 3
                && resource.split('/').all(|part| !part.is_empty())
                && !value.contains(char::is_whitespace) =>
        {
            Ok(value.to_owned())
        }
        _ => Err(TARGET_GROUP_FORM.to_owned()),
    }
}

fn parse_cluster(value: &str) -> Result<ClusterId, String> {
    ClusterId::parse(value).ok_or_else(|| "the identifier or the ARN of a DB cluster".to_owned())
}

fn parse_port(value: &str) -> Result<u16, String> {
    value.parse().ok().filter(|port| *port != 0).ok_or_else(|| "a port from 1 to 65535".to_owned())
}

/// Not a zone's name: the instances are in different ones, and inside the balancer's VPC AWS finds out by itself.
fn parse_zone(value: &str) -> Result<String, String> {
    if value == "all" { Ok(value.to_owned()) } else { Err("\"all\", or nothing".to_owned()) }
}

fn parse_bool(value: &str) -> Result<bool, String> {
    value.to_ascii_lowercase().parse().map_err(|_| "true or false".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((config.port, config.zone, config.dry_run, config.cluster), (3306, None, false, None));
    }

    #[test]
    fn with_a_cluster_the_map_may_be_left_empty() {
        for dict in ["", "{}"] {
            let config = read(&[("TARGET_GROUP_ARN", ARN), ("IP_DICT", dict), ("DB_CLUSTER_ID", "aurora-prod")]).unwrap();
            assert!(config.ip_dict.is_empty());
        }
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
            (
                "TARGET_GROUP_ARN",
                "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a",
                "group/a",
                "the ARN of a target group",
            ),
            ("TARGET_GROUP_ARN", "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup//b", "//b", "the ARN of a target group"),
            (
                "TARGET_GROUP_ARN",
                "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a b/c",
                "a b/c",
                "the ARN of a target group",
            ),
            ("IP_DICT", "", "is not set", "a JSON object"),
            ("IP_DICT", "{}", "\"{}\"", "at least one entry unless DB_CLUSTER_ID"),
            ("IP_DICT", "aurora-1=10.0.1.11", "aurora-1=10.0.1.11", "a JSON object"),
            ("IP_DICT", "{\"a\":\n1}", "\\n", "a JSON object"),
            ("IP_DICT", r#"["10.0.1.11"]"#, "10.0.1.11", "expected a JSON object of strings"),
            ("IP_DICT", r#"{"a":"10.0.1.11.example"}"#, "10.0.1.11.example", "is no IP address"),
            ("IP_DICT", r#"{"a":"10.0.1.11/32"}"#, "10.0.1.11/32", "is no IP address"),
            ("IP_DICT", r#"{"a":"10.0.1.11","b":"10.0.1.11"}"#, "10.0.1.11", "a and b both have 10.0.1.11"),
            ("IP_DICT", r#"{"a":"10.0.1.11","b":"::ffff:10.0.1.11"}"#, "ffff", "a and b both have 10.0.1.11"),
            ("IP_DICT", r#"{"a":"10.0.1.11","A":"10.0.2.22"}"#, "10.0.2.22", "there twice"),
            ("IP_DICT", r#"{"":"10.0.1.11"}"#, "10.0.1.11", "is no instance ID"),
            ("DB_CLUSTER_ID", "no such cluster!", "no such cluster!", "identifier or the ARN"),
            ("TARGET_PORT", "0", "\"0\"", "1 to 65535"),
            ("TARGET_PORT", "65536", "65536", "1 to 65535"),
            ("TARGET_PORT", "mysql", "mysql", "1 to 65535"),
            ("TARGET_AVAILABILITY_ZONE", "eu-west-1a", "eu-west-1a", "\"all\""),
            ("DRY_RUN", "yes", "yes", "true or false"),
        ];
        for (variable, value, shown, expected) in table {
            let line = read(&[("TARGET_GROUP_ARN", ARN), ("IP_DICT", DICT), (variable, value)]).unwrap_err().to_string();
            assert!(line.starts_with(variable), "{line}");
            assert!(line.contains(shown) && line.contains(expected), "{line}");
            assert!(!line.contains('\n'), "{line}");
        }
    }
}
