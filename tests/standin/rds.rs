//! RDS: one Aurora cluster, with what it shows at each look, or one Multi-AZ DB instance.

use super::answer::Acted;
use super::query::{Parameters, element, list, response};
use super::{CLUSTER, World};

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

    /// The instances of the cluster, or the one that is asked for by its ID, which is then in no cluster.
    pub fn describe_instances(&self, parameters: &Parameters) -> Acted {
        let asked = parameters.get("DBInstanceIdentifier");
        let answer = |instances: Vec<String>| Ok(response("DescribeDBInstances", &list("DBInstances", "DBInstance", instances)));
        if asked.is_empty() {
            let filter = (parameters.get("Filters.Filter.1.Name"), parameters.get("Filters.Filter.1.Values.Value.1"));
            assert_eq!(filter, ("db-cluster-id", CLUSTER), "instances are asked for by their ID or their cluster");
            let of_cluster = element("DBClusterIdentifier", CLUSTER);
            return answer(self.members.iter().map(|member| self.instance(member) + &of_cluster).collect());
        }
        let Some(found) = self.members.iter().find(|(id, _)| id == asked) else {
            return Err(("DBInstanceNotFound", format!("DBInstance {asked} not found.")));
        };
        let status = element("DBInstanceStatus", &self.views.front().unwrap().status);
        let multi_az = element("Engine", "mysql") + &element("MultiAZ", "true");
        answer(vec![self.instance(found) + &status + &multi_az])
    }

    fn instance(&self, (id, host): &(String, Option<String>)) -> String {
        let port = element("Port", &self.port.to_string());
        let endpoint = host.as_ref().map(|host| element("Endpoint", &(element("Address", host) + &port)));
        let public = element("PubliclyAccessible", &self.publicly_accessible.contains(id).to_string());
        element("DBInstanceIdentifier", id) + &public + &endpoint.unwrap_or_default()
    }
}
