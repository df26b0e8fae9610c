"""The matrix's balancer: HAProxy with a way to a database for each cell, which leads where its cell says."""

import itertools
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mirakuru import TCPExecutor

from consumers.addresses import PATHS
from consumers.balancer import DEFAULTS, command
from support.servers import server

RUNTIME, FIRST = 3399, 3400
CELLS = 60
Place = tuple[str, int]


@contextmanager
def paths(work: Path) -> Iterator["Paths"]:
    sections = [f"listen {port}\n    bind {PATHS}:{port}\n    server target 127.0.0.1:1" for port in range(FIRST, FIRST + CELLS)]
    config = work / "paths.cfg"
    config.write_text(DEFAULTS.format(PATHS, RUNTIME) + "\n".join(sections) + "\n")
    with server(["haproxy", "-db", "-f", str(config)], RUNTIME, work / "paths.log", host=PATHS), ExitStack() as relays:
        yield Paths(work, relays)


class Paths:
    def __init__(self, work: Path, relays: ExitStack):
        self.work, self.relays = work, relays
        self.ports = itertools.count(FIRST)

    def way(self, to: Place, relayed: bool) -> "Way":
        """A new way to there; where it is relayed, over a host of its own that can be lost."""
        port = next(self.ports)
        made = Way(port)
        made.relay = self.relay(port + CELLS, to) if relayed else None
        made.leads_to((PATHS, port + CELLS) if relayed else to)
        return made

    def relay(self, port: int, to: Place) -> TCPExecutor:
        config = self.work / f"relay-{port}.cfg"
        relay = f"listen relay\n    bind {PATHS}:{port}\n    server target {to[0]}:{to[1]}\n"
        config.write_text(DEFAULTS.format(PATHS, port + CELLS) + relay)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        made = TCPExecutor(["haproxy", "-db", "-f", str(config)], host=PATHS, port=port, timeout=20, **quiet)
        made.start()
        self.relays.callback(made.kill)
        return made


class Way:
    """What lies between one consumer and the databases."""

    def __init__(self, port: int):
        self.port = port
        self.relay: TCPExecutor | None = None

    def order(self, line: str) -> str:
        return command(PATHS, RUNTIME, line)

    def leads_to(self, to: Place) -> None:
        """From now on. Connections that are there stay where they are."""
        said = self.order(f"set server {self.port}/target addr {to[0]} port {to[1]}")
        assert "changed from" in said or "no need to change" in said, said
        self.order(f"set server {self.port}/target state ready")

    def leads_nowhere(self) -> None:
        self.order(f"set server {self.port}/target state maint")

    def cut(self) -> None:
        self.order(f"shutdown sessions server {self.port}/target")

    def loses_its_host(self) -> None:
        """Nothing answers on the connections that are there, and nothing ends them."""
        assert self.relay
        assert self.relay.process
        os.kill(self.relay.process.pid, signal.SIGSTOP)

    def connections(self) -> int:
        """How many have gone through it so far."""
        (line,) = re.findall(f"^{self.port},target,.*$", self.order("show stat"), re.MULTILINE)
        return int(line.split(",")[7])
