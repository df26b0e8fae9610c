//! DB instances and DB clusters: their identifiers, and what RDS shows of them.

use std::fmt;

use serde::Serialize;

/// The identifier of a DB instance, in lower case: RDS stores it so, and compares without case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct InstanceId(String);

impl InstanceId {
    /// Reads an identifier: letters, digits and hyphens, beginning with a letter, at most 63
    /// (<https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>). `None` for anything else.
    pub fn parse(text: &str) -> Option<InstanceId> {
        is_identifier(text).then(|| InstanceId(text.to_ascii_lowercase()))
    }

    /// The identifier, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A DB cluster: its identifier and, where it was named by one, its ARN. Both in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterId {
    id: String,
    arn: Option<String>,
}

impl ClusterId {
    /// Reads an identifier or an ARN (`arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod`). `None` for anything
    /// else.
    pub fn parse(text: &str) -> Option<ClusterId> {
        let text = text.to_ascii_lowercase();
        if !text.starts_with("arn:") {
            return is_identifier(&text).then_some(ClusterId { id: text, arn: None });
        }
        match text.split(':').collect::<Vec<_>>().as_slice() {
            ["arn", _, "rds", _, _, "cluster", id] if is_identifier(id) => {
                Some(ClusterId { id: (*id).to_owned(), arn: Some(text.clone()) })
            }
            _ => None,
        }
    }

    /// The cluster that an event names, even by a name that RDS would not give: it is some cluster, only not ours.
    /// `None` if it names none. AWS's own sample of an EventBridge event has `rds:` before the identifier.
    pub fn of_event(name: &str) -> Option<ClusterId> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.strip_prefix("rds:").unwrap_or(&name);
        (!name.is_empty()).then(|| ClusterId { id: name.to_owned(), arn: None })
    }

    /// The identifier without the ARN's head, in lower case.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The ARN if it is known, else the identifier.
    pub fn name(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.id)
    }

    /// The region in its ARN, if that is known.
    pub fn region(&self) -> Option<&str> {
        self.arn.as_deref()?.split(':').nth(3)
    }

    /// Whether both name one cluster: by ARN where both have one (identifiers are unique within an account and region
    /// only), else by identifier.
    pub fn is_same(&self, other: &ClusterId) -> bool {
        match (&self.arn, &other.arn) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.id == other.id,
        }
    }
}

/// A DB instance of the cluster, as DescribeDBInstances gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub id: InstanceId,
    /// The DNS name of its endpoint; one that is being created has none yet.
    pub host: Option<String>,
    /// `PubliclyAccessible`: outside its VPC, the name resolves to a public address.
    pub is_publicly_accessible: bool,
}

/// What DescribeDBClusters says of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// The cluster's status; only `failing-over` puts the writer in doubt.
    pub status: String,
    pub members: Vec<Member>,
}

/// One member of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: InstanceId,
    /// `IsClusterWriter`.
    pub is_writer: bool,
}

impl ClusterView {
    /// The writer, if the view is settled: the cluster is not failing over and has exactly one.
    ///
    /// # Errors
    /// What makes the view unsettled.
    pub fn settled_writer(&self) -> Result<&InstanceId, String> {
        if self.status.eq_ignore_ascii_case("failing-over") {
            return Err("RDS says that the cluster is failing-over".to_owned());
        }
        match self.writers().as_slice() {
            [writer] => Ok(writer),
            [] => Err("RDS shows no writer".to_owned()),
            several => {
                let names = several.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
                Err(format!("RDS shows {} writers: {names}", several.len()))
            }
        }
    }

    /// The members that say they are the writer.
    pub fn writers(&self) -> Vec<&InstanceId> {
        self.members.iter().filter(|member| member.is_writer).map(|member| &member.id).collect()
    }
}

fn is_identifier(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_compare_without_case_and_refuse_what_rds_refuses() {
        assert_eq!(InstanceId::parse("Aurora-2"), InstanceId::parse("aurora-2"));
        let long = "a".repeat(64);
        for bad in ["", "2-aurora", "aurora 2", "aurora_2", "aurora-2.", "größe", long.as_str()] {
            assert_eq!(InstanceId::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_cluster_is_recognised_by_arn_where_both_sides_have_one() {
        let parse = |text| ClusterId::parse(text).unwrap();
        let ours = parse("arn:aws:rds:eu-west-1:123456789012:cluster:Aurora-Prod");
        assert_eq!(ours.id(), "aurora-prod");
        assert!(ours.is_same(&parse("AURORA-PROD")));
        assert!(ours.is_same(&parse("arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod")));
        assert!(!ours.is_same(&parse("arn:aws:rds:us-east-1:123456789012:cluster:aurora-prod")));
        assert!(!ours.is_same(&parse("aurora-test")));
        assert!(ours.is_same(&ClusterId::of_event("rds:aurora-prod").unwrap()));
        for bad in ["", "arn:aws:rds:eu-west-1:123456789012:db:aurora-1", "arn:aws:rds:eu-west-1:1:cluster:", "a b", "arn:"] {
            assert_eq!(ClusterId::parse(bad), None, "{bad:?}");
        }
    }

    fn view(status: &str, members: &[(&str, bool)]) -> ClusterView {
        let member = |(id, is_writer): &(&str, bool)| Member { id: InstanceId::parse(id).unwrap(), is_writer: *is_writer };
        ClusterView { status: status.to_owned(), members: members.iter().map(member).collect() }
    }

    #[test]
    fn one_writer_settles_every_status_but_failing_over() {
        // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/accessing-monitoring.html#Aurora.Status
        let statuses = [
            "available",
            "backing-up",
            "backtracking",
            "cloning-failed",
            "creating",
            "deleting",
            "inaccessible-encryption-credentials",
            "inaccessible-encryption-credentials-recoverable",
            "maintenance",
            "migrating",
            "migration-failed",
            "modifying",
            "promoting",
            "preparing-data-migration",
            "renaming",
            "resetting-master-credentials",
            "starting",
            "stopped",
            "stopping",
            "storage-optimization",
            "update-iam-db-auth",
            "upgrading",
            "rebooting",
            "",
            "something-new",
        ];
        for status in statuses {
            assert_eq!(view(status, &[("a", true), ("b", false)]).settled_writer().unwrap().as_str(), "a", "{status}");
        }
        for status in ["failing-over", "Failing-Over"] {
            assert!(view(status, &[("a", true), ("b", false)]).settled_writer().unwrap_err().contains("failing-over"));
        }
    }

    #[test]
    fn no_writer_or_two_writers_settle_nothing() {
        assert_eq!(view("available", &[]).settled_writer().unwrap_err(), "RDS shows no writer");
        assert_eq!(view("available", &[("a", false)]).settled_writer().unwrap_err(), "RDS shows no writer");
        assert_eq!(view("available", &[("a", true), ("b", true)]).settled_writer().unwrap_err(), "RDS shows 2 writers: a, b");
    }
}
