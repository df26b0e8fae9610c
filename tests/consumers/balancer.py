"""The Network Load Balancer, played by HAProxy. Like the NLB here, it does not depend on any health check."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumers.addresses import BALANCER, PORT, SERVERS
from support.servers import server

RUNTIME_PORT = 3307
# Its runtime API listens on the address and the port that are filled in.
DEFAULTS = f"""
global
    stats socket ipv4@{{}}:{{}} level admin
    {"user nobody" if os.getuid() == 0 else ""}
defaults
    mode tcp
    retries 0
    timeout connect 1s
    timeout client 1h
    timeout server 1h
"""
GROUP = f"""
frontend balancer
    bind {BALANCER}:{PORT}
    default_backend group
backend group
    balance roundrobin
"""


@contextmanager
def balancer(work: Path) -> Iterator["Balancer"]:
    """HAProxy without any server."""
    config = work / "haproxy.cfg"
    config.write_text(DEFAULTS.format(BALANCER, RUNTIME_PORT) + GROUP)
    with server(["haproxy", "-db", "-f", str(config)], RUNTIME_PORT, work / "haproxy.log", host=BALANCER):
        yield Balancer()


def command(address: str, port: int, line: str) -> str:
    """What HAProxy's runtime API answers."""
    with socket.create_connection((address, port), timeout=5) as connection:
        connection.sendall(f"{line}\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode().strip()


class Balancer:
    """HAProxy's runtime API."""

    def __init__(self):
        self.known: set[str] = set()

    def command(self, line: str) -> str:
        return command(BALANCER, RUNTIME_PORT, line)

    def order(self, line: str, expected: str = "") -> None:
        answer = self.command(line)
        assert answer == expected, f"HAProxy says to {line!r}: {answer}"

    def add(self, name: str) -> None:
        if name not in self.known:
            self.order(f"add server group/{name} {SERVERS[name]}:{PORT}", "New server registered.")
            self.known.add(name)
        self.order(f"set server group/{name} state ready")

    def remove(self, name: str) -> None:
        """No new connection goes there; those that are there stay until they are cut."""
        self.order(f"set server group/{name} state maint")

    def cut(self, name: str) -> int:
        """How many connections it cut."""
        statistics = self.command("show stat group 4 -1").splitlines()
        fields = next(line for line in statistics if line.startswith(f"group,{name},")).split(",")
        self.order(f"shutdown sessions server group/{name}")
        return int(fields[4])

    def serving(self) -> set[str]:
        """The servers that get new connections."""
        states = [line.split() for line in self.command("show servers state group").splitlines()]
        return {words[3] for words in states if len(words) > 6 and words[3] in self.known and words[6] == "0"}
