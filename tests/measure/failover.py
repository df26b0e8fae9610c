"""Measures a failover of an Aurora cluster behind aurora-nlb-failover. `--help` says all."""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

# Started as a script, Python looks for modules in this folder; they are named from the one above.
if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from botocore.exceptions import BotoCoreError, ClientError  # noqa: E402

from measure import subject  # noqa: E402
from measure.database import Failure, MySql, PostgreSql, database, reason  # noqa: E402
from measure.options import PASSWORD, missing, parse  # noqa: E402
from measure.policy import policy  # noqa: E402
from measure.record import Record, Refused, read  # noqa: E402
from measure.run import measure  # noqa: E402
from measure.subject import Aws, Subject, impossible, refusals  # noqa: E402
from measure.timeline import faults, report  # noqa: E402


def main(words: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = parse(words)
    if options.policy:
        print(json.dumps(policy(options), indent=2))
        return 0
    try:
        record = read(options.file) if options.file else measured(options)
    except (Refused, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ended by Ctrl-C before anything was started", file=sys.stderr)
        return 1
    return told(record, options)


def measured(options: Namespace) -> Record:
    aws = Aws()
    what = subject.find(options, aws)
    record, consumer = prepared(options, aws, what)
    if not (options.yes or agreed(options, what, record)):
        raise Refused("nothing was done")
    return measure(options, aws, what, record, consumer)


def prepared(options: Namespace, aws: Aws, what: Subject) -> tuple[Record, MySql | PostgreSql | None]:
    """How things stand, and who may ask the endpoint; refuses where the set-up speaks against a failover."""
    answer, cluster = subject.check(aws, what.function), subject.cluster(aws, what.cluster)
    findings = [f"{one['level']}: {one['code']}: {one['message']}" for one in answer["findings"]]
    print(f"check of {what.function}: {len(findings)} findings", *findings, sep="\n  ")
    against = refusals(answer, cluster)
    if against and not options.anyway:
        raise Refused("; ".join(against) + ". --anyway measures all the same")
    if cannot := impossible(options.to, cluster):
        raise Refused(cannot)
    writer, addresses = (cluster["writers"] or [""])[0], subject.addresses(aws, what.cluster)
    before = {"writer": writer, "targets": answer.get("targets", []), "addresses": addresses}
    facts = {
        "cluster": what.cluster, "engine": cluster["engine"], "engine_version": cluster["version"],
        "members": cluster["members"], "target_group": what.target_group, "settings": subject.settings(aws, what.target_group),
        "function": what.function, "function_version": answer.get("version", ""), "steady": options.steady,
    }  # fmt: skip
    record = Record(facts, before, missing(options), options.note)
    if record.missing:
        print(record.missing)
        return record, None
    consumer = database(cluster["engine"], options, os.environ[PASSWORD])
    before["server"] = tried(consumer)
    return record, consumer


def tried(consumer: MySql | PostgreSql) -> str:
    """The server that answers now. A password that is wrong must not be tried five times a second."""
    try:
        with closing(consumer.connect()) as connection:
            return str(consumer.identity(connection)["server"])
    except Failure as error:
        raise Refused(f"the endpoint accepts no login, or does not answer: {reason(error)}") from error


def agreed(options: Namespace, what: Subject, record: Record) -> bool:
    move = f"fails over from {record.before['writer']} to {options.to or 'whom Aurora chooses'}, and connections break"
    try:
        answer = input(f"{what.cluster}: {'only watches' if options.watch else move}. Go on? [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def told(record: Record, options: Namespace) -> int:
    if options.json and not options.file:
        record.write(options.json)
    print(*report(record), sep="\n")
    if options.plot:
        from measure.plot import plot

        plot(record, options.plot)
    wrong = faults(record)
    print(*(wrong or ["the failover came right"]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
