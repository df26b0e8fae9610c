"""What each consumer does when something happens to it: by itself, without the function.

The cells run side by side, six at a time, against one writer, one reader and one gated reader; each has its own way there.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from consumers import mysql, postgres
from consumers.addresses import GATED, PRIMARY, READER, WRITER
from consumers.gate import GATE
from consumers.matrix import COLUMNS, EVENTS, KINDS, MYSQL, Cell, Outcome
from consumers.mysql import Server, Volumes
from consumers.paths import paths
from consumers.postgres import Postgres
from consumers.pulse import Pulse
from consumers.subscription import TABLE
from consumers.table import table
from support.project import ROOT


class Expected(NamedTuple):
    consumer: str
    event: str
    did: str
    shortened: float
    """With shortened intervals: within how many seconds it is back, or for how many it is given up."""
    default: float
    """The same with the defaults."""
    words: str = ""
    """What the outcome then says."""


REPLICA, DEBEZIUM, READS, POOL, SUBSCRIPTION, DISABLED, DEBEZIUM_PG = (
    "MySQL replica", "Debezium for MySQL", "python mysql-replication", "connection pool that writes", "PostgreSQL subscription",
    "the same, `disable_on_error`", "Debezium for PostgreSQL",
)  # fmt: skip
CUT, REFUSED, MET, GATED_READER, BLACK_HOLE, MET_AND_CUT, MET_BRIEFLY, READER_THERE = EVENTS
BACK, STOPS, HANGS = "is back", "stops", "hangs"
CASES = [
    # consumer, event, what it does, seconds with shortened intervals, and with the defaults
    Expected(DEBEZIUM, CUT, BACK, 20, 130),
    Expected(DEBEZIUM, REFUSED, BACK, 20, 110),
    Expected(DEBEZIUM, MET, STOPS, 15, 90, "no longer available"),
    Expected(DEBEZIUM, GATED_READER, BACK, 20, 130),
    Expected(DEBEZIUM, BLACK_HOLE, BACK, 20, 130),
    Expected(DEBEZIUM, MET_BRIEFLY, BACK, 20, 20),
    Expected(DEBEZIUM + ", restart after 30 s", MET, BACK, 30, 30),
    Expected(DEBEZIUM_PG + ", restart after 30 s", READER_THERE, BACK, 40, 40),
    Expected(DEBEZIUM_PG, MET_BRIEFLY, STOPS, 15, 60),
    Expected(DEBEZIUM_PG, CUT, BACK, 30, 60),
    Expected(DEBEZIUM_PG, REFUSED, BACK, 30, 60),
    Expected(DEBEZIUM_PG, MET, STOPS, 15, 60),
    Expected(DEBEZIUM_PG, BLACK_HOLE, HANGS, 30, 150),
    Expected(REPLICA, CUT, BACK, 10, 10),
    Expected(REPLICA, REFUSED, BACK, 10, 60),
    Expected(REPLICA, MET, STOPS, 15, 90, "1236"),
    Expected(REPLICA, GATED_READER, BACK, 10, 75),
    Expected(REPLICA, BLACK_HOLE, BACK, 15, 75),
    Expected(READS, CUT, BACK, 10, 10, "reads rows again"),
    Expected(READS, REFUSED, STOPS, 10, 60),
    Expected(READS, MET, STOPS, 10, 60, "1236"),
    Expected(READS, GATED_READER, STOPS, 10, 60),
    Expected(READS, BLACK_HOLE, HANGS, 30, 150),
    Expected(SUBSCRIPTION, CUT, BACK, 15, 15),
    Expected(SUBSCRIPTION, REFUSED, BACK, 15, 15),
    Expected(SUBSCRIPTION, MET, BACK, 15, 15),
    Expected(SUBSCRIPTION, BLACK_HOLE, BACK, 20, 90),
    # The cut before it meets a reader has disabled it already.
    Expected(DISABLED, CUT, STOPS, 15, 60),
    Expected(DISABLED, REFUSED, STOPS, 15, 60),
    Expected(DISABLED, BLACK_HOLE, STOPS, 30, 90),
    Expected(POOL, CUT, BACK, 10, 10),
    Expected(POOL, REFUSED, BACK, 10, 10),
    Expected(POOL, MET, HANGS, 15, 60, "read-only"),
    Expected(POOL, MET_AND_CUT, BACK, 10, 10),
    Expected(POOL, GATED_READER, BACK, 10, 10),
    Expected(POOL, BLACK_HOLE, HANGS, 30, 150),
]


@pytest.fixture(scope="module")
def shortened(request) -> bool:
    return not request.config.getoption("all", False)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with mysql.folder() as made:
        yield made


@pytest.fixture(scope="module")
def databases(place, empty_volume, shortened) -> Iterator[dict[bool, Pulse]]:
    """The writers' pulses; MySQL's is at True."""
    volumes = Volumes(place, empty_volume)
    writer, reader, gated = (Server(address, address, volumes, place / f"{address}.log") for address in (WRITER, READER, GATED))
    with ExitStack() as exits:
        for server in (writer, reader, gated):
            exits.callback(server.kill)
        writer.start_as_writer(volumes.copy(), f"--init-connect={GATE}")
        reader.start_as_reader()
        gated.start_as_reader(f"--init-connect={GATE}")
        exits.enter_context(Postgres(place, shortened))
        postgres.sql(PRIMARY, TABLE)
        postgres.sql(PRIMARY, "CREATE PUBLICATION pulse FOR TABLE pulse")
        primary = exits.enter_context(postgres.connect(PRIMARY))
        pulses = {
            True: Pulse(lambda at: void(writer.sql(f"INSERT INTO matrix.pulse (at) VALUES ({at})"))),
            False: Pulse(lambda at: void(primary.execute("INSERT INTO pulse (at) VALUES (%s)", [at]))),
        }
        for pulse in pulses.values():
            exits.callback(pulse.beat.stop)
        yield pulses


def void(_: object) -> None:
    """Drops an answer."""


@pytest.fixture(scope="module")
def outcomes(request, databases, place, empty_volume, shortened) -> Iterator[dict[Expected, Future[Outcome]]]:
    """The outcome of each case that was selected."""
    tests = [item for item in request.session.items if item.originalname == test_what_a_consumer_does.__name__]
    chosen = [item.callspec.params["case"] for item in tests]
    with paths(place) as made, ThreadPoolExecutor(6) as pool:

        def play(case: Expected) -> Outcome:
            kind = KINDS[case.consumer]
            folder = place / f"{case.consumer} {case.event}".replace(" ", "-").replace("`", "").replace(",", "")
            folder.mkdir()
            folder.chmod(0o777)
            patience = case.shortened if shortened else case.default
            volumes = Volumes(folder, empty_volume)
            return Cell(kind, case.event, made, volumes, databases[kind in MYSQL], shortened, patience).play()

        futures = {case: pool.submit(play, case) for case in chosen}
        yield futures
        pool.shutdown(cancel_futures=True)
        if request.config.getoption("table", False):
            done = {case[:2]: future.result() for case, future in futures.items() if future.done() and not future.exception()}
            with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                print(f"\n\n{table(done)}\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.consumer}: {case.event}")
def test_what_a_consumer_does(case: Expected, outcomes) -> None:
    outcome = outcomes[case].result()
    print(f"{case.consumer}, {case.event}: {outcome}")
    assert outcome.did == case.did, str(outcome)
    assert case.words in str(outcome)
    assert outcome.missing == 0, f"{outcome.missing} rows never came"


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.event in COLUMNS and KINDS[case.consumer].in_table],
    ids=lambda case: f"{case[0]}: {case[1]}",
)
def test_the_runbooks_table_says_the_same(case: Expected) -> None:
    page = (ROOT / "RUNBOOK.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    (header,) = [row for row in rows if row[0] == "consumer" and CUT in row]
    below = rows[rows.index(header) :]
    said = next(row for row in below if row[0] == case.consumer)[header.index(case.event)]
    if case.did == BACK:
        assert 0 < float(said.removesuffix(" s")) <= case.default
    else:
        assert said == ("**stops**" if case.did == STOPS else f"**nothing** in {case.default} s")
