"""moto with the function under cargo-lambda, and MiniStack with template.yaml deployed."""

import json

import pytest

from stack.deployment import ARCHITECTURE, Deployment, ministack
from stack.expect import A1, ADDRESSES
from stack.moto_world import Moto
from support.aws import CLUSTER
from support.function import function
from support.moto_server import moto as moto_server


@pytest.fixture(scope="session")
def moto(work):
    with moto_server(work, "moto", ADDRESSES) as url:
        yield Moto(url)


@pytest.fixture(scope="session")
def configured(work, built, moto):
    """Starts the function with this map and this cluster."""

    def start(name, ip_dict, cluster="", group=moto.group):
        variables = {"TARGET_GROUP_ARN": group, "IP_DICT": json.dumps(ip_dict), "DB_CLUSTER_ID": cluster}
        return function(work, name, moto.url, variables)

    return start


@pytest.fixture(scope="session")
def drop_in(configured):
    """As the original function was configured: without DB_CLUSTER_ID."""
    with configured("drop-in", ADDRESSES) as started:
        yield started


@pytest.fixture(scope="session")
def verifying(configured):
    """With DB_CLUSTER_ID; aurora-3 is not in the map, so that it is looked up."""
    with configured("verifying", {name: ADDRESSES[name] for name in ("aurora-1", "aurora-2")}, CLUSTER) as started:
        yield started


@pytest.fixture(scope="session")
def stale(configured):
    """With an address in IP_DICT that has gone stale."""
    with configured("stale", {"aurora-2": "10.0.2.99"}, CLUSTER) as started:
        yield started


@pytest.fixture(scope="session")
def unused(configured, moto):
    """With a target group that no balancer has a listener for."""
    with configured("unused", ADDRESSES, CLUSTER, moto.unused_group) as started:
        yield started


@pytest.fixture(scope="session")
def deployment(work, cargo):
    """template.yaml in MiniStack, with the zip as a user builds it."""
    if not ARCHITECTURE:
        pytest.skip("MiniStack runs the zip as it is, which takes Linux on x86-64 or arm64")
    name, flag = ARCHITECTURE
    # cargo knows by itself whether there is anything to do.
    cargo("lambda", "build", "--release", "--locked", "--output-format", "zip", flag)
    with ministack(work) as url:
        yield Deployment(url, name)


@pytest.fixture
def deployed(deployment):
    """The deployment with aurora-1 as the writer and the only target; prints the function's log if the test fails."""
    deployment.reset([A1], "aurora-1")
    seen = len(deployment.log())
    yield deployment
    print("\n".join(deployment.log()[seen:]))
