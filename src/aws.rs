//! The calls to AWS and to DNS: SDK types in, our own plain data out. Every call ends before the deadline.

use std::future::Future;
use std::net::IpAddr;

use aws_config::SdkConfig;
use aws_sdk_elasticloadbalancingv2::config::http::HttpResponse;
use aws_sdk_elasticloadbalancingv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthDescription};
use aws_sdk_rds::types::{DbCluster, Filter};
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::error::{Error, one_line};
use crate::instance::{ClusterId, InstanceId};
use crate::plan::{Listed, Target};
use crate::sdk::{Attempts, retries_without_end, root_cause};
use crate::writer::{ClusterView, Member};

/// The services, for one invocation: cheap to clone, bounded by its deadline.
#[derive(Clone, Debug)]
pub struct Aws {
    elb: aws_sdk_elasticloadbalancingv2::Client,
    rds: aws_sdk_rds::Client,
    target_group_arn: String,
    deadline: Instant,
}

/// A DB instance of the cluster, as DescribeDBInstances gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its ID.
    pub id: InstanceId,
    /// The DNS name of its endpoint; one that is being created has none yet.
    pub host: Option<String>,
}

/// The settings of the target group that the failover depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroup {
    /// `ip`, `instance`, `alb` or `lambda`.
    pub target_type: String,
    /// `TCP` and others; a group of Lambda functions has none.
    pub protocol: Option<String>,
    /// The default port of its targets.
    pub port: Option<i32>,
    /// A port number, or `traffic-port`; a group of Lambda functions has none.
    pub health_check_port: Option<String>,
}

impl Aws {
    /// Clients for the target group of `config`. Until [`Aws::until`] sets a deadline, every call fails.
    pub fn new(sdk: &SdkConfig, config: &Config) -> Aws {
        let retries = retries_without_end();
        let elb = aws_sdk_elasticloadbalancingv2::config::Builder::from(sdk).retry_partition(retries.clone()).build();
        let rds = aws_sdk_rds::config::Builder::from(sdk).retry_partition(retries).build();
        Aws {
            elb: aws_sdk_elasticloadbalancingv2::Client::from_conf(elb),
            rds: aws_sdk_rds::Client::from_conf(rds),
            target_group_arn: config.target_group_arn.clone(),
            deadline: Instant::now(),
        }
    }

    /// The same clients, with every call bounded by `deadline`.
    pub fn until(&self, deadline: Instant) -> Aws {
        Aws { deadline, ..self.clone() }
    }

    /// When every call ends at the latest.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// DescribeTargetHealth: all targets of the group, draining ones included.
    ///
    /// # Errors
    /// Also if a target has no ID, port or state: what is not understood must not be acted on.
    pub async fn targets(&self) -> Result<Vec<Listed>, Error> {
        const ACTION: &str = "DescribeTargetHealth";
        let request = self.elb.describe_target_health().target_group_arn(&self.target_group_arn);
        let answer = self.call(ACTION, |attempts| request.customize().interceptor(attempts).send()).await?;
        let list = answer.target_health_descriptions.ok_or_else(|| unreadable(ACTION, "no TargetHealthDescriptions"))?;
        list.iter().map(|entry| listed(entry).ok_or_else(|| unreadable(ACTION, &format!("{entry:?}")))).collect()
    }

    /// RegisterTargets, for one.
    ///
    /// # Errors
    /// The call failed.
    pub async fn register(&self, target: &Target) -> Result<(), Error> {
        let request = self.elb.register_targets().target_group_arn(&self.target_group_arn).targets(description(target));
        self.call("RegisterTargets", |attempts| request.customize().interceptor(attempts).send()).await.map(drop)
    }

    /// DeregisterTargets, for all of `targets` in one call, each by its ID, port and zone: without the port of its
    /// registration the call succeeds and does nothing.
    ///
    /// # Errors
    /// The call failed.
    pub async fn deregister(&self, targets: &[Target]) -> Result<(), Error> {
        let descriptions = targets.iter().map(description).collect();
        let request = self.elb.deregister_targets().target_group_arn(&self.target_group_arn).set_targets(Some(descriptions));
        self.call("DeregisterTargets", |attempts| request.customize().interceptor(attempts).send()).await.map(drop)
    }

    /// DescribeTargetGroups, for the one group.
    ///
    /// # Errors
    /// Also if the group or a setting that matters is not in the answer.
    pub async fn target_group(&self) -> Result<TargetGroup, Error> {
        const ACTION: &str = "DescribeTargetGroups";
        let request = self.elb.describe_target_groups().target_group_arns(&self.target_group_arn);
        let answer = self.call(ACTION, |attempts| request.customize().interceptor(attempts).send()).await?;
        let group = answer.target_groups().first().ok_or_else(|| unreadable(ACTION, "no target group"))?;
        Ok(TargetGroup {
            target_type: group.target_type().ok_or_else(|| unreadable(ACTION, "no TargetType"))?.as_str().to_owned(),
            protocol: group.protocol().map(|protocol| protocol.as_str().to_owned()),
            port: group.port(),
            health_check_port: group.health_check_port().map(str::to_owned),
        })
    }

    /// DescribeTargetGroupAttributes: keys and values.
    ///
    /// # Errors
    /// The call failed.
    pub async fn target_group_attributes(&self) -> Result<Vec<(String, String)>, Error> {
        let request = self.elb.describe_target_group_attributes().target_group_arn(&self.target_group_arn);
        let answer =
            self.call("DescribeTargetGroupAttributes", |attempts| request.customize().interceptor(attempts).send()).await?;
        let pairs = answer.attributes.unwrap_or_default().into_iter();
        Ok(pairs.filter_map(|attribute| attribute.key.zip(attribute.value)).collect())
    }

