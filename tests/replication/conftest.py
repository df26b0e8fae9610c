"""The world of each scenario, from the empty data folder to the function."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from replication import mariadb
from replication.addresses import INSTANCES
from replication.balancer import balancer as haproxy
from replication.bridge import Bridge
from replication.consumer import Consumer
from replication.mariadb import Server, Volumes
from replication.moto_world import Aws
from replication.timeline import Timeline
from replication.world import World
from support.aws import CLUSTER
from support.function import function as lambda_function
from support.moto_server import moto
from support.project import EVENTS

HERE = Path(__file__).parent
PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults", "haproxy")
INSTALL = "apt-get install --no-install-recommends mariadb-server-core mariadb-client-core haproxy"
DRAINING = 60
"""For how many seconds the target group lists a target that was deregistered."""
PROPAGATION = 1.0


def pytest_addoption(parser):
    group = parser.getgroup("replication")
    group.addoption(
        "--propagation", type=float, default=PROPAGATION, metavar="SECONDS",
        help="from the target group to the balancer (default: %(default)s)",
    )  # fmt: skip
    group.addoption(
        "--break", dest="broken", choices=("function", "cut", "rds"),
        help="leave this out, to see a scenario fail: no event reaches the function; the balancer cuts no connection; "
        "the function has no DB_CLUSTER_ID, and so believes what it is told",
    )  # fmt: skip


def pytest_collection_finish(session):
    """Before anything runs: what comes first may take minutes."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing and any(HERE in item.path.parents for item in session.items):
        raise pytest.UsageError(f"tests/replication needs {', '.join(missing)}; install with: {INSTALL}")


@pytest.fixture
def propagation(request):
    # The default once more: the options are known only where pytest is given this folder.
    return request.config.getoption("propagation", PROPAGATION)


@pytest.fixture(scope="session")
def broken(request):
    return request.config.getoption("broken", None)


@pytest.fixture(scope="session")
def moto_url(work):
    with moto(work, "replication-moto", INSTANCES, DRAINING) as url:
        yield url


@pytest.fixture(scope="session")
def empty_volume():
    with mariadb.folder() as place:
        yield mariadb.install(place)


@pytest.fixture
def volumes(empty_volume):
    with mariadb.folder() as place:
        yield Volumes(place, empty_volume)


@pytest.fixture
def volume(volumes):
    """The cluster's."""
    return volumes.copy()


@pytest.fixture
def timeline():
    return Timeline()


@pytest.fixture
def aws(moto_url, broken):
    made = Aws(moto_url)
    if broken == "cut":
        made.keep_connections()
    return made


@pytest.fixture
def function(tmp_path, built, aws, broken):
    """A process of its own for each scenario: it remembers the newest claim."""
    cluster = "" if broken == "rds" else CLUSTER
    variables = {"TARGET_GROUP_ARN": aws.group, "IP_DICT": json.dumps(INSTANCES), "DB_CLUSTER_ID": cluster}
    with lambda_function(tmp_path, "function", aws.url, variables) as started:
        # Opens its connections too: the timeline must not show that.
        reply = started.invoke(EVENTS["check"])
        assert broken == "rds" or not reply.error, f"the function does not work: {reply.text}"
        yield started


@pytest.fixture
def servers(volumes, volume, timeline, tmp_path):
    """aurora-1 as the writer, two readers, and the consumer."""
    made = [Server(name, address, volumes, tmp_path / f"{name}.log") for name, address in INSTANCES.items()]
    consumer = Consumer(volumes, tmp_path / "consumer.log", timeline)
    writer, *readers = made
    with ExitStack() as exits:
        for server in (*made, consumer):
            exits.callback(server.kill)
        with ThreadPoolExecutor() as pool:
            starts = [pool.submit(writer.start_as_writer, volume)]
            starts += [pool.submit(server.start_as_reader) for server in (*readers, consumer)]
        for start in starts:
            start.result()
        yield {server.name: server for server in made}, consumer


@pytest.fixture
def balancer(tmp_path):
    with haproxy(tmp_path) as started:
        yield started


@pytest.fixture
def bridge(aws, balancer, timeline, propagation):
    started = Bridge(aws, balancer, timeline, propagation)
    yield started
    started.watch.stop()


@pytest.fixture
def world(request, servers, volumes, volume, aws, function, bridge, timeline, broken, tmp_path):
    instances, consumer = servers
    consumer.replicate()
    failed = request.session.testsfailed
    yield World(instances, consumer, volumes, volume, aws, function, bridge, timeline, broken)
    consumer.watch.stop()
    if request.session.testsfailed > failed:
        print(f"logs: {tmp_path}")
