"""What each consumer does when something happens to it: by itself, without the function.

The cells run side by side, six at a time, against one writer, one reader and one gated reader; each has its own way there.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from consumers import kinds, mysql, postgres
from consumers.addresses import GATED, PRIMARY, READER, WRITER
from consumers.gate import GATE
from consumers.matrix import BACK, COLUMNS, EVENTS, HANGS, ROWS, STOPS, STOPS_OR_HANGS, Cell, Outcome, Pulse, shown, table
from consumers.mysql import Server, Volumes
from consumers.paths import paths
from support.project import ROOT


class Expected(NamedTuple):
    """What a consumer does, and the seconds that it gets for that: with shortened intervals, and with the defaults."""

    kind: type[kinds.Consumer]
    event: str
    did: str
    shortened: float
    default: float
    words: str = ""
    """What the outcome then says."""

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.event}"


CUT, REFUSED, MET, GATED_READER, BLACK_HOLE, MET_AND_CUT, MET_BRIEFLY, READER_THERE = EVENTS
CASES = [
    Expected(kinds.DebeziumMySql, CUT, BACK, 20, 130),
    Expected(kinds.DebeziumMySql, REFUSED, BACK, 20, 110),
    # It mostly stops ("no longer available"). Once in three runs of the whole matrix, beside other load, it hung without a word.
    Expected(kinds.DebeziumMySql, MET, STOPS_OR_HANGS, 15, 90),
    Expected(kinds.DebeziumMySql, GATED_READER, BACK, 20, 130),
    Expected(kinds.DebeziumMySql, BLACK_HOLE, BACK, 20, 130),
    Expected(kinds.DebeziumMySql, MET_BRIEFLY, BACK, 20, 20),
    Expected(kinds.PatientDebeziumMySql, MET, BACK, 30, 30),
    Expected(kinds.PatientDebeziumPostgreSql, READER_THERE, BACK, 40, 40),
    Expected(kinds.DebeziumPostgreSql, MET_BRIEFLY, STOPS, 15, 60),
    Expected(kinds.DebeziumPostgreSql, CUT, BACK, 30, 60),
    Expected(kinds.DebeziumPostgreSql, REFUSED, BACK, 30, 60),
    Expected(kinds.DebeziumPostgreSql, MET, STOPS, 15, 60),
    Expected(kinds.DebeziumPostgreSql, BLACK_HOLE, HANGS, 30, 150),
    Expected(kinds.Replica, CUT, BACK, 10, 10),
    Expected(kinds.Replica, REFUSED, BACK, 10, 60),
    Expected(kinds.Replica, MET, STOPS, 15, 90, "1236"),
    Expected(kinds.Replica, GATED_READER, BACK, 10, 75),
    Expected(kinds.Replica, BLACK_HOLE, BACK, 15, 75),
    Expected(kinds.BinlogReader, CUT, BACK, 10, 10, "reads rows again"),
    Expected(kinds.BinlogReader, REFUSED, STOPS, 10, 60),
    Expected(kinds.BinlogReader, MET, STOPS, 10, 60, "1236"),
    Expected(kinds.BinlogReader, GATED_READER, STOPS, 10, 60),
    Expected(kinds.BinlogReader, BLACK_HOLE, HANGS, 30, 150),
    Expected(kinds.Subscription, CUT, BACK, 15, 15),
    Expected(kinds.Subscription, REFUSED, BACK, 15, 15),
    Expected(kinds.Subscription, MET, BACK, 15, 15),
    Expected(kinds.Subscription, BLACK_HOLE, BACK, 20, 90),
    # The cut before it meets a reader has disabled it already.
    Expected(kinds.DisabledOnError, CUT, STOPS, 15, 60),
    Expected(kinds.DisabledOnError, REFUSED, STOPS, 15, 60),
    Expected(kinds.DisabledOnError, BLACK_HOLE, STOPS, 30, 90),
    Expected(kinds.Pool, CUT, BACK, 10, 10),
    Expected(kinds.Pool, REFUSED, BACK, 10, 10),
    Expected(kinds.Pool, MET, HANGS, 15, 60, "read-only"),
    Expected(kinds.Pool, MET_AND_CUT, BACK, 10, 10),
    Expected(kinds.Pool, GATED_READER, BACK, 10, 10),
    Expected(kinds.Pool, BLACK_HOLE, HANGS, 30, 150),
]


@pytest.fixture(scope="module")
def shortened(request) -> bool:
    return not request.config.getoption("all", False)


@pytest.fixture(scope="module")
def volumes(empty_volume) -> Iterator[Volumes]:
    with mysql.folder() as place:
        yield Volumes(place, empty_volume)


@pytest.fixture(scope="module")
def pulses(volumes, work, shortened) -> Iterator[dict[str, Pulse]]:
    """The pulse of each writer, by its address, while the databases run."""
    with ExitStack() as exits:
        writer, reader, gated = (exits.enter_context(Server(at, at, volumes, work)) for at in (WRITER, READER, GATED))
        writer.start_as_writer(f"--init-connect={GATE}")
        reader.start_as_reader()
        gated.start_as_reader(f"--init-connect={GATE}")
        exits.enter_context(postgres.running(volumes.place, shortened))
        postgres.sql(PRIMARY, kinds.TABLE)
        postgres.sql(PRIMARY, "CREATE PUBLICATION pulse FOR TABLE pulse")
        primary = exits.enter_context(postgres.connect(PRIMARY))
        made = {
            WRITER: Pulse(lambda at: writer.sql(f"INSERT INTO matrix.pulse (at) VALUES ({at})")),
            PRIMARY: Pulse(lambda at: primary.execute("INSERT INTO pulse (at) VALUES (%s)", [at])),
        }
        for pulse in made.values():
            exits.callback(pulse.stop)
        yield made


@pytest.fixture(scope="module")
def outcomes(request, pulses, volumes, work, shortened) -> Iterator[dict[Expected, Future[Outcome]]]:
    """The outcome of each case that was selected."""
    tests = [item for item in request.session.items if item.originalname == test_what_a_consumer_does.__name__]
    chosen = [item.callspec.params["case"] for item in tests]
    with paths(work) as made, ThreadPoolExecutor(6) as pool:

        def play(case: Expected) -> Outcome:
            own = work / str(case).replace(" ", "-")
            own.mkdir()
            patience, pulse = case.shortened if shortened else case.default, pulses[case.kind.writer[0]]
            return Cell(case.kind, case.event, pulse, patience, own).play(made, volumes, shortened)

        futures = {case: pool.submit(play, case) for case in chosen}
        yield futures
        pool.shutdown(cancel_futures=True)
        if request.config.getoption("table", False):
            done = {case: one.result() for case, one in futures.items() if one.done() and not one.exception()}
            with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                print("\n\n" + table({(case.kind.name, case.event): outcome for case, outcome in done.items()}) + "\n")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_consumer_does(case: Expected, outcomes) -> None:
    outcome = outcomes[case].result()
    print(f"{case}: {outcome}")
    assert outcome.did in case.did.split(" or "), outcome.words
    assert case.words in outcome.words


@pytest.mark.parametrize("case", [case for case in CASES if case.event in COLUMNS and case.kind.name in ROWS], ids=str)
def test_the_runbooks_table_says_the_same(case: Expected) -> None:
    page = (ROOT / "RUNBOOK.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    (header,) = [row for row in rows if row[0] == "consumer" and CUT in row]
    below = rows[rows.index(header) :]
    said = next(row for row in below if row[0] == case.kind.name)[header.index(case.event)]
    if case.did == BACK:
        assert 0 < float(said.removesuffix(" s")) <= case.default
    else:
        assert said == shown(Outcome(case.did, case.default, ""))
