"""A line of each kind that the function's log holds, and how a metric filter of CloudWatch Logs matches one."""

import operator
import re

BASE = {"timestamp": "2026-03-14T03:12:09.252Z", "level": "INFO", "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd"}
TARGET = "10.0.2.22:3306"
STALE = "IP_DICT has 10.0.1.11 for aurora-1, its endpoint has 10.0.1.12: put 10.0.1.12 into IP_DICT, or remove the entry"
STALE_FINDING = {"level": "error", "code": "stale-ip-dict-entry", "message": STALE}


def decision(**fields):
    return BASE | {"message": "decision"} | fields


def switch(**fields):
    found = {"writer": "aurora-2", "target": TARGET, "registered": [TARGET], "deregistered": ["10.0.1.11:3306"]}
    return decision(**({"outcome": "switched"} | found | fields))


# The line, and the metrics that it feeds.
LINES = {
    "an event that switches": (switch(cause="RDS-EVENT-0073", evidence="event", event_age_ms=1840), {"Switches", "EventAge"}),
    "one from before our clock": (switch(cause="RDS-EVENT-0073", evidence="event", event_age_ms=-12), {"Switches"}),
    "one of unknown age": (switch(cause="RDS-EVENT-0071", evidence="rds"), {"Switches"}),
    "an event that changes nothing": (decision(outcome="unchanged", cause="RDS-EVENT-0071", event_age_ms=900), set()),
    "an event in a dry run": (switch(outcome="planned", cause="RDS-EVENT-0072", event_age_ms=900, dry_run=True), {"DryRuns"}),
    "an event of another cluster": (decision(outcome="ignored", cause="RDS-EVENT-0071", reason="not ours"), set()),
    "a scheduled run": (decision(outcome="unchanged", cause="schedule", writer="aurora-2", evidence="rds"), {"ScheduledRuns"}),
    "a scheduled run in doubt": (
        decision(outcome="unchanged", cause="schedule", reason="failing-over"),
        {"ScheduledRuns", "InDoubt"},
    ),
    "a scheduled run that repairs": (switch(cause="schedule", evidence="rds"), {"Switches", "ScheduledRuns", "Drift"}),
    "the same in a dry run": (
        switch(outcome="planned", cause="schedule", evidence="rds", dry_run=True),
        {"ScheduledRuns", "Drift", "DryRuns"},
    ),
    "reconcile by hand": (switch(cause="reconcile", evidence="rds"), {"Switches"}),
    "check": (decision(outcome="checked", in_sync=False, targets=[TARGET], findings=[STALE_FINDING]), set()),
    "a stale entry": (BASE | {"level": "ERROR", "message": STALE, "finding": "stale-ip-dict-entry"}, {"StaleAddresses"}),
    "no comparison": (BASE | {"level": "WARN", "message": "not compared", "finding": "ip-dict-not-compared"}, set()),
    "a target registered": (BASE | {"message": "registered", "registered": [TARGET]}, set()),
    "a target deregistered": (BASE | {"message": "deregistered", "deregistered": [TARGET]}, set()),
    "a failure": (BASE | {"level": "ERROR", "message": 'UnknownInstance: instance "aurora-9" has no address'}, set()),
    "a bad configuration": (
        BASE | {"level": "ERROR", "message": "TARGET_GROUP_ARN is missing", "errorType": "InvalidConfiguration"},
        set(),
    ),
    "Lambda's own": ({"time": "2026-03-14T03:12:09Z", "type": "platform.report", "record": {"status": "success"}}, set()),
}

COMPARE = {"=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
VALUE = r'(?P<op>!=|>=|<=|=|>|<)\s*(?:"(?P<text>[^"]*)"|(?P<number>-?[\d.]+))'
TOKEN = re.compile(rf"\s*(&&|\|\||[()]|\$\.(?P<path>[\w.]+)\s*(?:(?P<is>IS TRUE|NOT EXISTS)|{VALUE}))")


def matches(pattern: str, line: dict) -> bool:
    """Whether a filter pattern for JSON matches. A field that is missing, or of another kind, matches nothing."""
    assert pattern.startswith("{"), f"not a pattern for JSON: {pattern}"
    assert pattern.endswith("}"), f"not a pattern for JSON: {pattern}"
    rest, python = pattern[1:-1].strip(), []
    while rest:
        token = TOKEN.match(rest)
        assert token, f"cannot be read: {rest}"
        rest = rest[token.end() :].strip()
        python.append({"&&": "and", "||": "or"}.get(token[1], token[1]) if not token["path"] else str(compare(token, line)))
    return eval(" ".join(python))  # by now only True, False, and, or, brackets


def compare(token, line):
    for key in token["path"].split("."):
        line = line.get(key) if isinstance(line, dict) else None
    if token["is"]:
        return line is {"IS TRUE": True, "NOT EXISTS": None}[token["is"]]
    if token["text"] == "*":
        return isinstance(line, str)
    wanted = token["text"] if token["text"] is not None else float(token["number"])
    alike = isinstance(line, str) if isinstance(wanted, str) else isinstance(line, int | float) and not isinstance(line, bool)
    return alike and COMPARE[token["op"]](line, wanted)
