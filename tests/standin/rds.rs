//! RDS: one Aurora cluster, with what it shows at each look, and one Multi-AZ DB instance.

use super::answer::Acted;
use super::query::{Parameters, element, list, response};
use super::{CLUSTER, DB_INSTANCE, World};

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
        let forwarding = if self.is_secondary { element("GlobalWriteForwardingStatus", "disabled") } else { String::new() };
        let cluster = element("DBClusterIdentifier", CLUSTER) + &element("Status", &view.status) + &forwarding + &members;
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
        if self.instance.is_empty() || asked != DB_INSTANCE {
            return Err(("DBInstanceNotFound", format!("DBInstance {asked} not found.")));
        }
        let shown = self.instance.iter().map(|(name, value)| element(name, value)).collect();
        Ok(response("DescribeDBInstances", &list("DBInstances", "DBInstance", [shown])))
    }
}
