"""The matrix's balancer: HAProxy with a way to a database for each cell, which leads where its cell says."""

import itertools
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mirakuru import TCPExecutor

from consumers.addresses import FIRST_PATH, PATHS, Place
from consumers.balancer import DEFAULTS, ask, haproxy, order, servers

CELLS = 60
LISTEN = "listen {1}\n    bind {0}:{1}\n    server target {2}:{3}\n"


class Way:
    """What lies between one consumer and the databases."""

    def __init__(self, port: int):
        self.port, self.target = port, f"{port}/target"
        self.relay: Any = None

    def leads_to(self, to: Place | None) -> None:
        """From now on; nowhere, if there is no place. Connections that are there stay where they are."""
        if to:
            said = ask(PATHS, f"set server {self.target} addr {to[0]} port {to[1]}")
            assert "changed from" in said or "no need to change" in said, said
        order(PATHS, f"set server {self.target} state {'ready' if to else 'maint'}")

    def cut(self) -> None:
        order(PATHS, f"shutdown sessions server {self.target}")

    def loses_its_host(self) -> None:
        """Nothing answers on the connections that are there, and nothing ends them."""
        os.kill(self.relay.process.pid, signal.SIGSTOP)

    def connections(self) -> int:
        """How many have gone through it so far."""
        return int(servers(PATHS)[self.target]["stot"])


class Paths:
    def __init__(self, work: Path, relays: ExitStack):
        self.work, self.relays = work, relays
        self.ports = itertools.count(FIRST_PATH)

    def way(self, to: Place, relayed: bool) -> Way:
        """A new way to there; where it is relayed, over a host of its own that can be lost."""
        made = Way(next(self.ports))
        if relayed:
            made.relay = self.relay(f"127.0.2.{made.port - FIRST_PATH + 1}", to)
        made.leads_to((made.relay.host, FIRST_PATH) if relayed else to)
        return made

    def relay(self, address: str, to: Place) -> TCPExecutor:
        config = self.work / f"relay-{address}.cfg"
        config.write_text(DEFAULTS.format(address) + LISTEN.format(address, FIRST_PATH, *to))
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        relay = TCPExecutor(["haproxy", "-db", "-f", str(config)], host=address, port=FIRST_PATH, timeout=20, **quiet)
        relay.start()
        self.relays.callback(relay.kill)
        return relay


@contextmanager
def paths(work: Path) -> Iterator[Paths]:
    sections = [LISTEN.format(PATHS, port, "127.0.0.1", 1) for port in range(FIRST_PATH, FIRST_PATH + CELLS)]
    with haproxy(PATHS, "".join(sections), work), ExitStack() as relays:
        yield Paths(work, relays)
