"""What is measured: the clients for AWS, the names, and how things stand before the failover."""

import json
import socket
from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from measure.record import Refused


class Aws:
    """The clients. One attempt a call, as each observation is one attempt, and another one comes a second later."""

    def __init__(self) -> None:
        once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
        patient = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)
        self.rds = boto3.client("rds", config=once)
        self.elb = boto3.client("elbv2", config=once)
        self.logs = boto3.client("logs", config=once)
        # The function runs one at a time: a call beside another one is throttled, and tried again.
        self.function = boto3.client("lambda", config=patient)
        self.stacks = boto3.client("cloudformation", config=patient)


@dataclass
class Subject:
    cluster: str
    target_group: str
    function: str
    log_group: str


def find(options: Namespace, aws: Aws) -> Subject:
    """The names that were given, and for the others the stack's."""
    stack: dict[str, str] = {}
    if options.stack:
        (found,) = aws.stacks.describe_stacks(StackName=options.stack)["Stacks"]
        stack |= {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}
        stack |= {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
    function = options.function or stack.get("FunctionName", "")
    log_group = options.log_group or ("" if options.function else stack.get("LogGroupName", "")) or f"/aws/lambda/{function}"
    cluster = (options.cluster or stack.get("DbClusterId", "")).rsplit(":", 1)[-1]
    group = options.target_group or stack.get("TargetGroupArn", "")
    if not (cluster and group and function):
        raise Refused(f"the stack {options.stack} does not name cluster, target group and function: it is not of this template")
    return Subject(cluster, group, function, log_group)


def check(aws: Aws, function: str) -> dict[str, Any]:
    """What the function answers to `check`."""
    reply = aws.function.invoke(FunctionName=function, Payload=json.dumps({"action": "check"}))
    text = reply["Payload"].read().decode()
    if "FunctionError" in reply:
        raise Refused(f"the function {function} is broken, it answers to check: {text}")
    answer = json.loads(text)
    if answer.get("outcome") != "checked":
        raise Refused(f"{function} is not this function, it answers to check: {text}")
    return answer


def cluster(aws: Aws, name: str) -> dict[str, Any]:
    """`status` and `writers` of the cluster, its `members`, `engine` and `version`."""
    (found,) = aws.rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"]
    members = {one["DBInstanceIdentifier"]: one["IsClusterWriter"] for one in found["DBClusterMembers"]}
    names = {"members": sorted(members), "writers": [name for name, writes in members.items() if writes]}
    return names | {"status": found["Status"], "engine": found["Engine"], "version": found["EngineVersion"]}


def addresses(aws: Aws, name: str) -> dict[str, list[str]]:
    """What the instances' endpoints resolve to from here, to tell whose a target is."""
    found = aws.rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": [name]}])["DBInstances"]
    hosts = {one["DBInstanceIdentifier"]: one.get("Endpoint", {}).get("Address", "") for one in found}
    return {instance: resolved(host) for instance, host in hosts.items()}


def resolved(host: str) -> list[str]:
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}) if host else []
    except OSError:
        return []


def settings(aws: Aws, group: str) -> dict[str, Any]:
    """What the group's speed may depend on."""
    (found,) = aws.elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    health = {key: found[key] for key in found if key.startswith("Health") or key.endswith("ThresholdCount")}
    attributes = aws.elb.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    return health | {one["Key"]: one["Value"] for one in sorted(attributes, key=lambda one: one["Key"])}


def refusals(answer: dict[str, Any], cluster: dict[str, Any]) -> list[str]:
    """Why not to measure, by the answer to `check` and the cluster; `--anyway` overrides it."""
    reasons = [f"check finds an error: {one['code']}" for one in answer["findings"] if one["level"] == "error"]
    if cluster["status"] != "available":
        reasons.append(f"the cluster's status is {cluster['status']}, expected available")
    if len(cluster["members"]) < 2:
        reasons.append(f"the cluster has {len(cluster['members'])} member, and a failover needs two")
    if answer.get("dry_run") or any(one["code"] == "dry-run" for one in answer["findings"]):
        reasons.append("the function is in dry run, so that it would not move the target")
    return reasons


def impossible(to: str | None, cluster: dict[str, Any]) -> str:
    """Why `--to` cannot be had; empty if it can."""
    if to and to not in cluster["members"]:
        return f"--to {to}: no member of the cluster, which has {', '.join(cluster['members'])}"
    return f"--to {to}: that is the writer already" if to and to in cluster["writers"] else ""
