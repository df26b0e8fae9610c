"""tests/measure/failover.py measures failovers of real databases, with stand-ins for AWS. tests/README.md says who plays what."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from consumers.addresses import BALANCER, INSTANCES, PORT
from consumers.gate import GATE
from measure.moments import MOMENTS, logins, moments, shares
from measure.record import Record, read
from support.aws import ACCOUNT, CLUSTER, REGION, client, make_listener
from support.aws_proxy import NAME, Proxy, proxy
from support.function import Function
from support.function import function as lambda_function
from support.project import ROOT
from support.servers import wait_until

INITIAL = 1.0
LAG = 1.5
"""Longer than the second from look to look, so that the order is certain."""
NOTE = "Stand-ins: MySQL, HAProxy, moto behind a proxy, cargo lambda watch. Not AWS."
STARTED, COMPLETED = "Started cross AZ failover to DB instance: {}", "Completed customer initiated failover to DB instance: {}"


@pytest.fixture
def front(aws) -> Iterator[Proxy]:
    """What the tool and the function take for AWS."""
    subnet = client("ec2", aws.url).describe_subnets()["Subnets"][0]["SubnetId"]
    make_listener(aws.elb, aws.group, subnet, PORT)
    with proxy(aws.url, INITIAL) as made:
        yield made


@pytest.fixture
def function(tmp_path, built, aws, front) -> Iterator[Function]:
    """In place of the other scenarios': behind Lambda's front door, so that its runs are in the log."""
    variables = {"TARGET_GROUP_ARN": aws.group, "IP_DICT": json.dumps(INSTANCES), "DB_CLUSTER_ID": CLUSTER}
    with lambda_function(tmp_path, "function", front.url, variables) as started:
        front.lambda_is(started.port, started.log)
        yield Function(front.server_port, started.log, started.payload)


@pytest.fixture
def tool(aws, front, tmp_path) -> Iterator[Callable[..., "Tool"]]:
    running: list[Tool] = []

    def start(*words: str) -> Tool:
        running.append(Tool(aws.group, front, tmp_path, words))
        return running[-1]

    yield start
    for one in running:
        one.process.kill()


class Tool:
    """The program, as a user starts it."""

    def __init__(self, group: str, front: Proxy, folder, words: tuple[str, ...]):
        self.json, self.svg = folder / "seen.json", folder / "seen.svg"
        command = [
            sys.executable, "tests/measure/failover.py", "--cluster", CLUSTER, "--target-group", group, "--function", NAME,
            "--endpoint", f"{BALANCER}:{PORT}", "--user", "repl", "--yes", "--json", str(self.json), "--plot", str(self.svg),
            "--note", NOTE, *words,
        ]  # fmt: skip
        environment = os.environ | {
            "AWS_ENDPOINT_URL": front.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test",
            "DB_PASSWORD": "repl",
        }  # fmt: skip
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def starts_the_failover(self, front: Proxy) -> None:
        wait_until("the tool to start", lambda: front.requested.is_set() or self.process.poll() is not None, 60)
        assert front.requested.is_set(), self.process.communicate(timeout=10)[0]

    def ends(self, status: int) -> tuple[str, Record]:
        said = self.process.communicate(timeout=120)[0]
        print(said, f"measured: {self.json}", sep="\n")
        assert self.process.returncode == status, said
        return said, read(self.json)


def fails_over(world, front: Proxy, invoked: bool = True) -> None:
    """aurora-1 restarts and aurora-2 takes over; RDS shows that late."""
    time.sleep(0.5)  # RDS does not start at once
    world.failover("aurora-2", "restarts")
    front.tell(STARTED.format("aurora-2"))
    if invoked:
        world.event("started-cross-az", world.switched("aurora-2"))
    time.sleep(LAG)
    front.status = "failing-over"
    world.promote("aurora-2")
    world.back_as_reader("aurora-1")
    time.sleep(LAG)
    world.rds_shows("aurora-2")
    time.sleep(LAG)
    front.tell(COMPLETED.format("aurora-2"))
    if invoked:
        world.event("completed", {"outcome": "unchanged", "writer": "aurora-2"})
    front.status = "available"


def seen(record: Record) -> dict[str, float]:
    return {name: at for name, at in moments(record).items() if at is not None}


def test_a_failover_is_measured_share_by_share_and_what_a_gated_reader_refuses_is_counted(world, front, tool):
    # Given a gate for the tool's user on every instance, and a balancer that is slow to let go of the old writer
    world.gate = GATE
    world.instances["aurora-1"].sql(f'SET GLOBAL init_connect = "{GATE}"')
    world.table()
    world.bridge.lingering = 12.0
    # When the tool starts a failover and watches it
    run = tool("--steady", "3", "--to", "aurora-2")
    run.starts_the_failover(front)
    fails_over(world, front)
    said, record = run.ends(0)
    # Then it has seen each moment, in the order of AWS's side and of the consumer's
    found = seen(record)
    assert list(found) == list(MOMENTS)
    aws_side = [found[name] for name in MOMENTS[:7]]
    assert aws_side == sorted(aws_side)
    assert found["request"] < found["old connection cut"] < found["first connection to a new instance"]
    assert found["first connection to a new instance"] <= found["first connection that writes"]
    assert sum(one.share for one in shares(record)) == pytest.approx(max(found.values()) - min(found.values()))
    assert "the failover came right" in said
    # And it has met the old writer as a gated reader, which is not a reader met
    met = logins(record)
    assert 0 == met.readers < met.gated < met.every
    assert f"init_connect of server 11: {GATE}" in said
    # And the consumer has followed
    world.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")
    world.caught_up()
    world.assert_followed()
