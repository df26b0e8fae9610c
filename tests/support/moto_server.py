"""Runs moto's server, made nearer to AWS in two things. Run by `moto`; reads the environment variables ADDRESSES and DRAINING."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup
from moto.rds.models import DBInstance
from moto.server import main

from support.servers import free_port, server


@contextmanager
def moto(work: Path, name: str, addresses: dict[str, str], draining: int = 0) -> Iterator[str]:
    """The URL of a server whose DB instances have these addresses, and whose targets drain for so many seconds."""
    port, here = free_port(), str(Path(__file__).parents[1])
    command = [sys.executable, "-m", "support.moto_server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {"ADDRESSES": json.dumps(addresses), "DRAINING": str(draining), "PYTHONPATH": here}
    with server(command, port, work / f"{name}.log", environment=environment) as url:
        yield url


def keep_deregistered_targets(seconds: int) -> None:
    """As AWS does, lists a deregistered target for a while, as draining."""
    deregister, describe = FakeTargetGroup.deregister, ELBv2Backend.describe_target_health

    def deregister_and_drain(group, targets):
        deregister(group, targets)
        for target in targets:
            group.deregistered_targets[target["Id"]]["until"] = time.monotonic() + seconds

    def describe_with_draining(backend, target_group_arn, targets):
        listed = describe(backend, target_group_arn, targets)
        gone = backend.target_groups[target_group_arn].deregistered_targets.values()
        draining = [target for target in gone if target["until"] > time.monotonic()]
        return listed + [FakeHealthStatus(target["Id"], target["Port"], None, "draining") for target in draining]

    FakeTargetGroup.deregister, ELBv2Backend.describe_target_health = deregister_and_drain, describe_with_draining


if __name__ == "__main__":
    # moto invents endpoint names such as aurora-1.aaaaaaaaaa.eu-west-1.rds.amazonaws.com, which are in no DNS.
    addresses = json.loads(os.environ["ADDRESSES"])
    DBInstance.address = property(lambda instance: addresses[instance.db_instance_identifier])
    keep_deregistered_targets(int(os.environ["DRAINING"]))
    main(sys.argv[1:])
