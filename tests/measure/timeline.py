"""What is printed: the timeline in the form of the article's experiment, and the table of shares."""

from statistics import median

from measure.lanes import ENDPOINT, LANES, MARKS, instance, lanes
from measure.moments import gates, logins, moments, reports, shares, writer_after, zero
from measure.record import EVENTS, FUNCTION, SETTLED, TOOL, Record, answered
from measure.settled import unsettled

NAMES = LANES | {EVENTS: "RDS: events (RDS's clock)", FUNCTION: "function (Lambda's clock)"}


def timeline(record: Record) -> list[str]:
    """Each change that a witness saw, in milliseconds since the request, in the order of time."""
    begin, found = zero(record), []
    for witness, lane in lanes(record).items():
        before = None
        for span in lane:
            was = f"{before.text} → " if before and witness not in (*MARKS, ENDPOINT) else ""
            text = span.text if witness == TOOL else f"{NAMES[witness]}: {was}{span.text}"
            if span.start >= begin:
                found.append((span.start, text))
            before = span
    return [f"{ms(at - begin):>8} ms  {text}" for at, text in sorted(found)]


def table(record: Record) -> list[str]:
    """The shares; what was not seen comes after them."""
    begin, found = zero(record), shares(record)
    lines = ["   at ms  share ms"]
    lines += [f"{ms(one.at - begin):>8}  {ms(one.share):>8}  {one.moment}" for one in found]
    lines += [f"{'–':>8}  {'–':>8}  {name}: not seen" for name, at in moments(record).items() if at is None]
    if (met := logins(record)).every:
        lines.append(str(met))
    lines += [f"init_connect of {instance(record, server)}: {gate or 'empty'}" for server, gate in gates(record).items()]
    runs = [
        f"{one['durationMs']:.0f} ms" + (f" after {one['initDurationMs']:.0f} ms of init" if "initDurationMs" in one else "")
        for one in reports(record)
    ]
    return lines + ([f"the function's runs: {', '.join(runs)}"] if runs else [])


def looks(record: Record) -> list[str]:
    """How exact the figures are: how often each witness looked, how long an answer took, and how many looks failed."""
    lines = []
    for witness, name in LANES.items():
        took = [ms(seen["took"]) for seen in record.by(witness)]
        errors = [seen["error"] for seen in record.by(witness) if "error" in seen]
        failed = f"; {len(errors)} failed, the last with: {errors[-1]}" if errors else ""
        if took and witness != TOOL:
            lines.append(f"{name}: {len(took)} looks, each {median(took):.0f} ms (median), {max(took)} ms (longest){failed}")
    return lines


def report(record: Record) -> list[str]:
    lines = [*timeline(record), "", *table(record), "", *looks(record), ""]
    return lines + ([f"not in the picture: {record.missing}"] if record.missing else [])


def faults(record: Record) -> list[str]:
    """Why the failover did not come right; none if it did."""
    now = max((answered(seen) for seen in record.observations), default=0.0)
    # The rest of the steady time may lie after the last answer.
    waiting = "" if record.ended == SETTLED else unsettled(record, now, record.subject["steady"])
    if not waiting:
        return []
    found = [f"it did not come right ({record.ended}): still waiting for {waiting}"]
    errors = [seen["line"]["message"] for seen in record.by(FUNCTION) if seen.get("line", {}).get("level") == "ERROR"]
    found += [f"the function failed: {message}" for message in dict.fromkeys(errors)]
    if moments(record)["group right"] is None:
        if not moments(record)["function called"] and not errors:
            runs = len(reports(record))
            found.append(f"the function has not told of any failover event ({runs} runs in its log): did the event reach it?")
        found.append(f"the target group never held {writer_after(record)} alone")
    return found


def ms(seconds: float) -> int:
    return round(seconds * 1000)
