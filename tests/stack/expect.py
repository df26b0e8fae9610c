"""What must come of an invocation, and what the world is like before it."""

import tomllib
from dataclasses import dataclass, field

from support.project import ROOT

VERSION = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]["version"]
PORT = 3306
ADDRESSES = {"aurora-1": "10.0.1.11", "aurora-2": "10.0.2.22", "aurora-3": "10.0.3.33"}
A1, A2, A3 = (f"{address}:{PORT}" for address in ADDRESSES.values())
STALE = "stale-ip-dict-entry"


@dataclass
class Expect:
    """One invocation."""

    answer: dict = field(default_factory=dict)
    """Fields of the answer; a field that is not here may be anything."""
    error: str = ""
    """The error type, in place of an answer."""
    says: str = ""
    """What the error's text, or the reason, must contain."""
    before: tuple = (A1,)
    """The target group before it."""
    after: tuple | None = None
    """The target group after it, if it changes."""
    rds_writer: str = "aurora-1"
    """Who is the writer in moto's RDS."""
    rds: bool | None = None
    """Whether RDS is asked; None: either."""
    logs: str = ""
    """The finding that the log of this invocation must have."""
    seconds: tuple = (0, 4)
    """How long it may take. A change that RDS alone asks for takes two looks, 5 s apart."""

    def writes(self):
        """The write calls that this must take, in order: register first."""
        planned = self.answer.get("outcome") == "planned"
        added, removed = self.answer.get("registered"), self.answer.get("deregistered")
        return [] if planned else ["RegisterTargets"] * bool(added) + ["DeregisterTargets"] * bool(removed)

    def counts(self, answer):
        """The metrics that this must feed."""
        outcome, scheduled = answer.get("outcome"), answer.get("cause") == "schedule"
        return {
            metric
            for metric, fed in {
                "Switches": outcome == "switched",
                "EventAge": outcome == "switched" and answer.get("event_age_ms", -1) >= 0,
                "ScheduledRuns": scheduled,
                "Drift": scheduled and outcome in ("switched", "planned"),
                "StaleAddresses": self.logs == STALE,
                "InDoubt": scheduled and "reason" in answer,
                "DryRuns": answer.get("dry_run", False),
            }.items()
            if fed
        }


def by(evidence, writer):
    """What the evidence says about RDS: asked and of the same mind, or not asked and still with the old writer."""
    return {"rds": False} if evidence == "event" else {"rds": True, "rds_writer": writer}


def switched(cause, writer, evidence="event", before=(A1,), **more):
    target = f"{ADDRESSES[writer]}:{PORT}"
    answer = {
        "outcome": "switched", "cause": cause, "writer": writer, "target": target, "evidence": evidence,
        "registered": [target] if target not in before else [], "deregistered": [t for t in before if t != target],
    }  # fmt: skip
    return Expect(answer, before=before, after=(target,), **by(evidence, writer), **more)


def unchanged(cause, writer="aurora-1", evidence="rds", **more):
    answer = {
        "outcome": "unchanged",
        "cause": cause,
        "writer": writer,
        "evidence": evidence,
        "registered": [],
        "deregistered": [],
    }
    return Expect(answer, before=(f"{ADDRESSES[writer]}:{PORT}",), **by(evidence, writer), **more)


def ignored(says, **more):
    return Expect({"outcome": "ignored"}, says=says, rds=False, **more)


def refused(error, says, **more):
    return Expect(error=error, says=says, **{"rds": False, **more})


def checked(*findings, before=(A1,)):
    answer = {"outcome": "checked", "version": VERSION, "in_sync": before == (A1,), "writer": "aurora-1", "targets": list(before)}
    return Expect(answer | {"findings": list(findings)}, before=before, rds=True)
