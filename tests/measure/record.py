"""A measurement as data: what was measured, how things stood before, and every observation."""

import json
import re
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Observation = dict[str, Any]
ENDPOINT, HELD, TARGETS, CLUSTER, EVENTS, FUNCTION, TOOL = "endpoint", "held", "targets", "cluster", "events", "function", "tool"
SETTLED = "settled"
"""The end of a failover that came right."""


class Refused(Exception):
    """Why there is nothing to measure, or nothing to read."""


@dataclass
class Record:
    subject: dict[str, Any]
    """What was measured, with the settings that count."""
    before: dict[str, Any]
    """`writer` and `targets` as `check` told them, `addresses` of the instances, `server` that answered at the endpoint."""
    missing: str = ""
    """What was not watched."""
    note: str = ""
    began: str = ""
    """When the clock of the observations stood at 0 (UTC)."""
    ended: str = ""
    """Why the measurement ended."""
    observations: list[Observation] = field(default_factory=list)
    """Each with its `witness`, `at`: when it was asked, and `took`: how long the answer took; both in seconds. What carries a
    time of AWS's own has that as `said`, counted on the same scale."""

    def by(self, witness: str) -> list[Observation]:
        return [seen for seen in self.observations if seen["witness"] == witness]

    def write(self, file: Path) -> None:
        """One observation a line, and without account numbers."""
        whole = asdict(self)
        seen = ",\n".join(json.dumps(one, ensure_ascii=False) for one in sorted(whole.pop("observations"), key=answered))
        head = json.dumps(whole, ensure_ascii=False, indent=1)[:-2]
        file.write_text(re.sub(r"(?<=:)\d{12}(?=:)", "000000000000", f'{head},\n "observations": [\n{seen}\n]}}\n'))


def read(file: Path) -> Record:
    try:
        record = Record(**json.loads(file.read_text()))
        for seen in record.observations:
            float(seen["at"]), float(seen["took"]), str(seen["witness"])
        str(record.before["writer"]), dict(record.before["addresses"]), float(record.subject["steady"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Refused(f"{file}: {type(error).__name__}: {error}; expected a file that --json has written") from error
    return record


def answered(seen: Observation) -> float:
    """When the answer was there."""
    return seen["at"] + seen["took"]


class Notebook:
    """Takes down the observations of several threads, and counts the seconds since it was made."""

    def __init__(self, record: Record) -> None:
        self.record, self.lock = record, threading.Lock()
        self.zero, self.wall = time.monotonic(), time.time()
        record.began = datetime.fromtimestamp(self.wall, UTC).isoformat(timespec="milliseconds")

    def now(self) -> float:
        return time.monotonic() - self.zero

    def add(self, witness: str, at: float, seen: Observation) -> None:
        took = self.now() - at
        with self.lock:
            self.record.observations.append({"witness": witness, "at": round(at, 4), "took": round(took, 4), **seen})

    def forget(self, before: float) -> None:
        """What was seen before that moment: nothing has happened yet."""
        with self.lock:
            self.record.observations = [seen for seen in self.record.observations if seen["at"] >= before]

    def so_far(self) -> Record:
        """A copy that no thread changes."""
        with self.lock:
            return replace(self.record, observations=sorted(self.record.observations, key=answered))
