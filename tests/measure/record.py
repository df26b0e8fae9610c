"""A measurement as data: what was measured, how things stood before, and every observation."""

import json
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Observation = dict[str, Any]
ENDPOINT, HELD, TARGETS, CLUSTER, EVENTS, FUNCTION, TOOL = "endpoint", "held", "targets", "cluster", "events", "function", "tool"
SETTLED = "settled"
"""The end of a failover that came right."""


class Unreadable(Exception):
    """A file that is no measurement."""


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
        """One observation a line."""
        whole = asdict(self)
        seen = ",\n".join(json.dumps(one, ensure_ascii=False) for one in sorted(whole.pop("observations"), key=answered))
        head = json.dumps(whole, ensure_ascii=False, indent=1)[:-2]
        file.write_text(without_accounts(f'{head},\n "observations": [\n{seen}\n]}}\n'))


def read(file: Path) -> Record:
    try:
        record = Record(**json.loads(file.read_text()))
        for seen in record.observations:
            float(seen["at"]), float(seen["took"]), str(seen["witness"])
        str(record.before["writer"]), dict(record.before["addresses"]), float(record.subject["steady"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Unreadable(f"{file}: {type(error).__name__}: {error}; expected a file that --json has written") from error
    return record


def answered(seen: Observation) -> float:
    """When the answer was there."""
    return seen["at"] + seen["took"]


def without_accounts(text: str) -> str:
    return re.sub(r"(?<=:)\d{12}(?=:)", "000000000000", text)


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.zero, self.wall = time.monotonic(), time.time()

    def now(self) -> float:
        return time.monotonic() - self.zero

    def of(self, moment: float) -> float:
        """A time of day, in seconds since 1970, on this scale."""
        return moment - self.wall

    def began(self) -> str:
        return datetime.fromtimestamp(self.wall, UTC).isoformat(timespec="milliseconds")


class Notebook:
    """Takes down the observations of several threads."""

    def __init__(self, record: Record) -> None:
        self.record, self.clock, self.lock = record, Clock(), threading.Lock()
        record.began = self.clock.began()

    def add(self, witness: str, at: float, seen: Observation) -> None:
        took = self.clock.now() - at
        with self.lock:
            self.record.observations.append({"witness": witness, "at": round(at, 4), "took": round(took, 4), **seen})

    def tell(self, **seen: Any) -> None:
        """What the tool itself has done just now."""
        self.add(TOOL, self.clock.now(), seen)

    def forget(self, before: float) -> None:
        """What was seen before that moment: nothing has happened yet."""
        with self.lock:
            self.record.observations = [seen for seen in self.record.observations if seen["at"] >= before]

    def so_far(self) -> Record:
        """A copy that no thread changes."""
        with self.lock:
            observations = sorted(self.record.observations, key=answered)
        return Record(**{**self.record.__dict__, "observations": observations})
