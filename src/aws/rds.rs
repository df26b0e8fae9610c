//! Calls the RDS API: about the one cluster, and its instances.

use aws_sdk_rds::types::{DbCluster, DbClusterMember, DbInstance, Filter};

use super::{Aws, unreadable};
use crate::cluster::{ClusterView, Database, Instance, InstanceId, InstanceView, Member};
use crate::error::Error;

const INSTANCES: &str = "DescribeDBInstances";

impl Aws {
    /// DescribeDBClusters: status and members of one cluster. It shows no endpoints.
    ///
    /// # Errors
    /// Also if the cluster is not in the answer, or a member without ID or role.
    pub async fn describe_cluster(&self, cluster: &Database) -> Result<ClusterView, Error> {
        const ACTION: &str = "DescribeDBClusters";
        let request = self.clients.rds.describe_db_clusters().db_cluster_identifier(cluster.id());
        let answer = self.call(ACTION, |last_failure| request.customize().interceptor(last_failure).send()).await?;
        let is_ours = |found: &&DbCluster| found.db_cluster_identifier().is_some_and(|id| id.eq_ignore_ascii_case(cluster.id()));
        let found = answer.db_clusters().iter().find(is_ours).ok_or_else(|| unreadable(ACTION, "no such cluster in it"))?;
        let status = found.status().ok_or_else(|| unreadable(ACTION, "no Status"))?.to_owned();
        let members = found.db_cluster_members().iter();
        let members = members
            .map(|found| member(found).ok_or_else(|| unreadable(ACTION, &format!("{found:?}"))))
            .collect::<Result<_, _>>()?;
        let is_named = |name: Option<&str>| name.is_some_and(|name| !name.is_empty());
        let forwarding = found.global_write_forwarding_status().map(|status| status.as_str());
        let is_global = is_named(found.global_cluster_identifier()) || is_named(forwarding);
        Ok(ClusterView { status, engine: found.engine().unwrap_or_default().to_owned(), is_global, members })
    }

    /// DescribeDBInstances: the instances of one cluster, in one call (a cluster has at most 16, a page 100).
    ///
    /// # Errors
    /// Also if an instance has no ID.
    pub async fn describe_instances(&self, cluster: &Database) -> Result<Vec<Instance>, Error> {
        let of_cluster = Filter::builder().name("db-cluster-id").values(cluster.id()).build();
        let request = self.clients.rds.describe_db_instances().filters(of_cluster);
        let answer = self.call(INSTANCES, |last_failure| request.customize().interceptor(last_failure).send()).await?;
        let found = answer.db_instances.ok_or_else(|| unreadable(INSTANCES, "no DBInstances"))?;
        let is_ours = |id: Option<&str>| id.is_none_or(|id| id.eq_ignore_ascii_case(cluster.id()));
        let ours = found.iter().filter(|instance| is_ours(instance.db_cluster_identifier()));
        ours.map(instance).collect()
    }

    /// DescribeDBInstances: one instance.
    ///
    /// # Errors
    /// Also if the instance is not in the answer, or has no status.
    pub async fn describe_instance(&self, database: &Database) -> Result<InstanceView, Error> {
        let request = self.clients.rds.describe_db_instances().db_instance_identifier(database.id());
        let answer = self.call(INSTANCES, |last_failure| request.customize().interceptor(last_failure).send()).await?;
        let is_ours =
            |found: &&DbInstance| found.db_instance_identifier().is_some_and(|id| id.eq_ignore_ascii_case(database.id()));
        let found = answer.db_instances().iter().find(is_ours).ok_or_else(|| unreadable(INSTANCES, "no such instance in it"))?;
        let status = found.db_instance_status().ok_or_else(|| unreadable(INSTANCES, "no DBInstanceStatus"))?.to_owned();
        let named = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(str::to_owned);
        let source = named(found.read_replica_source_db_instance_identifier());
        Ok(InstanceView {
            instance: instance(found)?,
            status,
            engine: found.engine().unwrap_or_default().to_owned(),
            cluster: named(found.db_cluster_identifier()),
            is_multi_az: found.multi_az().unwrap_or(false),
            replicates: source.or_else(|| named(found.read_replica_source_db_cluster_identifier())),
        })
    }
}

fn instance(found: &DbInstance) -> Result<Instance, Error> {
    let id = found.db_instance_identifier().and_then(InstanceId::parse);
    let id = id.ok_or_else(|| unreadable(INSTANCES, "an instance without a DBInstanceIdentifier"))?;
    let host = found.endpoint().and_then(|endpoint| endpoint.address()).map(str::to_owned);
    Ok(Instance { id, host, is_publicly_accessible: found.publicly_accessible().unwrap_or(false) })
}

fn member(member: &DbClusterMember) -> Option<Member> {
    Some(Member { id: InstanceId::parse(member.db_instance_identifier()?)?, is_writer: member.is_cluster_writer()? })
}
