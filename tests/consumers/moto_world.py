"""AWS's API, played by moto: the target group, and the database that the MySQL servers play."""

from collections.abc import Callable
from typing import Any

import urllib3

from consumers.addresses import NAMES, PORT, SERVERS
from support.aws import client, make_cluster, make_group, set_targets


class Aws:
    """One target group, which holds the writer, and one database; by default a cluster whose writer is aurora-1."""

    def __init__(self, url: str, writer: str = "aurora-1", make: Callable[[Any], None] = make_cluster):
        urllib3.request("POST", f"{url}/moto-api/reset")
        self.url = url
        self.elb, self.rds, ec2 = (client(service, url) for service in ("elbv2", "rds", "ec2"))
        self.group = make_group(self.elb, "aurora", ec2.describe_vpcs()["Vpcs"][0]["VpcId"], PORT)
        set_targets(self.elb, self.group, [target(writer)])
        make(self.rds)

    def targets(self, draining: bool = False) -> set[str]:
        """The names of the instances that are registered, or that drain."""
        listed = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {NAMES[entry["Target"]["Id"]] for entry in listed if (entry["TargetHealth"]["State"] == "draining") == draining}

    def cuts_connections(self) -> bool:
        attributes = self.elb.describe_target_group_attributes(TargetGroupArn=self.group)["Attributes"]
        return {"Key": "deregistration_delay.connection_termination.enabled", "Value": "true"} in attributes


def target(name: str) -> str:
    """As the function's answers write it."""
    return f"{SERVERS[name]}:{PORT}"
