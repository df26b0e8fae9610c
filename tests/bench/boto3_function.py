"""What the benchmark compares with: the same job in Python, written as AWS recommends, with the client made once, at init."""

import json
import os

import boto3

TARGET_GROUP = os.environ["TARGET_GROUP_ARN"]
ADDRESSES = json.loads(os.environ["IP_DICT"])
PORT = int(os.environ.get("TARGET_PORT", "3306"))

elb = boto3.client("elbv2")


def handler(event, _context):
    """Registers the instance that a failover event names, then deregisters all others."""
    message = json.loads(event["Records"][-1]["Sns"]["Message"])
    writer = {"Id": ADDRESSES[message["Event Message"].rsplit(": ", 1)[1]], "Port": PORT}
    health = elb.describe_target_health(TargetGroupArn=TARGET_GROUP)["TargetHealthDescriptions"]
    active = [entry["Target"] for entry in health if entry["TargetHealth"]["State"] != "draining"]
    stale = [target for target in active if (target["Id"], target["Port"]) != (writer["Id"], writer["Port"])]
    if len(stale) == len(active):
        elb.register_targets(TargetGroupArn=TARGET_GROUP, Targets=[writer])
    if stale:
        elb.deregister_targets(TargetGroupArn=TARGET_GROUP, Targets=stale)
    return {"outcome": "switched", "target": f"{writer['Id']}:{PORT}"}
