"""The matrix's balancer: HAProxy with a way to a database for each cell, which leads where its cell says."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from consumers.addresses import FIRST_PATH, PATHS, Place
from consumers.balancer import ask, haproxy, order, servers

CELLS = 60
LISTEN = "listen {1}\n    bind {0}:{1}\n    server target {2}:{3}\n"


class Way:
    """What lies between one consumer and the databases."""

    host: int
    """The process that plays it."""

    def __init__(self, port: int):
        self.port, self.target = port, f"{port}/target"

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
        os.kill(self.host, signal.SIGSTOP)

    def connections(self) -> int:
        """How many have gone through it so far."""
        return int(servers(PATHS)[self.target]["stot"])


@contextmanager
def paths(work: Path) -> Iterator[Callable[[Place, bool], Way]]:
    """Makes a new way to a place; where it is relayed, over a host of its own that can be lost."""
    ports = range(FIRST_PATH, FIRST_PATH + CELLS)
    sections, free = [LISTEN.format(PATHS, port, "127.0.0.1", 1) for port in ports], iter(ports)
    with haproxy(PATHS, "".join(sections), work), ExitStack() as relays:

        def way(to: Place, relayed: bool) -> Way:
            made = Way(next(free))
            if relayed:
                host = f"127.0.2.{made.port - FIRST_PATH + 1}"
                relays.enter_context(haproxy(host, LISTEN.format(host, FIRST_PATH, *to), work))
                (pid,) = re.findall(r"^Pid: (\d+)$", ask(host, "show info"), re.MULTILINE)
                made.host = int(pid)
                relays.callback(os.kill, made.host, signal.SIGCONT)  # so that it can end
            made.leads_to((host, FIRST_PATH) if relayed else to)
            return made

        yield way
