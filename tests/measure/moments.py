"""The moments of a failover, and the shares between them; from the observations alone."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

from measure.record import CLUSTER, ENDPOINT, EVENTS, FUNCTION, HELD, TARGETS, TOOL, Observation, Record, answered

# RDS writes more than its documentation says ("Completed customer initiated failover to …"), and names no event ID here.
STARTED, COMPLETED = re.compile("^started ", re.IGNORECASE), re.compile("^completed ", re.IGNORECASE)
ENDED = re.compile("^completed |^promoting previous |failover failed", re.IGNORECASE)


class Share(NamedTuple):
    """A moment, and the time since the one before it; both in seconds."""

    moment: str
    at: float
    share: float


def zero(record: Record) -> float:
    """When the failover began."""
    return begun(record) or 0.0


def begun(record: Record) -> float | None:
    """The request; where there was none, the started event, or what else shows that a failover has begun."""
    asked = earliest(record.by(TOOL))
    if asked is not None:
        return asked
    signs = (event(record, STARTED), flip(record), event(record, ENDED))
    return min((sign for sign in signs if sign is not None), default=None)


def moments(record: Record) -> dict[str, float | None]:
    """When each was, on the record's scale; None for what was not seen."""
    old, writer = record.before.get("server"), writer_after(record)
    met = [seen for seen in since(record, ENDPOINT) if "server" in seen]
    new = [seen for seen in met if seen["server"] != old]
    return {
        "request": earliest(record.by(TOOL)),
        "started event": event(record, STARTED),
        "function called": called(record),
        "group right": earliest(seen for seen in since(record, TARGETS) if right(record, seen, writer)),
        "RDS's status shows it": earliest(
            seen for seen in since(record, CLUSTER) if seen.get("status", "available") != "available"
        ),
        "RDS's writer flips": flip(record),
        "completed": event(record, COMPLETED),
        "old connection cut": earliest(seen for seen in since(record, HELD) if "error" in seen),
        "first connection to a new instance": earliest(new),
        "first connection that writes": earliest(seen for seen in new if seen["writes"]),
        "last connection that met the old one": max(
            (answered(seen) for seen in met if new and seen["server"] == old), default=None
        ),
    }


def shares(record: Record) -> list[Share]:
    """In the order in which they were, so that the shares add up to the whole."""
    when = sorted(((name, at) for name, at in moments(record).items() if at is not None), key=lambda moment: moment[1])
    return [Share(name, at, at - earlier) for (_, earlier), (name, at) in pairwise(when[:1] + when)]


class Logins(NamedTuple):
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
    later = since(record, ENDPOINT)
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
    lines = [(seen["line"], seen["said"]) for seen in record.by(FUNCTION) if "line" in seen]
    decisions = [(line, said) for line, said in lines if str(line.get("cause", "")).startswith("RDS-EVENT")]
    moved = [(line, said) for line, said in decisions if line.get("outcome") == "switched"]
    if not decisions:
        return None
    decision, decided = (moved or decisions)[0]
    starts = [(line.get("record", {}), said) for line, said in lines if line.get("type") == "platform.start"]
    return min([said for run, said in starts if run.get("requestId") == decision.get("requestId")] + [decided])


def flip(record: Record) -> float | None:
    return earliest(seen for seen in record.by(CLUSTER) if writer_shown(seen) not in ("", record.before["writer"]))


def writer_shown(seen: Observation) -> str:
    """The one writer; empty if there are none or several."""
    writers = seen.get("writers", [])
    return str(writers[0]) if len(writers) == 1 else ""


def writer_after(record: Record) -> str:
    """The writer that RDS showed at the end."""
    shown = [writer for seen in record.by(CLUSTER) if (writer := writer_shown(seen))]
    return shown[-1] if shown else str(record.before["writer"])


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


def since(record: Record, witness: str) -> list[Observation]:
    """What this one has seen since the failover began."""
    begin = zero(record)
    return [seen for seen in record.by(witness) if answered(seen) >= begin]


def earliest(seen: Iterable[Observation]) -> float | None:
    return min(map(answered, seen), default=None)
