//! Reads the configuration from the environment variables, and refuses a value that is not as expected.

use std::fmt;

use crate::cluster::ClusterId;
use crate::ip_dict::{self, FORM as IP_DICT_FORM, IpDict};

/// The configuration, read once at start and valid as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `TARGET_GROUP_ARN`: the target group; this function owns all its targets.
    pub target_group_arn: String,
    /// `IP_DICT`: the address of each instance. An entry here wins over discovery.
    pub ip_dict: IpDict,
    /// `DB_CLUSTER_ID` and `SWITCH_ON`. The cluster turns on verification, reconcile, discovery and check.
    pub followed: Followed,
    /// `TARGET_PORT`: the port of the database, 3306 unless set.
    pub port: u16,
    /// `TARGET_AVAILABILITY_ZONE`: `all` for an address outside the balancer's VPC.
    pub zone: Option<String>,
    /// `DRY_RUN`: decide and plan, write nothing.
    pub dry_run: bool,
    /// `AWS_REGION`, else the target group's.
    pub region: String,
}

/// Which events are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// If set, events of another cluster are ignored.
    pub cluster: Option<ClusterId>,
    pub switch_on: SwitchOn,
}

/// `SWITCH_ON`: the event that moves the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwitchOn {
    #[default]
    Started,
    /// For a consumer that must not meet an instance that is not the writer yet.
    Completed,
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
            // As it is, but for what would break the line.
            Some(value) => {
                write!(f, "{}=\"{}\": expected {}", self.variable, value.replace(char::is_control, " "), self.expected)
            }
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
        let target_group_arn = optional("TARGET_GROUP_ARN", &get, parse_target_group_arn)?
            .ok_or_else(|| bad("TARGET_GROUP_ARN", None, TARGET_GROUP_FORM.to_owned()))?;
        let of_group = region_of(&target_group_arn);
        let region = get("AWS_REGION").unwrap_or_else(|| of_group.to_owned());
        let elsewhere = |variable, what| bad(variable, get(variable), format!("{what} in {region}, the region of this function"));
        if of_group != region {
            return Err(elsewhere("TARGET_GROUP_ARN", "a target group"));
        }
        if cluster.as_ref().and_then(ClusterId::region).is_some_and(|of_cluster| of_cluster != region) {
            return Err(elsewhere("DB_CLUSTER_ID", "a DB cluster"));
        }
        Ok(Config {
            target_group_arn,
            ip_dict,
            followed: Followed { cluster, switch_on: optional("SWITCH_ON", &get, parse_switch_on)?.unwrap_or_default() },
            port: optional("TARGET_PORT", &get, parse_port)?.unwrap_or(3306),
            zone: optional("TARGET_AVAILABILITY_ZONE", &get, parse_zone)?,
            dry_run: optional("DRY_RUN", &get, parse_bool)?.unwrap_or(false),
            region,
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

/// The region in the ARN of a target group or a cluster.
fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
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

fn parse_switch_on(value: &str) -> Result<SwitchOn, String> {
    match value.to_ascii_lowercase().as_str() {
        "started" => Ok(SwitchOn::Started),
        "completed" => Ok(SwitchOn::Completed),
        _ => Err("started or completed".to_owned()),
    }
}

fn parse_bool(value: &str) -> Result<bool, String> {
    value.to_ascii_lowercase().parse().map_err(|_| "true or false".to_owned())
}

#[cfg(test)]
mod tests;
