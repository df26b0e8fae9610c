//! DB clusters and DB instances: how they are named, and what RDS shows of them.

mod database;

use std::fmt;

use serde::Serialize;

use crate::error::Error;

pub use database::{Database, DatabaseKind, EventSource};

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

/// A DB instance of the cluster, as DescribeDBInstances shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub id: InstanceId,
    /// The DNS name of its endpoint; an instance that is being created has none yet.
    pub host: Option<String>,
    /// `PubliclyAccessible`: outside its VPC, the name resolves to a public address.
    pub is_publicly_accessible: bool,
}

/// One DB instance outside a cluster, as DescribeDBInstances shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceView {
    pub instance: Instance,
    /// `DBInstanceStatus`.
    pub status: String,
    /// `Engine`, like `mysql`.
    pub engine: String,
    /// The cluster that it is a member of: then `DB_CLUSTER_ID` must name the cluster.
    pub cluster: Option<String>,
    /// It has a standby.
    pub is_multi_az: bool,
    /// The instance or cluster that it is a read replica of.
    pub replicates: Option<String>,
}

impl InstanceView {
    /// A member of a cluster is followed by its cluster: its own events and its DNS say nothing about the writer.
    ///
    /// # Errors
    /// [`Error::ClusterIdRequired`] for a member.
    pub fn refuse_member(&self) -> Result<(), Error> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        let why = format!("{} is a member of the DB cluster {cluster}", self.instance.id);
        Err(Error::ClusterIdRequired(format!("{why}: set DB_CLUSTER_ID to {cluster}, and unset DB_INSTANCE_ID")))
    }
}

/// What DescribeDBClusters shows of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// The cluster's status; only `failing-over` puts the writer in doubt.
    pub status: String,
    /// `Engine`, like `aurora-mysql`.
    pub engine: String,
    /// The cluster belongs to a global database, so its writer may be in another region.
    pub is_global: bool,
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
    /// The members with `IsClusterWriter`.
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
}
