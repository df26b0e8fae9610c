"""The moments of a failover, and the shares between them; from the observations alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from measure.record import CLUSTER, ENDPOINT, EVENTS, FUNCTION, HELD, TARGETS, TOOL, Observation, Record, answered

# RDS writes more than its documentation says ("Completed customer initiated failover to …"), and names no event ID here.
STARTED, COMPLETED = re.compile("^started ", re.IGNORECASE), re.compile("^completed ", re.IGNORECASE)
ENDED = re.compile("^completed |^promoting previous |failover failed", re.IGNORECASE)
REQUEST = "request"
MOMENTS = (
    REQUEST, "started event", "function called", "group right", "RDS's status shows it", "RDS's writer flips", "completed",
    "old connection cut", "first connection to a new instance", "first connection that writes",
    "last connection that met the old one",
)  # fmt: skip


@dataclass(frozen=True)
class Share:
    """A moment, and the time since the one before it; both in seconds."""

    moment: str
    at: float
    share: float


def zero(record: Record) -> float:
    """When the failover began."""
    begin = begun(record)
    return 0.0 if begin is None else begin


def begun(record: Record) -> float | None:
    """The request; where there was none, the started event, or what else shows that a failover has begun."""
    asked = first(record.by(TOOL), lambda seen: seen.get("request"))
    if asked is not None:
        return asked
    signs = (event(record, STARTED), seen_flip(record), event(record, ENDED))
    return min((sign for sign in signs if sign is not None), default=None)


def moments(record: Record) -> dict[str, float | None]:
    """When each was, on the record's scale; None for what was not seen."""
    begin = zero(record)
    later = [seen for seen in record.by(ENDPOINT) if answered(seen) >= begin]
    old, new = (lambda seen: seen.get("server") == record.before.get("server")), (lambda seen: is_new(record, seen))
    found = (
        first(record.by(TOOL), lambda seen: seen.get("request")),
        event(record, STARTED),
        called(record),
        first(record.by(TARGETS), lambda seen: answered(seen) >= begin and is_right(record, seen)),
        first(record.by(CLUSTER), lambda seen: answered(seen) >= begin and seen.get("status", "available") != "available"),
        seen_flip(record),
        event(record, COMPLETED),
        first(record.by(HELD), lambda seen: answered(seen) >= begin and "error" in seen),
        first(later, new),
        first(later, lambda seen: new(seen) and seen["writes"]),
        last(later, old) if any(map(new, later)) else None,
    )
    return dict(zip(MOMENTS, found, strict=True))


def shares(record: Record) -> list[Share]:
    """In the order in which they were, so that the shares add up to the whole."""
    when = sorted((at, MOMENTS.index(name)) for name, at in moments(record).items() if at is not None)
    before = [at for at, _ in when[:1]] + [at for at, _ in when]
    return [Share(MOMENTS[index], at, at - earlier) for (at, index), earlier in zip(when, before, strict=False)]


@dataclass(frozen=True)
class Logins:
    """The new connections since the request."""

    readers: int
    """Let in by an instance that does not write."""
    gated: int
    """Refused by an instance's init_connect: not a reader met, as the consumer only tries again."""
    every: int

    def __str__(self) -> str:
        refused = f"; a gate refused {self.gated}" if self.gated else ""
        return f"{self.readers} of {self.every} new connections met a reader{refused}"


def logins(record: Record) -> Logins:
    later = [seen for seen in record.by(ENDPOINT) if answered(seen) >= zero(record)]
    return Logins(sum(seen.get("writes") is False for seen in later), sum("gated" in seen for seen in later), len(later))


def gates(record: Record) -> dict[str, str]:
    """The init_connect of each server that let a connection in, as it was last."""
    return {seen["server"]: seen["init_connect"] for seen in record.by(ENDPOINT) if "init_connect" in seen}


def reports(record: Record) -> list[dict[str, Any]]:
    """The function's runs since the request as Lambda reports them: `initDurationMs`, `durationMs` and others."""
    lines = [seen["line"] for seen in record.by(FUNCTION) if "line" in seen and seen["said"] >= zero(record)]
    return [line["record"]["metrics"] for line in lines if line.get("type") == "platform.report" and "record" in line]


def called(record: Record) -> float | None:
    """The start of the run that moved the target, or else of the first one that decided about an event."""
    decisions = [seen for seen in record.by(FUNCTION) if str(seen.get("line", {}).get("cause", "")).startswith("RDS-EVENT")]
    moved = [seen for seen in decisions if seen["line"].get("outcome") == "switched"]
    for decision in (moved or decisions)[:1]:
        request = decision["line"].get("requestId")
        started = [seen["said"] for seen in record.by(FUNCTION) if starts(seen.get("line", {}), request)]
        return float(min([*started, decision["said"]]))
    return None


def starts(line: dict[str, Any], request: str | None) -> bool:
    return line.get("type") == "platform.start" and line.get("record", {}).get("requestId") == request


def is_new(record: Record, seen: Observation) -> bool:
    return "server" in seen and seen["server"] != record.before.get("server")


def seen_flip(record: Record) -> float | None:
    return first(record.by(CLUSTER), lambda seen: writer_shown(seen) not in ("", record.before["writer"]))


def writer_shown(seen: Observation) -> str:
    """The one writer; empty if there are none or several."""
    writers = seen.get("writers", [])
    return str(writers[0]) if len(writers) == 1 else ""


def writer_after(record: Record) -> str:
    """The writer that RDS showed at the end."""
    shown = [writer for seen in record.by(CLUSTER) if (writer := writer_shown(seen))]
    return shown[-1] if shown else str(record.before["writer"])


def is_right(record: Record, seen: Observation) -> bool:
    return right(record, seen, writer_after(record))


def right(record: Record, seen: Observation, writer: str) -> bool:
    """Whether the group holds this writer alone. An instance without a known address has any that no other one has."""
    held, homes = registered(seen), known_addresses(record)
    if len(held) != 1:
        return False
    address = held[0].rsplit(":", 1)[0]
    others = {home for name, known in homes.items() if name != writer for home in known}
    return address in homes[writer] if homes.get(writer) else address not in others


def known_addresses(record: Record) -> dict[str, list[str]]:
    """By the function's own word where there is one, as it may map an instance to another address; else by DNS."""
    homes: dict[str, list[str]] = dict(record.before["addresses"])
    told = [seen["line"] for seen in record.by(FUNCTION) if {"writer", "target"} <= seen.get("line", {}).keys()]
    return homes | {line["writer"]: [line["target"].rsplit(":", 1)[0]] for line in told}


def registered(seen: Observation) -> list[str]:
    """A draining target is not registered."""
    return [target for target, state in seen.get("targets", {}).items() if state != "draining"]


def event(record: Record, pattern: re.Pattern[str]) -> float | None:
    """When, by RDS's clock, the first such event was."""
    said = [seen["said"] for seen in record.by(EVENTS) if pattern.search(seen.get("message", ""))]
    return min(said, default=None)


def first(seen: Iterable[Observation], is_it: Any) -> float | None:
    return min((answered(one) for one in seen if is_it(one)), default=None)


def last(seen: Iterable[Observation], is_it: Any) -> float | None:
    return max((answered(one) for one in seen if is_it(one)), default=None)
