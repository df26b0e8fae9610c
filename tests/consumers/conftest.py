"""The world of each scenario, from the empty data folder to the function."""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from consumers import mysql, postgres
from consumers.addresses import BALANCER, DB_INSTANCE, ENDPOINT, INSTANCES, NSS_WRAPPER
from consumers.balancer import GROUP, Balancer, haproxy
from consumers.moto_world import Aws
from consumers.mysql import Server, Volumes
from consumers.replica import Replica
from consumers.timeline import Timeline
from consumers.world import World
from support.aws import CLUSTER
from support.function import function as lambda_function
from support.moto_server import moto
from support.project import EVENTS


def pytest_addoption(parser):
    group = parser.getgroup("consumers")
    group.addoption("--all", action="store_true", help="consumers with their default intervals, which takes some ten minutes")
    group.addoption("--table", action="store_true", help="print what the consumers did as the RUNBOOK's table")


def pytest_collection_finish(session):
    """Before anything runs: what comes first may take minutes."""
    missing = [name for name in ("haproxy", "java") if not shutil.which(name)]
    preloaded = subprocess.run(["env"], env=os.environ | NSS_WRAPPER, capture_output=True)
    missing += ["libnss_wrapper"] * bool(preloaded.stderr)  # the loader says so, and goes on without it
    missing += ["mysqld"] * (not mysql.mysqld()) + ["postgres"] * (not postgres.program("postgres"))
    if missing and any(Path(__file__).parent in item.path.parents for item in session.items):
        raise pytest.UsageError(f"tests/consumers needs {', '.join(missing)}: `.ci/run consumers` installs what it needs")


@pytest.fixture(scope="session")
def moto_url(work):
    with moto(work, "consumers-moto", INSTANCES | {DB_INSTANCE: ENDPOINT}, draining=60) as url:
        yield url


@pytest.fixture(scope="session")
def empty_volume():
    with mysql.folder() as place:
        yield mysql.install(place)


@pytest.fixture
def volumes(empty_volume):
    with mysql.folder() as place:
        yield Volumes(place, empty_volume)


@pytest.fixture
def timeline():
    return Timeline()


@pytest.fixture
def aws(moto_url):
    return Aws(moto_url)


@pytest.fixture
def variables():
    """Which database the function follows."""
    return {"IP_DICT": json.dumps(INSTANCES), "DB_CLUSTER_ID": CLUSTER}


@pytest.fixture
def function(tmp_path, built, aws, variables):
    """A process of its own for each scenario: it remembers the newest event that it has acted on."""
    with lambda_function(tmp_path, "function", aws.url, {"TARGET_GROUP_ARN": aws.group} | variables) as started:
        # Opens its connections too: the timeline must not show that.
        reply = started.invoke(EVENTS["check"])
        assert reply.answer, f"the function does not work: {reply.text}"
        yield started


@pytest.fixture
def addresses():
    """Of each instance, the writer first."""
    return INSTANCES


@pytest.fixture
def servers(addresses, volumes, timeline, tmp_path):
    """The instances, and the replica."""
    with ExitStack() as exits, ThreadPoolExecutor() as pool:
        made = {name: exits.enter_context(Server(name, at, volumes, tmp_path)) for name, at in addresses.items()}
        replica = exits.enter_context(Replica(volumes, tmp_path, timeline))
        writer, *others = made.values()
        # A standby takes no connections, and so does not run before it is promoted.
        readers = [server for server in others if server.name in INSTANCES]
        starts = [writer.start_as_writer, replica.start_as_replica, *(reader.start_as_reader for reader in readers)]
        list(pool.map(lambda start: start(), starts))
        yield made, replica


@pytest.fixture
def balancer(aws, timeline, tmp_path):
    with haproxy(BALANCER, GROUP, tmp_path):
        made = Balancer(aws, timeline, propagation=1.0)
        yield made
        made.watch.stop()


@pytest.fixture
def world(request, servers, aws, function, balancer, timeline, tmp_path):
    instances, replica = servers
    replica.replicate()
    failed = request.session.testsfailed
    yield World(instances, replica, aws, function, balancer, timeline, writer=next(iter(instances)))
    replica.watch.stop()
    if request.session.testsfailed > failed:
        print(f"logs: {tmp_path}")
