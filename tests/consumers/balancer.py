"""The Network Load Balancer, played by HAProxy. Like the NLB here, it does not depend on any health check."""

import csv
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumers.addresses import BALANCER, PORT, SERVERS
from consumers.moto_world import Aws
from consumers.repeated import Repeated
from consumers.timeline import Timeline
from support.servers import server

RUNTIME = 3399
"""HAProxy's runtime API listens on this port of its address."""
DEFAULTS = f"""
global
    stats socket ipv4@{{}}:{RUNTIME} level admin
    {"user nobody" if os.getuid() == 0 else ""}
defaults
    mode tcp
    retries 0
    timeout connect 1s
    timeout client 1h
    timeout server 1h
"""
GROUP = f"""
listen group
    bind {BALANCER}:{PORT}
    balance roundrobin
""" + "\n".join(f"    server {name} {address}:{PORT} disabled" for name, address in SERVERS.items())


@contextmanager
def haproxy(address: str, sections: str, work: Path) -> Iterator[None]:
    config = work / f"haproxy-{address}.cfg"
    config.write_text(DEFAULTS.format(address) + sections + "\n")
    with server(["haproxy", "-db", "-f", str(config)], RUNTIME, config.with_suffix(".log"), host=address):
        yield


def ask(address: str, line: str) -> str:
    """What the runtime API answers."""
    with socket.create_connection((address, RUNTIME), timeout=5) as connection:
        connection.sendall(f"{line}\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()


def order(address: str, line: str) -> None:
    answer = ask(address, line)
    assert not answer, f"HAProxy says to {line!r}: {answer}"


def servers(address: str) -> dict[str, dict[str, str]]:
    """HAProxy's statistics of each server, by `section/name`."""
    rows = csv.DictReader(ask(address, "show stat").removeprefix("# ").splitlines())
    return {f"{row['pxname']}/{row['svname']}": row for row in rows}


class Balancer:
    """Makes HAProxy follow the target group with a delay of so many seconds."""

    def __init__(self, aws: Aws, timeline: Timeline, propagation: float):
        self.aws, self.timeline, self.propagation = aws, timeline, propagation
        self.pending: list[tuple[float, float, set[str]]] = []
        self.lingering = 0.0
        """For how many seconds more a target that has left the group gets connections."""
        self.seen = self.applied = aws.targets()
        self.state(self.applied, "ready")
        self.watch = Repeated(self.look, 0.03)

    def look(self) -> None:
        now = self.aws.targets()
        if now != self.seen:
            self.timeline.mark(f"target group: {show(self.seen)} → {show(now)}")
            self.pending.append((time.monotonic(), self.lingering if self.seen - now else 0, now))
            self.seen = now
        while self.pending and time.monotonic() - self.pending[0][0] >= self.propagation + self.pending[0][1]:
            since, _, now = self.pending.pop(0)
            self.apply(since, now)

    def apply(self, since: float, now: set[str]) -> None:
        before, self.applied = self.applied, now
        self.state(now - before, "ready")
        self.state(before - now, "maint")  # no new connections; those that are there stay until they are cut
        self.timeline.mark(f"the balancer follows, {time.monotonic() - since:.1f} s later: {show(before)} → {show(now)}")
        for name in sorted(before - now):
            if self.aws.cuts_connections():
                self.timeline.mark(f"the balancer cuts {servers(BALANCER)[f'group/{name}']['scur']} connection(s) to {name}")
                order(BALANCER, f"shutdown sessions server group/{name}")

    def state(self, names: set[str], state: str) -> None:
        for name in names:
            order(BALANCER, f"set server group/{name} state {state}")

    def serving(self) -> set[str]:
        """The servers that get new connections."""
        return {name for name in SERVERS if servers(BALANCER)[f"group/{name}"]["status"] != "MAINT"}


def show(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "no target"
