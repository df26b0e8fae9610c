"""AWS in memory for the tests of the command line: a failover there is over as soon as it is asked for."""

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from support.aws import A1, ADDRESSES, ATTRIBUTES, CLUSTER, PORT


class FakeAws:
    def __init__(self) -> None:
        self.answer: Any = {"outcome": "checked", "version": "0.2.0", "targets": [A1], "findings": []}
        self.broken = False
        self.status, self.members, self.writer = "available", ["aurora-1", "aurora-2"], "aurora-1"
        self.events: list[dict[str, Any]] = []
        self.failovers: list[dict[str, Any]] = []
        self.rds = self.elb = self.logs = self.function = self.stacks = self

    def invoke(self, **_):
        payload = {"Payload": io.BytesIO(json.dumps(self.answer).encode())}
        return payload | ({"FunctionError": "Unhandled"} if self.broken else {})

    def describe_db_clusters(self, **_):
        members = [{"DBInstanceIdentifier": name, "IsClusterWriter": name == self.writer} for name in self.members]
        cluster = {"Status": self.status, "Engine": "aurora-mysql", "EngineVersion": "8.0", "DBClusterMembers": members}
        return {"DBClusters": [cluster]}

    def describe_db_instances(self, **_):
        endpoints = {name: {"Address": ADDRESSES[name]} for name in self.members}
        return {"DBInstances": [{"DBInstanceIdentifier": name, "Endpoint": at} for name, at in endpoints.items()]}

    def describe_target_groups(self, **_):
        return {"TargetGroups": [{"HealthCheckIntervalSeconds": 30, "UnhealthyThresholdCount": 2, "TargetType": "ip"}]}

    def describe_target_group_attributes(self, **_):
        return {"Attributes": [{"Key": key, "Value": value} for key, value in ATTRIBUTES.items()]}

    def describe_target_health(self, **_):
        target = {"Id": ADDRESSES[self.writer], "Port": PORT}
        return {"TargetHealthDescriptions": [{"Target": target, "TargetHealth": {"State": "initial"}}]}

    def describe_stacks(self, StackName):  # noqa: N803
        outputs = {"TargetGroupArn": "arn:group", "FunctionName": "the-function", "LogGroupName": f"/aws/lambda/{StackName}"}
        parameters = [{"ParameterKey": "DbClusterId", "ParameterValue": CLUSTER}]
        listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        return {"Stacks": [{"Parameters": parameters, "Outputs": listed}]}

    def get_paginator(self, name):
        page = {"Events": self.events} if name == "describe_events" else {"events": []}
        return SimpleNamespace(paginate=lambda **_: [page])

    def failover_db_cluster(self, **asked):
        self.failovers.append(asked)
        self.writer = asked.get("TargetDBInstanceIdentifier", "aurora-2")
        self.events.append({"Date": datetime.now(UTC), "Message": f"Completed failover to DB instance: {self.writer}"})
