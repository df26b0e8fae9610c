"""The witnesses: each looks again and again, in a thread of its own, and notes what it saw and how long the answer took."""

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from measure import subject
from measure.database import Failure, MySql, PostgreSql, gated, left_unfinished, reason
from measure.record import CLUSTER, ENDPOINT, EVENTS, FUNCTION, HELD, TARGETS, Notebook, Observation
from measure.subject import Aws, Subject

EACH_SECOND = 1.0
PROBERS, EACH_PROBER = 25, 5.0
"""Together 5 new connections a second. As each waits for its own answer alone, a server that hangs does not stop the others."""
UNFINISHED = 50
"""So many handshakes may end by our own timeout before the probe stops: MySQL blocks a host after 100."""
EARLIER = timedelta(minutes=10)
"""How far back events and log lines are looked for: they may come late, and AWS's clock need not be ours."""
Look = Callable[[], Iterable[Observation]]


class Witness:
    """Looks at fixed times until it is stopped, also while the looks fail."""

    def __init__(self, name: str, look: Look, notebook: Notebook, every: float = EACH_SECOND, first: float = 0) -> None:
        self.name, self.look, self.notebook, self.every, self.first = name, look, notebook, every, first
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        due = self.notebook.clock.now() + self.first
        while not self.over.wait(max(0, due - self.notebook.clock.now())):
            self.once()
            due = max(due + self.every, self.notebook.clock.now())

    def once(self) -> None:
        at = self.notebook.clock.now()
        try:
            seen = list(self.look())
        except Gone:
            self.over.set()
            return
        except Exception as error:  # whatever it is, it stands in the record, and the next look may go better
            seen = [{"error": reason(error)}]
        for one in seen:
            self.notebook.add(self.name, at, one)


class Gone(Exception):
    """There is nothing more to look at."""


def of_aws(aws: Aws, what: Subject, notebook: Notebook) -> list[Witness]:
    """The target group, the cluster, its events and the function's log, each once a second."""
    log = Log(aws, what, notebook)
    events = Events(aws, what, notebook)
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
    found = subject.cluster(aws, name)
    return {key: found[key] for key in ("status", "writers")}


class Events:
    """The cluster's events, each once. An answer without a new one is noted too."""

    def __init__(self, aws: Aws, what: Subject, notebook: Notebook) -> None:
        self.aws, self.what, self.clock = aws, what, notebook.clock
        self.known: set[tuple[str, str]] = set()
        self.look()  # what is there already is not told

    def look(self) -> list[Observation]:
        pages = self.aws.rds.get_paginator("describe_events").paginate(
            SourceType="db-cluster", SourceIdentifier=self.what.cluster, StartTime=datetime.now(UTC) - EARLIER
        )
        new: list[Observation] = []
        for event in (event for page in pages for event in page["Events"]):
            key = (event["Date"].isoformat(), event["Message"])
            if key not in self.known:
                self.known.add(key)
                new.append({"said": round(self.clock.of(event["Date"].timestamp()), 3), "message": event["Message"]})
        return new or [{}]


class Log:
    """The function's log since the measurement began, each line once."""

    def __init__(self, aws: Aws, what: Subject, notebook: Notebook) -> None:
        self.aws, self.what, self.clock = aws, what, notebook.clock
        self.known: set[str] = set()
        self.look()  # what is there already is not told

    def look(self) -> list[Observation]:
        pages = self.aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=self.what.log_group, startTime=int((datetime.now(UTC) - EARLIER).timestamp() * 1000)
        )
        new: list[Observation] = []
        for event in (event for page in pages for event in page["events"]):
            if event["eventId"] not in self.known:
                self.known.add(event["eventId"])
                new.append({"said": round(self.clock.of(event["timestamp"] / 1000), 3), "line": line(event["message"])})
        return new or [{}]


def line(text: str) -> Observation:
    with suppress(ValueError):
        if isinstance(read := json.loads(text), dict):
            return read
    return {"message": text.strip()}


def quit_in_good_order(connection: Any) -> None:
    with suppress(*Failure):  # it may have been cut already
        connection.close()


class Probe:
    """A new connection, logged in, asked and ended in good order."""

    def __init__(self, database: MySql | PostgreSql) -> None:
        self.database, self.unfinished = database, 0

    def look(self) -> list[Observation]:
        if self.unfinished >= UNFINISHED:
            raise Gone
        try:
            connection = self.database.connect()
        except Failure as error:
            if gated(error):
                return [{"gated": reason(error)}]
            if not left_unfinished(error):
                raise
            self.unfinished += 1
            stops = "; this was the last probe, as the server would block us" if self.unfinished >= UNFINISHED else ""
            return [{"error": reason(error) + stops}]
        try:
            return [self.database.identity(connection)]
        finally:
            quit_in_good_order(connection)


class Held:
    """One connection that is used until it fails; where it does not, the end of the program ends it."""

    def __init__(self, database: MySql | PostgreSql) -> None:
        self.database, self.cut = database, False
        self.connection = database.connect()

    def look(self) -> list[Observation]:
        if self.cut:
            raise Gone
        try:
            return [self.database.identity(self.connection)]
        except Failure as error:
            self.cut = True
            return [{"error": reason(error)}]
