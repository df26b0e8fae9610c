"""Consumers, what happens to them, and what each then does."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from consumers.addresses import GATED, PORT, POSTGRES, PRIMARY, READER, STANDBY, WRITER
from consumers.binlog_reader import BinlogReader
from consumers.consumer import Consumer
from consumers.debezium import DebeziumMySql, DebeziumPostgreSql, PatientDebeziumMySql, PatientDebeziumPostgreSql
from consumers.mysql import Volumes
from consumers.paths import Paths
from consumers.pool import Pool
from consumers.pulse import Pulse
from consumers.replica import ReplicaOfMatrix
from consumers.subscription import DisabledOnError, Subscription
from support.servers import wait_until

MYSQL: tuple[type[Consumer], ...] = (ReplicaOfMatrix, DebeziumMySql, PatientDebeziumMySql, BinlogReader, Pool)
POSTGRESQL: tuple[type[Consumer], ...] = (Subscription, DisabledOnError, DebeziumPostgreSql, PatientDebeziumPostgreSql)
KINDS = {kind.name: kind for kind in (*MYSQL, *POSTGRESQL)}


@dataclass(frozen=True)
class Outcome:
    """What a consumer did."""

    did: str
    """`is back`, `stops` or `hangs` (it goes on, and nothing comes)."""
    seconds: float
    """From when the target was right until it was back; else how long it was given."""
    words: str = ""
    """Its own, where it stopped."""
    twice: bool = False
    """Whether rows came a second time."""
    missing: int = 0
    """How many rows never came."""

    def __str__(self) -> str:
        if self.did == "is back":
            return f"back after {self.seconds:.1f} s" + ("; reads rows again" if self.twice else "")
        return f"{self.did}, not back within {self.seconds:.0f} s" + (f": {self.words}" if self.words else "")


@dataclass
class Cell:
    """One consumer to which one thing happens."""

    kind: type[Consumer]
    event: str
    paths: Paths
    volumes: Volumes
    pulse: Pulse
    shortened: bool
    patience: float
    """For how many seconds the consumer may be away once the target is right."""

    def play(self) -> Outcome:
        mysql = self.kind in MYSQL
        self.writer, self.reader = ((WRITER, PORT), (READER, PORT)) if mysql else ((PRIMARY, POSTGRES), (STANDBY, POSTGRES))
        self.way = self.paths.way(self.writer, relayed=self.event == "black hole")
        self.consumer = self.kind(self.way.port, self.volumes, self.shortened)
        try:
            self.consumer.start()
            wait_until(f"the first rows, see {self.volumes.place}", self.begun, 120)
            EVENTS[self.event](self)
            return self.outcome(time.time())
        finally:
            self.consumer.close()

    def begun(self) -> bool:
        assert not self.consumer.stopped(), self.consumer.stopped()
        return len(self.consumer.rows()) > 3

    def outcome(self, right: float) -> Outcome:
        while (now := time.time()) < right + self.patience:
            rows = self.consumer.rows()
            if rows and max(rows) > right * 1e6:
                missing = 0 if self.kind is Pool else len(self.pulse.missing(rows))
                return Outcome("is back", now - right, twice=len(set(rows)) < len(rows), missing=missing)
            time.sleep(0.1)
        stopped = self.consumer.stopped()
        return Outcome("stops" if stopped else "hangs", self.patience, stopped or self.consumer.last_words())

    def meets(self, place: tuple[str, int], seconds: float = 20) -> None:
        """It is cut, can reach only that one until it has, and for so long after that unless it stops."""
        before = self.way.connections()
        self.way.leads_to(place)
        self.way.cut()
        wait_until(
            f"{self.consumer.name} to meet {place}, see {self.volumes.place}", lambda: self.way.connections() > before, 150
        )
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.consumer.stopped():
            time.sleep(0.2)
        self.way.leads_to(self.writer)


def cut(cell: Cell) -> None:
    cell.way.cut()


def refused(cell: Cell) -> None:
    cell.way.leads_nowhere()
    cell.way.cut()
    time.sleep(20)
    cell.way.leads_to(cell.writer)


def meets_a_reader(cell: Cell) -> None:
    cell.meets(cell.reader)


def meets_a_gated_reader(cell: Cell) -> None:
    cell.meets((GATED, PORT))


def meets_a_reader_for_a_moment(cell: Cell) -> None:
    cell.meets(cell.reader, 3)


def a_reader_is_there(cell: Cell) -> None:
    """Whether it meets it or not."""
    cell.way.leads_to(cell.reader)
    cell.way.cut()
    time.sleep(20)
    cell.way.leads_to(cell.writer)


def meets_a_reader_and_is_cut(cell: Cell) -> None:
    """As by connection termination on deregistration."""
    cell.meets(cell.reader)
    cell.way.cut()


def black_hole(cell: Cell) -> None:
    cell.way.leads_to(cell.writer)
    cell.way.loses_its_host()


EVENTS: dict[str, Callable[[Cell], None]] = {
    "cut": cut,
    "refused for 20 s": refused,
    "meets a reader": meets_a_reader,
    "meets a gated reader": meets_a_gated_reader,
    "black hole": black_hole,
    "meets a reader, and is cut": meets_a_reader_and_is_cut,
    "meets a reader for 3 s": meets_a_reader_for_a_moment,
    "a reader is there for 20 s": a_reader_is_there,
}
COLUMNS = list(EVENTS)[:5]
"""What the RUNBOOK's table has columns for; the others happen to some consumers alone."""
