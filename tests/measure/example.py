"""A failover that was invented for the tests, observation by observation."""

from typing import Any

from measure.record import Observation, Record
from support.aws import A1, A2, ADDRESSES

OLD, NEW = A1, A2


def record(*observations: Observation) -> Record:
    homes = {name: [address] for name, address in ADDRESSES.items()}
    before = {"writer": "aurora-1", "targets": [OLD], "server": "aurora-1", "addresses": homes}
    return Record({"steady": 30}, before, observations=list(observations))


def seen(witness: str, at: float, **what: Any) -> Observation:
    """An answer that came at once."""
    return {"witness": witness, "at": at, "took": 0.0, **what}


def event(said: float, message: str) -> Observation:
    return seen("events", said + 0.9, said=said, message=message)


def line(said: float, **fields: Any) -> Observation:
    return seen("function", said + 0.9, said=said, line=fields)


def endpoint(at: float, server: str, writes: bool) -> Observation:
    return seen("endpoint", at, server=server, writes=writes)


REQUEST = seen("tool", 2, request="failover requested")
STARTED = event(3, "Started cross AZ failover to DB instance: aurora-2")
CALLED = line(3.5, type="platform.start", record={"requestId": "a"})
DECIDED = line(3.7, message="decision", requestId="a", cause="RDS-EVENT-0073", outcome="switched", writer="aurora-2", target=NEW)
REPORTED = line(3.8, type="platform.report", record={"requestId": "a", "metrics": {"durationMs": 203.4, "initDurationMs": 6.2}})
RIGHT = seen("targets", 4, targets={OLD: "draining", NEW: "initial"})
SHOWN = seen("cluster", 7, status="failing-over", writers=["aurora-1"])
FLIPPED = seen("cluster", 9, status="failing-over", writers=["aurora-2"])
COMPLETED = event(11, "Completed customer initiated failover to DB instance: aurora-2")
CUT = seen("held", 2.8, error="Lost connection")
WHOLE = record(
    *(endpoint(1, "aurora-1", True), seen("targets", 1, targets={OLD: "unhealthy"})),
    seen("cluster", 1, status="available", writers=["aurora-1"]),
    *(REQUEST, STARTED, CALLED, DECIDED, REPORTED, RIGHT, SHOWN, FLIPPED, COMPLETED, CUT),
    *(endpoint(2.5, "aurora-1", True), seen("endpoint", 5, error="refused"), endpoint(8, "aurora-2", False)),
    *(endpoint(10, "aurora-2", True), endpoint(13, "aurora-1", False), endpoint(14, "aurora-2", True)),
)
