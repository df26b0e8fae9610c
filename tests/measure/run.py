"""The measurement: sets the witnesses to work, starts the failover, and waits for the end."""

import sys
import time
from argparse import Namespace
from contextlib import suppress

from measure.database import ANSWER, MySql, PostgreSql
from measure.moments import begun
from measure.record import SETTLED, TOOL, Notebook, Record
from measure.settled import unsettled
from measure.subject import Aws, Subject
from measure.witnesses import Witness, of_aws, of_endpoint

BASELINE = 2.0
"""Seconds of watching before the failover, so that the picture shows how it was."""
KEPT = 30.0
"""Seconds of what was seen before a failover that comes by itself."""


def measure(options: Namespace, aws: Aws, what: Subject, record: Record, consumer: MySql | PostgreSql | None) -> Record:
    """Until all has settled, the limit has passed or Ctrl-C was pressed."""
    notebook = Notebook(record)
    witnesses: list[Witness] = []
    try:
        witnesses += of_aws(aws, what, notebook)
        if consumer:
            witnesses += of_endpoint(consumer, notebook)
        time.sleep(BASELINE)
        if not options.watch:
            request(options, aws, what, notebook)
        record.ended = wait(options, notebook)
    except KeyboardInterrupt:
        record.ended = "ended by Ctrl-C"
    finally:
        for witness in witnesses:
            witness.over.set()
    return ended(notebook, witnesses)


def request(options: Namespace, aws: Aws, what: Subject, notebook: Notebook) -> None:
    wanted = {"TargetDBInstanceIdentifier": options.to} if options.to else {}
    text = f"failover of {what.cluster} requested" + (f", to {options.to}" if options.to else "")
    notebook.add(TOOL, notebook.now(), {"request": text})
    aws.rds.failover_db_cluster(DBClusterIdentifier=what.cluster, **wanted)


def wait(options: Namespace, notebook: Notebook) -> str:
    """Why it has ended. Under --watch the limit counts from when the failover has begun."""
    begin, shown = notebook.now(), ""
    while (passed := notebook.now() - begin) < options.limit:
        record = notebook.so_far()
        waiting = unsettled(record, notebook.now(), options.steady)
        if options.watch and begun(record) is None:
            notebook.forget(notebook.now() - KEPT)
            begin = notebook.now()
        elif not waiting:
            return SETTLED
        if (what := waiting.partition(":")[0]) != shown:  # what comes after it may change at each look
            shown = what
            print(f"{passed:.0f} s: waiting for {waiting}", file=sys.stderr)
        time.sleep(0.5)
    return f"the limit of {options.limit:g} s"


def ended(notebook: Notebook, witnesses: list[Witness]) -> Record:
    """Waits for answers that are under way, so that no handshake is left; a second Ctrl-C does not."""
    end = time.monotonic() + ANSWER
    with suppress(KeyboardInterrupt):
        for witness in witnesses:
            witness.thread.join(max(0.0, end - time.monotonic()))
    return notebook.so_far()
