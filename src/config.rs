//! Reads the configuration from the environment variables, and refuses a value that is not as expected.

use std::fmt;

use crate::cluster::{Database, DatabaseKind};
pub use ip_dict::IpDict;

mod database;
mod ip_dict;

use database::{Named, TargetGroupArn};

/// The configuration, read once at start and valid as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `TARGET_GROUP_ARN`: the target group; this function owns all its targets.
    pub target_group_arn: String,
    /// `IP_DICT`: the address of each instance. An entry here wins over discovery.
    pub ip_dict: IpDict,
    /// `DB_CLUSTER_ID` or `DB_INSTANCE_ID`, completed from the target group's ARN. It turns on verification, reconcile, discovery
    /// and check; events of another database are then ignored.
    pub database: Option<Database>,
    /// `SWITCH_ON`: the event that moves the target.
    pub switch_on: SwitchOn,
    /// `TARGET_PORT`: the port of the database, 3306 unless set.
    pub port: u16,
    /// `TARGET_AVAILABILITY_ZONE`: `all` for an address outside the balancer's VPC.
    pub zone: Option<String>,
    /// `DRY_RUN`: decide and plan, write nothing.
    pub dry_run: bool,
    /// `AWS_REGION`, else the target group's.
    pub region: String,
}

/// `SWITCH_ON`: the event that moves the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SwitchOn {
    #[default]
    Started,
    /// 6 to 38 s later, once RDS's API can be asked.
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
            // As it is, except for what would break the line.
            Some(value) => {
                write!(f, "{}=\"{}\": expected {}", self.variable, value.replace(char::is_control, " "), self.expected)
            }
            None => write!(f, "{} is not set: expected {}", self.variable, self.expected),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The cluster that this function follows, if it follows one.
    pub fn cluster(&self) -> Option<&Database> {
        self.database.as_ref().filter(|database| database.kind() == DatabaseKind::Cluster)
    }

    /// The one DB instance that this function follows instead of a cluster.
    pub fn instance(&self) -> Option<&Database> {
        self.database.as_ref().filter(|database| database.kind() == DatabaseKind::Instance)
    }

    /// Reads the configuration through `variable`, which returns a variable's value if it is set. Empty counts as unset.
    ///
    /// # Errors
    /// The first variable that is missing or bad.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let cluster = optional("DB_CLUSTER_ID", &get, |value| Named::parse(DatabaseKind::Cluster, value))?;
        let instance = optional("DB_INSTANCE_ID", &get, |value| Named::parse(DatabaseKind::Instance, value))?;
        let ip_dict = optional("IP_DICT", &get, ip_dict::parse)?.unwrap_or_default();
        let switch_on = optional("SWITCH_ON", &get, parse_switch_on)?.unwrap_or_default();
        if instance.is_some() {
            refuse_beside_instance(&get, cluster.is_some(), !ip_dict.is_empty(), switch_on)?;
        }
        let (variable, named) = match instance {
            Some(_) => ("DB_INSTANCE_ID", instance),
            None => ("DB_CLUSTER_ID", cluster),
        };
        if ip_dict.is_empty() && named.is_none() {
            let unless = "with at least one entry unless DB_CLUSTER_ID or DB_INSTANCE_ID is set";
            return Err(bad("IP_DICT", get("IP_DICT"), format!("{}, {unless}", ip_dict::FORM)));
        }
        let group = optional("TARGET_GROUP_ARN", &get, TargetGroupArn::parse)?
            .ok_or_else(|| bad("TARGET_GROUP_ARN", None, TargetGroupArn::FORM.to_owned()))?;
        let region = get("AWS_REGION").unwrap_or_else(|| group.region.clone());
        if group.region != region {
            let expected = format!("a target group in {region}, the region of this function");
            return Err(bad("TARGET_GROUP_ARN", get("TARGET_GROUP_ARN"), expected));
        }
        let complete = |named: Named| named.complete(&group).map_err(|expected| bad(variable, get(variable), expected));
        Ok(Config {
            database: named.map(complete).transpose()?,
            target_group_arn: group.arn,
            ip_dict,
            switch_on,
            port: optional("TARGET_PORT", &get, parse_port)?.unwrap_or(3306),
            zone: optional("TARGET_AVAILABILITY_ZONE", &get, parse_zone)?,
            dry_run: optional("DRY_RUN", &get, parse_bool)?.unwrap_or(false),
            region,
        })
    }
}

/// One instance has one address, in DNS, and no event of its failover names another instance.
fn refuse_beside_instance(
    get: &impl Fn(&str) -> Option<String>,
    has_cluster: bool,
    has_map: bool,
    switch_on: SwitchOn,
) -> Result<(), ConfigError> {
    let refusals = [
        (has_cluster, "DB_INSTANCE_ID", "it to be unset while DB_CLUSTER_ID is set: one function follows one database"),
        (has_map, "IP_DICT", "no entry while DB_INSTANCE_ID is set: the address of the instance comes from DNS"),
        (switch_on == SwitchOn::Completed, "SWITCH_ON", "started while DB_INSTANCE_ID is set: its DNS decides when to switch"),
    ];
    match refusals.into_iter().find(|(is_refused, ..)| *is_refused) {
        Some((_, variable, expected)) => Err(bad(variable, get(variable), expected.to_owned())),
        None => Ok(()),
    }
}

fn bad(variable: &'static str, value: Option<String>, expected: String) -> ConfigError {
    ConfigError { variable, value, expected }
}

/// `parse` returns what was expected if it refuses the value.
fn optional<T>(
    name: &'static str,
    get: &impl Fn(&str) -> Option<String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    get(name).map(|value| parse(&value).map_err(|expected| bad(name, Some(value), expected))).transpose()
}

fn parse_port(value: &str) -> Result<u16, String> {
    value.parse().ok().filter(|port| *port != 0).ok_or_else(|| "a port from 1 to 65535".to_owned())
}

/// Not a zone's name: the instances are in different zones, and inside the balancer's VPC AWS finds the zone by itself.
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
