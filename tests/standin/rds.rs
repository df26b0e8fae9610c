//! RDS: one Aurora cluster, with what it shows at each look, and one Multi-AZ DB instance.

use super::answer::Acted;
use super::query::{Parameters, element, list, response};
use super::{CLUSTER, DbInstance, World};

impl World {
    pub fn describe_cluster(&mut self, parameters: &Parameters) -> Acted {
        let asked = parameters.get("DBClusterIdentifier");
        if asked != CLUSTER {
            return Err(("DBClusterNotFoundFault", format!("DBCluster {asked} not found.")));
        }
        let view = if self.views.len() > 1 { self.views.pop_front() } else { self.views.front().cloned() };
        let view = view.unwrap();
        let member = |(id, _): &(String, Option<String>)| {
            element("DBInstanceIdentifier", id) + &element("IsClusterWriter", &view.writers.contains(id).to_string())
        };
        let members = list("DBClusterMembers", "DBClusterMember", self.members.iter().map(member));
        let cluster = element("DBClusterIdentifier", CLUSTER) + &element("Status", &view.status) + &members;
        Ok(response("DescribeDBClusters", &list("DBClusters", "DBCluster", [cluster])))
    }

    pub fn describe_instances(&self, parameters: &Parameters) -> Acted {
        let asked = parameters.get("DBInstanceIdentifier");
        if !asked.is_empty() {
            return self.describe_instance(asked);
        }
        let filter = (parameters.get("Filters.Filter.1.Name"), parameters.get("Filters.Filter.1.Values.Value.1"));
        assert_eq!(filter, ("db-cluster-id", CLUSTER), "instances are asked for by their cluster");
        let instance = |(id, host): &(String, Option<String>)| {
            let port = element("Port", &self.port.to_string());
            let endpoint = host.as_ref().map(|host| element("Endpoint", &(element("Address", host) + &port)));
            let public = element("PubliclyAccessible", &self.publicly_accessible.contains(id).to_string());
            element("DBInstanceIdentifier", id)
                + &element("DBClusterIdentifier", CLUSTER)
                + &public
                + &endpoint.unwrap_or_default()
        };
        Ok(response("DescribeDBInstances", &list("DBInstances", "DBInstance", self.members.iter().map(instance))))
    }

    fn describe_instance(&self, asked: &str) -> Acted {
        let found = self.instance.as_ref().filter(|instance| instance.id == asked);
        let DbInstance { id, status, engine, is_multi_az, host } =
            found.ok_or_else(|| ("DBInstanceNotFound", format!("DBInstance {asked} not found.")))?;
        let port = element("Port", &self.port.to_string());
        let endpoint = host.as_ref().map(|host| element("Endpoint", &(element("Address", host) + &port)));
        let fields = element("DBInstanceIdentifier", id)
            + &element("DBInstanceStatus", status)
            + &element("Engine", engine)
            + &element("MultiAZ", &is_multi_az.to_string())
            + &element("PubliclyAccessible", &self.publicly_accessible.contains(id).to_string())
            + &endpoint.unwrap_or_default();
        Ok(response("DescribeDBInstances", &list("DBInstances", "DBInstance", [fields])))
    }
}
