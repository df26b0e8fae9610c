"""The function under cargo-lambda with moto as AWS, and template.yaml deployed in MiniStack with the zip."""

import json
import platform
import sys
from types import SimpleNamespace

import pytest

from stack.deployment import Deployment, ministack
from support.aws import A1, ADDRESSES, CLUSTER, client, make_cluster, make_group, make_listener, set_targets
from support.aws_proxy import proxy
from support.function import function as lambda_function
from support.moto_server import moto


@pytest.fixture(scope="session")
def aws(work):
    """moto with one balancer, and one Aurora cluster of three whose writer is aurora-1, the only target."""
    with moto(work, "moto", ADDRESSES) as url, proxy(url, initial=0) as made:
        elb, rds, ec2 = (client(service, url) for service in ("elbv2", "rds", "ec2"))
        group = make_group(elb, "aurora", ec2.describe_vpcs()["Vpcs"][0]["VpcId"])
        make_listener(elb, group, ec2.describe_subnets()["Subnets"][0]["SubnetId"])
        make_cluster(rds)
        set_targets(elb, group, [A1])
        yield SimpleNamespace(proxy=made, elb=elb, rds=rds, group=group)


@pytest.fixture(scope="session")
def function(work, built, aws):
    """Its map has a stale address for an instance that no test makes the writer."""
    variables = {"TARGET_GROUP_ARN": aws.group, "IP_DICT": json.dumps({"aurora-3": "10.0.3.99"}), "DB_CLUSTER_ID": CLUSTER}
    with lambda_function(work, "function", aws.proxy.url, variables) as started:
        yield started


@pytest.fixture(scope="session")
def deployment(work, cargo):
    """template.yaml in MiniStack, with the zip as a user builds it."""
    if sys.platform != "linux":
        pytest.skip("MiniStack runs the zip as it is, which takes Linux")
    architecture = {"x86_64": "x86_64", "aarch64": "arm64"}[platform.machine()]
    # cargo knows by itself whether there is anything to do.
    cargo("lambda", "build", "--release", "--locked", "--output-format", "zip", f"--{architecture.replace('_', '-')}")
    with ministack(work) as url:
        yield Deployment(url, architecture)


@pytest.fixture
def deployed(deployment):
    """The deployment with aurora-1 as the writer and the only target; prints the function's log if the test fails."""
    deployment.reset([A1], "aurora-1")
    seen = len(deployment.log())
    yield deployment
    print("\n".join(deployment.log()[seen:]))
