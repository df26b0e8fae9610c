"""Whether the failover is over, from the observations alone."""

from measure.moments import ENDED, registered, right, writer_shown
from measure.record import CLUSTER, ENDPOINT, EVENTS, TARGETS, Observation, Record, answered


def unsettled(record: Record, now: float, steady: float) -> str:
    """What is being waited for; empty once all is done."""
    clusters, groups = ([seen for seen in record.by(name) if "error" not in seen] for name in (CLUSTER, TARGETS))
    writer = writer_shown(clusters[-1]) if clusters else ""
    ended = any(ENDED.search(seen.get("message", "")) for seen in record.by(EVENTS))
    if not ended and writer in ("", record.before["writer"]):
        return "the failover: RDS has neither an event of its end nor another writer"
    if not writer or clusters[-1]["status"] != "available":
        return f"RDS to settle: status {clusters[-1]['status']}, writer {writer or 'unsettled'}" if clusters else "RDS"
    if not groups or not right(record, groups[-1], writer):
        return f"the group to hold {writer} alone: it holds {', '.join(registered(groups[-1])) or 'nothing'}" if groups else "ELB"
    return "" if record.missing else unsteady(record, writer, now, steady)


def unsteady(record: Record, writer: str, now: float, steady: float) -> str:
    """Whether the endpoint still answers from elsewhere, or has not for long enough from the writer."""
    probes = record.by(ENDPOINT)
    others = [seen for seen in probes if not from_writer(record, seen, writer)]
    since = answered(others[-1]) if others else 0.0
    good = [seen for seen in probes if answered(seen) > since]
    if good and now - answered(good[0]) >= steady:
        return ""
    so_far = f": {now - answered(good[0]):.0f} s so far" if good else ""
    return f"the endpoint to answer from {writer} for {steady:g} s{so_far}"


def from_writer(record: Record, seen: Observation, writer: str) -> bool:
    """The names of the servers are the instances' on Aurora; elsewhere another one than before is the new writer."""
    if not seen.get("writes"):
        return False
    if seen["server"] in record.before["addresses"]:
        return bool(seen["server"] == writer)
    return (seen["server"] == record.before.get("server")) == (writer == record.before["writer"])
