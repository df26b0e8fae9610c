"""tests/measure/failover.py measures failovers of real databases, with stand-ins for AWS. tests/README.md says who plays what."""

import os
import subprocess
import sys
import time
from functools import partial

import pytest

from consumers.addresses import BALANCER, PORT
from consumers.gate import GATE
from measure.moments import logins, moments, shares
from measure.record import read
from support.aws import ACCOUNT, CLUSTER, REGION, client, make_listener
from support.aws_proxy import NAME, proxy
from support.function import Function
from support.function import function as lambda_function
from support.project import ROOT
from support.servers import wait_until

LAG = 1.5
"""Longer than the second from look to look, so that the order is certain."""
NOTE = "Stand-ins: MySQL, HAProxy, moto behind a proxy, cargo lambda watch. Not AWS."


@pytest.fixture
def front(aws):
    """What the tool and the function take for AWS."""
    subnet = client("ec2", aws.url).describe_subnets()["Subnets"][0]["SubnetId"]
    make_listener(aws.elb, aws.group, subnet, PORT)
    with proxy(aws.url, initial=1.0) as made:
        yield made


@pytest.fixture
def function(tmp_path, built, aws, front, variables):
    """In place of the other scenarios': behind Lambda's front door, so that its runs are in the log."""
    with lambda_function(tmp_path, "function", front.url, {"TARGET_GROUP_ARN": aws.group} | variables) as started:
        front.lambda_is(started.port, started.log)
        yield Function(front.port, started.log)


@pytest.fixture
def tool(aws, front, tmp_path):
    """Starts the program, as a user does."""
    command = [
        sys.executable, "tests/measure/failover.py", "--cluster", CLUSTER, "--target-group", aws.group, "--function", NAME,
        "--endpoint", f"{BALANCER}:{PORT}", "--user", "repl", "--to", "aurora-2", "--steady", "3", "--limit", "90", "--yes",
        "--note", NOTE, "--json", str(tmp_path / "seen.json"), "--plot", str(tmp_path / "seen.svg"),
    ]  # fmt: skip
    environment = os.environ | {
        "AWS_ENDPOINT_URL": front.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test",
        "DB_PASSWORD": "repl",
    }  # fmt: skip
    files = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return partial(subprocess.Popen, command, cwd=ROOT, env=environment, text=True, **files)


def fails_over(world, front) -> None:
    """aurora-1 restarts and aurora-2 takes over; RDS shows that late."""
    time.sleep(0.5)  # RDS does not start at once
    world.failover("aurora-2", "restarts")
    front.tell("Started cross AZ failover to DB instance: aurora-2")
    world.event("started-cross-az", world.switched("aurora-2"))
    time.sleep(LAG)
    front.status = "failing-over"
    world.promote("aurora-2")
    world.back_as_reader("aurora-1")
    time.sleep(LAG)
    world.rds_shows("aurora-2")
    time.sleep(LAG)
    front.tell("Completed customer initiated failover to DB instance: aurora-2")
    world.event("completed", {"outcome": "unchanged", "writer": "aurora-2"})
    front.status = "available"


def test_a_failover_is_measured_share_by_share_and_what_a_gated_reader_refuses_is_counted(world, front, tool, tmp_path):
    # Given a gate for the tool's user on every instance, and a balancer that is slow to let go of the old writer
    world.gate = GATE
    world.instances["aurora-1"].has_gate(GATE)
    world.table()
    world.balancer.lingering = 12.0
    # When the tool starts a failover and watches it
    with tool() as run:
        wait_until("the tool to start", lambda: front.requested.is_set() or run.poll() is not None, 60)
        assert front.requested.is_set(), run.communicate()[0]
        fails_over(world, front)
        said = run.communicate()[0]
    print(said, f"measured: {tmp_path / 'seen.json'}", sep="\n")
    assert run.returncode == 0
    # Then it has seen each moment, in the order of AWS's side and of the consumer's
    record = read(tmp_path / "seen.json")
    found = {name: at for name, at in moments(record).items() if at is not None}
    assert list(found) == list(moments(record))
    aws_side = list(found.values())[:7]
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