    /// DescribeDBClusters: status and members of one cluster. It shows no endpoints.
    ///
    /// # Errors
    /// Also if the cluster is not in the answer, or a member without ID or role.
    pub async fn cluster(&self, cluster: &ClusterId) -> Result<ClusterView, Error> {
        const ACTION: &str = "DescribeDBClusters";
        let request = self.rds.describe_db_clusters().db_cluster_identifier(cluster.id());
        let answer = self.call(ACTION, |attempts| request.customize().interceptor(attempts).send()).await?;
        let is_ours = |found: &&DbCluster| found.db_cluster_identifier().is_some_and(|id| id.eq_ignore_ascii_case(cluster.id()));
        let found = answer.db_clusters().iter().find(is_ours).ok_or_else(|| unreadable(ACTION, "no such cluster in it"))?;
        let status = found.status().ok_or_else(|| unreadable(ACTION, "no Status"))?.to_owned();
        let member = |member: &aws_sdk_rds::types::DbClusterMember| {
            Some(Member { id: InstanceId::parse(member.db_instance_identifier()?)?, is_writer: member.is_cluster_writer()? })
        };
        let members = found.db_cluster_members().iter();
        let members = members
            .map(|found| member(found).ok_or_else(|| unreadable(ACTION, &format!("{found:?}"))))
            .collect::<Result<_, _>>()?;
        Ok(ClusterView { status, members })
    }

    /// DescribeDBInstances: the instances of one cluster, in one call (a cluster has at most 16, a page 100).
    ///
    /// # Errors
    /// Also if an instance has no ID.
    pub async fn instances(&self, cluster: &ClusterId) -> Result<Vec<Instance>, Error> {
        const ACTION: &str = "DescribeDBInstances";
        let of_cluster = Filter::builder().name("db-cluster-id").values(cluster.id()).build();
        let request = self.rds.describe_db_instances().filters(of_cluster);
        let answer = self.call(ACTION, |attempts| request.customize().interceptor(attempts).send()).await?;
        let found = answer.db_instances.ok_or_else(|| unreadable(ACTION, "no DBInstances"))?;
        let is_ours = |id: Option<&str>| id.is_none_or(|id| id.eq_ignore_ascii_case(cluster.id()));
        let ours = found.iter().filter(|instance| is_ours(instance.db_cluster_identifier()));
        ours.map(|instance| {
            let id = instance.db_instance_identifier().and_then(InstanceId::parse);
            let id = id.ok_or_else(|| unreadable(ACTION, "an instance without a DBInstanceIdentifier"))?;
            Ok(Instance { id, host: instance.endpoint().and_then(|endpoint| endpoint.address()).map(str::to_owned) })
        })
        .collect()
    }

    /// The addresses of a DNS name, each once.
    ///
    /// # Errors
    /// The name does not resolve, or not in time.
    pub async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, Error> {
        let lookup = timeout_at(self.deadline, tokio::net::lookup_host((host, 0))).await;
        let found = lookup.map_err(|_| Error::DeadlineExceeded(format!("waiting for the DNS answer for {host}")))?;
        let found = found.map_err(|error| Error::AddressUnresolved(format!("{host} does not resolve: {error}")))?;
        let mut addresses: Vec<_> = found.map(|address| address.ip().to_canonical()).collect();
        addresses.sort();
        addresses.dedup();
        Ok(addresses)
    }

    async fn call<T, E, F>(&self, action: &'static str, call: impl FnOnce(Attempts) -> F) -> Result<T, Error>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let attempts = Attempts::default();
        match timeout_at(self.deadline, call(attempts.clone())).await {
            Ok(answer) => answer.map_err(|error| failed(action, &error)),
            Err(_) => {
                let last = attempts.last_failure();
                let last = if last.is_empty() { last } else { format!("; its last attempt: {last}") };
                Err(Error::DeadlineExceeded(format!("waiting for {action}{last}")))
            }
        }
    }
}

/// The service's own code and message; the SDK's full text would hold the raw HTTP response.
fn failed<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match error {
        SdkError::ServiceError(answer) if !answer.raw().status().is_success() => Error::AwsCallFailed {
            action,
            code: answer.err().code().unwrap_or("an error without a code").to_owned(),
            message: one_line(answer.err().message().unwrap_or_default()),
        },
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => unreadable(action, "not the XML that the service promises"),
        // Such as a request that could not be made, for want of credentials.
        unanswered => Error::AwsCallFailed { action, code: "NoAnswer".to_owned(), message: root_cause(unanswered) },
    }
}

fn unreadable(action: &'static str, what: &str) -> Error {
    Error::UnreadableAnswer { action, what: one_line(what) }
}

fn listed(entry: &TargetHealthDescription) -> Option<Listed> {
    let target = entry.target()?;
    let id = target.id().filter(|id| !id.is_empty())?.to_owned();
    let port = u16::try_from(target.port()?).ok()?;
    let state = entry.target_health()?.state()?.as_str();
    if state.is_empty() {
        return None;
    }
    Some(Listed { target: Target { id, port, zone: target.availability_zone().map(str::to_owned) }, state: state.to_owned() })
}

fn description(target: &Target) -> TargetDescription {
    TargetDescription::builder().id(&target.id).port(target.port.into()).set_availability_zone(target.zone.clone()).build()
}
