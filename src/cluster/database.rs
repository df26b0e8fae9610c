//! Which database this function follows, and whether an event is of it (rule 8).

use std::fmt;

use super::{InstanceId, is_identifier};

/// What kind of database an identifier names: identifiers of the two kinds may be alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    Cluster,
    Instance,
}

impl DatabaseKind {
    /// As in an ARN.
    fn in_arn(self) -> &'static str {
        match self {
            DatabaseKind::Cluster => "cluster",
            DatabaseKind::Instance => "db",
        }
    }
}

/// A DB cluster or DB instance, by its whole ARN in lower case: an identifier is unique only within an account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    kind: DatabaseKind,
    partition: String,
    region: String,
    account: String,
    id: String,
}

/// How an event names its database. Each field is as the event has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSource {
    pub arn: Option<String>,
    pub id: Option<String>,
    /// The `account` and `region` of an EventBridge event.
    pub account: Option<String>,
    pub region: Option<String>,
}

impl Database {
    /// Reads an ARN (`arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod`). `None` for anything else, an ARN of another kind
    /// included.
    pub fn of_arn(kind: DatabaseKind, arn: &str) -> Option<Database> {
        let arn = arn.to_ascii_lowercase();
        let ["arn", partition, "rds", region, account, of_kind, id] = *arn.split(':').collect::<Vec<_>>().as_slice() else {
            return None;
        };
        let is_whole = [partition, region, account].iter().all(|part| !part.is_empty());
        (is_whole && of_kind == kind.in_arn()).then(|| Database::new(kind, partition, region, account, id)).flatten()
    }

    /// Completes an identifier. `None` if it is not one.
    pub fn new(kind: DatabaseKind, partition: &str, region: &str, account: &str, id: &str) -> Option<Database> {
        let [partition, region, account, lower_id] = [partition, region, account, id].map(str::to_ascii_lowercase);
        is_identifier(id).then_some(Database { kind, partition, region, account, id: lower_id })
    }

    /// Whether `text`, an identifier or an ARN, ends in a *resource* ID: it names the database in the log and in IAM, and no API call
    /// takes it (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>).
    pub fn is_resource_id(text: &str) -> bool {
        let id = text.rsplit(':').next().unwrap_or(text);
        let unique = id.strip_prefix("cluster-").or_else(|| id.strip_prefix("db-"));
        unique.is_some_and(|unique| {
            unique.len() == 26 && unique.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        })
    }

    /// The identifier of a DB instance.
    pub fn instance_id(&self) -> InstanceId {
        InstanceId(self.id.clone())
    }

    pub fn kind(&self) -> DatabaseKind {
        self.kind
    }

    /// The identifier, in lower case.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn arn(&self) -> String {
        let Database { kind, partition, region, account, id } = self;
        format!("arn:{partition}:rds:{region}:{account}:{}:{id}", kind.in_arn())
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// Whether an event is of this database (rule 8): by its ARN, else by its identifier and what the EventBridge event says of
    /// account and region. An event that names no database may be.
    pub fn is_source_of(&self, event: &EventSource) -> bool {
        if let Some(arn) = event.arn() {
            return arn == self.arn();
        }
        let is_same =
            |theirs: &Option<String>, ours: &str| theirs.as_ref().is_none_or(|theirs| theirs.trim().eq_ignore_ascii_case(ours));
        is_same(&event.account, &self.account)
            && is_same(&event.region, &self.region)
            && event.identifier().is_none_or(|id| id == self.id)
    }
}

impl EventSource {
    /// The ARN in lower case.
    fn arn(&self) -> Option<String> {
        let arn = self.arn.as_deref()?.trim().to_ascii_lowercase();
        arn.starts_with("arn:").then_some(arn)
    }

    /// The identifier in lower case; what stands in place of an ARN counts as one. AWS's own sample of an EventBridge event has
    /// `rds:` before it.
    fn identifier(&self) -> Option<String> {
        let names = [self.id.as_deref(), self.arn.as_deref()].into_iter().flatten();
        let lower = names.map(|name| name.trim().to_ascii_lowercase());
        lower.map(|name| name.strip_prefix("rds:").unwrap_or(&name).to_owned()).find(|name| !name.is_empty())
    }
}

