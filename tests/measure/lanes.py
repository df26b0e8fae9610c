"""The observations as lanes, one a witness: spans of the same state, and marks."""

from dataclasses import dataclass

from measure.moments import registered, writer_shown, zero
from measure.record import CLUSTER, ENDPOINT, EVENTS, FUNCTION, HELD, TARGETS, TOOL, Observation, Record, answered

LANES = {
    TOOL: "request",
    ENDPOINT: "new connections",
    HELD: "held connection",
    TARGETS: "target group",
    CLUSTER: "RDS: status, writer",
    EVENTS: "RDS: events",
    FUNCTION: "function",
}
MARKS = (TOOL, EVENTS, FUNCTION)
OLD, READER, GATED, WRITER, UNKNOWN = "as before", "reader", "gated reader", "writer", "no answer, or unsettled"
COLOURS = {OLD: "#a9c4e0", WRITER: "#9fd3a0", READER: "#f0b27a", GATED: "#d7bde2", UNKNOWN: "#d9d9d9"}


@dataclass
class Span:
    """A state from `start` to `end`, or a mark, whose ends are the same."""

    start: float
    end: float
    text: str
    kind: str
    """Which colour it has."""


def lanes(record: Record) -> dict[str, list[Span]]:
    """By witness; only the witnesses who were there."""
    drawn = {name: marks(record, name) if name in MARKS else spans(record, name) for name in LANES}
    return {name: lane for name, lane in drawn.items() if lane or name not in (ENDPOINT, HELD) or not record.missing}


def spans(record: Record, witness: str) -> list[Span]:
    """Each state lasts until another one was seen."""
    found: list[Span] = []
    for seen in sorted(record.by(witness), key=answered):
        text, kind = state(record, seen)
        if found:
            found[-1].end = answered(seen)
        if not found or (text, kind) != (found[-1].text, found[-1].kind):
            found.append(Span(answered(seen), answered(seen), text, kind))
    if found:
        found[-1].end = max(map(answered, record.observations))
    return found


def state(record: Record, seen: Observation) -> tuple[str, str]:
    if "error" in seen:
        return ("cut" if seen["witness"] == HELD else "no answer"), UNKNOWN
    if "gated" in seen:
        return "a gate refuses", GATED
    if seen["witness"] == TARGETS:
        listed = [f"{name_of(record, target)} {state}" for target, state in seen["targets"].items()]
        active = registered(seen)
        kind = OLD if active == record.before["targets"] else WRITER if len(active) == 1 else UNKNOWN
        return ", ".join(listed) or "nothing", kind
    if seen["witness"] == CLUSTER:
        writer = writer_shown(seen)
        kind = UNKNOWN if not writer or seen["status"] != "available" else OLD if writer == record.before["writer"] else WRITER
        return f"{seen['status']}, {writer or 'no single writer'}", kind
    kind = READER if not seen["writes"] else OLD if seen["server"] == record.before.get("server") else WRITER
    return f"{instance(record, seen['server'])} {'writes' if seen['writes'] else 'reads only'}", kind


def marks(record: Record, witness: str) -> list[Span]:
    told = [(float(seen["said"] if "said" in seen else seen["at"]), text(seen)) for seen in record.by(witness)]
    return [Span(at, at, words, WRITER) for at, words in sorted(told) if words and at >= zero(record)]


def text(seen: Observation) -> str:
    """What a mark says; empty for what is not worth one."""
    if "request" in seen:
        return str(seen["request"])
    if "line" not in seen:
        return str(seen.get("message", ""))
    line = seen["line"]
    if line.get("message") == "decision":
        return ", ".join(str(line[key]) for key in ("outcome", "writer", "evidence", "reason") if key in line)
    return str(line.get("message", "")) if line.get("level") == "ERROR" else ""


def name_of(record: Record, target: str) -> str:
    """The instance behind a target."""
    address = target.rsplit(":", 1)[0]
    return next((name for name, homes in record.before["addresses"].items() if address in homes), target)


def instance(record: Record, server: str) -> str:
    """A server by its own name, which on Aurora is the instance's; elsewhere it has but a number."""
    return server if server in record.before["addresses"] else f"server {server}"
