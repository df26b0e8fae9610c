"""The witnesses: each looks again and again, in a thread of its own, and notes what it saw and how long the answer took."""

import json
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

from measure.database import Failure, MySql, PostgreSql, gated, left_unfinished, reason
from measure.record import CLUSTER, ENDPOINT, EVENTS, FUNCTION, HELD, TARGETS, Notebook, Observation, Refused
from measure.subject import Aws, Subject, cluster

PROBERS, EACH_PROBER = 25, 5.0
"""Together 5 new connections a second. As each waits for its own answer alone, a server that hangs does not stop the others."""
UNFINISHED = 50
"""So many handshakes may end by our own timeout before the probe stops: MySQL blocks a host after 100."""
EARLIER = timedelta(minutes=10)
"""How far back events and log lines are looked for: they may come late, and AWS's clock need not be ours."""
Look = Callable[[], list[Observation]]


class Witness:
    """Looks at fixed times until it is stopped, also while the looks fail."""

    def __init__(self, name: str, look: Look, notebook: Notebook, every: float = 1.0, first: float = 0) -> None:
        self.name, self.look, self.notebook, self.every, self.first = name, look, notebook, every, first
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        due = self.notebook.now() + self.first
        while not self.over.wait(max(0, due - self.notebook.now())):
            at = self.notebook.now()
            try:
                seen = self.look()
            except Exception as error:  # the record keeps it, and the next look may succeed
                seen = [{"error": reason(error)}]
            for one in seen:
                self.notebook.add(self.name, at, one)
            due = max(due + self.every, self.notebook.now())


def of_aws(aws: Aws, what: Subject, notebook: Notebook) -> list[Witness]:
    """The target group, the cluster, its events and the function's log, each once a second."""
    events = News(lambda: events_of(aws, what.cluster), notebook)
    log = News(lambda: lines_of(aws, what.log_group), notebook)
    return [
        Witness(TARGETS, lambda: [targets(aws, what.target_group)], notebook),
        Witness(CLUSTER, lambda: [shown(aws, what.cluster)], notebook),
        Witness(EVENTS, events.look, notebook),
        Witness(FUNCTION, log.look, notebook),
    ]


def of_endpoint(database: MySql | PostgreSql, notebook: Notebook) -> list[Witness]:
    """New connections, and one that is held from before the failover until it is cut."""
    probe, held = Probe(database), Held(database)
    witnesses = [Witness(HELD, held.look, notebook, 0.2)]
    step = EACH_PROBER / PROBERS
    return witnesses + [Witness(ENDPOINT, probe.look, notebook, EACH_PROBER, step * turn) for turn in range(PROBERS)]


def targets(aws: Aws, group: str) -> Observation:
    listed = aws.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    states = {f"{one['Target']['Id']}:{one['Target']['Port']}": one["TargetHealth"]["State"] for one in listed}
    return {"targets": dict(sorted(states.items()))}


def shown(aws: Aws, name: str) -> Observation:
    found = cluster(aws, name)
    return {"status": found["status"], "writers": found["writers"]}


Entry = tuple[Hashable, float, Observation]
"""Its key, its time by AWS's clock (seconds since 1970), and what it says."""


def events_of(aws: Aws, name: str) -> Iterator[Entry]:
    pages = aws.rds.get_paginator("describe_events").paginate(
        SourceType="db-cluster", SourceIdentifier=name, StartTime=datetime.now(UTC) - EARLIER
    )
    for event in (event for page in pages for event in page["Events"]):
        yield (event["Date"], event["Message"]), event["Date"].timestamp(), {"message": event["Message"]}


def lines_of(aws: Aws, log_group: str) -> Iterator[Entry]:
    pages = aws.logs.get_paginator("filter_log_events").paginate(
        logGroupName=log_group, startTime=int((datetime.now(UTC) - EARLIER).timestamp() * 1000)
    )
    for event in (event for page in pages for event in page["events"]):
        yield event["eventId"], event["timestamp"] / 1000, {"line": line(event["message"])}


def line(text: str) -> Observation:
    with suppress(ValueError):
        if isinstance(read := json.loads(text), dict):
            return read
    return {"message": text.strip()}


class News:
    """What is added to a list since the measurement began, each entry once. An answer without a new one is noted too."""

    def __init__(self, entries: Callable[[], Iterable[Entry]], notebook: Notebook) -> None:
        self.entries, self.notebook = entries, notebook
        self.known = {key for key, _, _ in entries()}

    def look(self) -> list[Observation]:
        new = [entry for entry in self.entries() if entry[0] not in self.known]
        self.known |= {key for key, _, _ in new}
        return [{"said": round(moment - self.notebook.wall, 3), **seen} for _, moment, seen in new] or [{}]


class Probe:
    """A new connection, logged in, asked and ended in good order."""

    def __init__(self, database: MySql | PostgreSql) -> None:
        self.database, self.unfinished = database, 0

    def look(self) -> list[Observation]:
        if self.unfinished >= UNFINISHED:
            return []
        try:
            connection = self.database.connect()
        except Failure as error:
            return [self.refused(error)]
        with closing(connection):
            return [self.database.identity(connection)]

    def refused(self, error: Exception) -> Observation:
        if gated(error):
            return {"gated": reason(error)}
        self.unfinished += left_unfinished(error)
        last = left_unfinished(error) and self.unfinished >= UNFINISHED
        return {"error": reason(error) + ("; this was the last probe, as the server would block us" if last else "")}


class Held:
    """One connection that is used until it fails; where it does not, the end of the program ends it."""

    def __init__(self, database: MySql | PostgreSql) -> None:
        self.database, self.cut = database, False
        try:
            self.connection = database.connect()
        except Failure as error:
            raise Refused(f"the connection that is to be held was not let in: {reason(error)}") from error

    def look(self) -> list[Observation]:
        if self.cut:
            return []
        try:
            return [self.database.identity(self.connection)]
        except Failure as error:
            self.cut = True
            return [{"error": reason(error)}]