/// For a reason: the ARN, else what there is.
impl fmt::Display for EventSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn().or_else(|| self.identifier()).unwrap_or_else(|| "unknown".to_owned()))?;
        match (&self.account, &self.region) {
            (Some(account), Some(region)) if self.arn().is_none() => write!(f, " (account {account}, region {region})"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod";

    #[test]
    fn only_an_arn_of_its_kind_names_a_database() {
        let ours = Database::of_arn(DatabaseKind::Cluster, "ARN:aws:rds:eu-west-1:123456789012:cluster:Aurora-Prod").unwrap();
        assert_eq!((ours.id(), ours.arn().as_str()), ("aurora-prod", ARN));
        for bad in [
            "",
            "aurora-prod",
            "arn:",
            "arn:aws:rds:eu-west-1:123456789012:db:aurora-1",
            "arn:aws:rds:eu-west-1:123456789012:cluster:",
            "arn:aws:rds:eu-west-1:123456789012:cluster:a b",
            "arn:aws:rds:eu-west-1::cluster:aurora-prod",
            "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod:more",
        ] {
            assert_eq!(Database::of_arn(DatabaseKind::Cluster, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn an_event_is_of_this_cluster_only_by_its_whole_arn_or_without_one_by_its_identifier() {
        let ours = Database::of_arn(DatabaseKind::Cluster, ARN).unwrap();
        // ARN, identifier, account and region of the EventBridge event; whether it is ours.
        let table = [
            (ARN, "aurora-prod", "", "", true),
            (" ARN:AWS:RDS:EU-WEST-1:123456789012:CLUSTER:AURORA-PROD ", "", "", "", true),
            (ARN, "another", "999999999999", "us-east-1", true),
            ("arn:aws:rds:eu-west-1:210987654321:cluster:aurora-prod", "aurora-prod", "", "", false),
            ("arn:aws:rds:us-east-1:123456789012:cluster:aurora-prod", "aurora-prod", "", "", false),
            ("arn:aws-cn:rds:eu-west-1:123456789012:cluster:aurora-prod", "aurora-prod", "", "", false),
            ("arn:aws:rds:eu-west-1:123456789012:cluster:billing", "aurora-prod", "", "", false),
            ("arn:aws:rds:eu-west-1:123456789012:db:aurora-prod", "aurora-prod", "", "", false),
            ("arn:aws:rds:eu-west-1:123456789012:cluster-snapshot:aurora-prod", "aurora-prod", "", "", false),
            ("arn:aws:sns:eu-west-1:123456789012:aurora-prod", "aurora-prod", "", "", false),
            ("", "Aurora-Prod", "", "", true),
            ("", "rds:aurora-prod", "123456789012", "eu-west-1", true),
            ("", "aurora-prod", "210987654321", "eu-west-1", false),
            ("", "aurora-prod", "123456789012", "us-east-1", false),
            ("", "aurora_prod", "", "", false),
            ("", "billing", "", "", false),
            ("aurora-prod", "", "", "", true),
            ("billing", "", "", "", false),
            ("", "", "", "", true),
            ("", "", "210987654321", "", false),
        ];
        for (arn, id, account, region, expected) in table {
            let [arn, id, account, region] = [arn, id, account, region].map(|text| (!text.is_empty()).then(|| text.to_owned()));
            let event = EventSource { arn, id, account, region };
            assert_eq!(ours.is_source_of(&event), expected, "{event:?}");
        }
    }

    #[test]
    fn a_resource_id_is_26_capital_letters_and_digits() {
        let table = [
            ("cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", true),
            ("db-ABCDEFGHIJKLMNOPQRSTUVWX01", true),
            ("arn:aws:rds:eu-west-1:123456789012:cluster:cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", true),
            ("cluster-abcdefghijklmnopqrstuvwxyz", false),
            ("cluster-ABCDEFGHIJKLMNOPQRSTUVWXY", false),
            ("aurora-prod", false),
        ];
        for (text, expected) in table {
            assert_eq!(Database::is_resource_id(text), expected, "{text}");
        }
    }
}
