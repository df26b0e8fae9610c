"""What the stand-ins for AWS hold: a target group as the function wants it, and an Aurora cluster of three instances."""

import boto3
from botocore.config import Config

ACCOUNT, REGION = "123456789012", "eu-west-1"
CLUSTER = "aurora-prod"
PORT = 3306
ADDRESSES = {"aurora-1": "10.0.1.11", "aurora-2": "10.0.2.22", "aurora-3": "10.0.3.33"}
A1, A2, A3 = (f"{address}:{PORT}" for address in ADDRESSES.values())
# What `check` wants of the target group. moto stores any attribute, but has not the defaults of AWS.
ATTRIBUTES = {
    "target_health_state.unhealthy.connection_termination.enabled": "false",
    "deregistration_delay.connection_termination.enabled": "true",
    "deregistration_delay.timeout_seconds": "0",
    "load_balancing.cross_zone.enabled": "true",
    "preserve_client_ip.enabled": "false",
}


def client(service, url, key=(ACCOUNT, "test")):
    """A boto3 client for a stand-in. Without a key it is the account's root, which MiniStack knows by the account's number."""
    settings = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={})
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=key[0], aws_secret_access_key=key[1], config=settings
    )


def make_group(elb, name, vpc, port=PORT):
    """A target group as `check` wants it; its ARN."""
    made = elb.create_target_group(
        Name=name, TargetType="ip", Protocol="TCP", Port=port, VpcId=vpc, HealthCheckProtocol="TCP", HealthCheckPort="40000"
    )
    group = made["TargetGroups"][0]["TargetGroupArn"]
    set_attributes(elb, group, **ATTRIBUTES)
    return group


def make_listener(elb, group, subnet, port=PORT, name="aurora"):
    """A balancer with a listener for the group: `check` wants one that some balancer uses."""
    made = elb.create_load_balancer(Name=name, Type="network", Scheme="internal", Subnets=[subnet])
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"], Protocol="TCP", Port=port,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )  # fmt: skip


def set_attributes(elb, group, **attributes):
    listed = [{"Key": key, "Value": value} for key, value in attributes.items()]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=listed)


def targets(elb, group):
    """What the group holds."""
    listed = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted("{Id}:{Port}".format(**entry["Target"]) for entry in listed)


def set_targets(elb, group, wanted):
    """Makes the group hold exactly these."""
    # Only what is there: moto refuses to deregister an unknown target (InvalidTarget), where AWS says nothing.
    for change, listed in ((elb.deregister_targets, targets(elb, group)), (elb.register_targets, wanted)):
        if listed:
            pairs = [target.split(":") for target in listed]
            change(TargetGroupArn=group, Targets=[{"Id": address, "Port": int(port)} for address, port in pairs])


def make_cluster(rds):
    """An Aurora cluster whose writer is its first instance."""
    rds.create_db_cluster(
        DBClusterIdentifier=CLUSTER, Engine="aurora-mysql", MasterUsername="admin", MasterUserPassword="password"
    )
    for instance in ADDRESSES:
        rds.create_db_instance(
            DBInstanceIdentifier=instance, DBClusterIdentifier=CLUSTER, Engine="aurora-mysql", DBInstanceClass="db.r6g.large"
        )


def set_writer(rds, instance):
    rds.failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier=instance)
