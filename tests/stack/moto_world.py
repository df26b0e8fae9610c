"""moto as AWS: one balancer and one Aurora cluster of three, and a record of the function's calls."""

import json
import re
import urllib.request
from base64 import b64decode

from stack.expect import PORT, Expect
from support.aws import client, make_cluster, make_group, make_listener, set_targets, set_writer, targets

# Never by way of a proxy, whatever the environment says.
fetch = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Moto:
    """Its NLB has few states: a target is healthy at once, and gone at once. What AWS shows besides (`initial`, `unhealthy`, and
    `draining` after a deregistration) is in `cargo test`.
    """

    def __init__(self, url):
        self.url = url
        self.elb, self.rds, ec2 = (client(service, url) for service in ("elbv2", "rds", "ec2"))
        vpc, subnet = ec2.describe_vpcs()["Vpcs"][0]["VpcId"], ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        self.group, self.unused_group = (make_group(self.elb, name, vpc, PORT) for name in ("aurora", "unused"))
        make_listener(self.elb, self.group, subnet, PORT)
        make_cluster(self.rds)
        self.record("start-recording")

    def record(self, action):
        method = "GET" if action.startswith("download") else "POST"
        request = urllib.request.Request(f"{self.url}/moto-api/recorder/{action}", method=method)
        return fetch(request, timeout=10).read().decode()

    def targets(self):
        return targets(self.elb, self.group)

    def prepare(self, expect: Expect):
        """Brings the group and the cluster to where the case starts, and forgets the calls so far."""
        set_targets(self.elb, self.group, expect.before)
        set_writer(self.rds, expect.rds_writer)
        self.record("reset-recording")

    def calls(self):
        """The calls of the function, in order. Ours are left out by the SDK that made them."""
        lines = [json.loads(line) for line in self.record("download-recording").splitlines() if line]
        ours = [line for line in lines if "aws-sdk-rust" in line["headers"].get("User-Agent", "")]
        actions = [re.search(r"Action=(\w+)", b64decode(line["body"]).decode()) for line in ours]
        return [action[1] for action in actions if action]
