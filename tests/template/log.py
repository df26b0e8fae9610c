"""A line of each kind that the function's log holds, and how a metric filter of CloudWatch Logs matches and counts one."""

import operator
import re
from typing import Any

BASE = {"timestamp": "2026-03-14T03:12:09.252Z", "level": "INFO", "requestId": "8476a536-e9f4-11e8-9739-2dfe598c3fcd"}
ERROR, DECISION = BASE | {"level": "ERROR"}, BASE | {"message": "decision"}
UNCHANGED, SCHEDULED = DECISION | {"outcome": "unchanged"}, DECISION | {"outcome": "unchanged", "cause": "schedule"}
SWITCHED = DECISION | {"outcome": "switched", "writer": "aurora-2", "target": "10.0.2.22:3306", "evidence": "event",
                       "registered": ["10.0.2.22:3306"], "deregistered": ["10.0.1.11:3306"]}  # fmt: skip
PLANNED = SWITCHED | {"outcome": "planned", "dry_run": True}
STARTED = {"cause": "RDS-EVENT-0073"}
STALE = "stale-ip-dict-entry"

# What was logged, the line, and the metrics that count it.
LINES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "an event that switches": (SWITCHED | STARTED | {"event_age_ms": 1840}, {"Switches", "EventAge"}),
    "one from before our clock": (SWITCHED | STARTED | {"event_age_ms": -12}, {"Switches"}),
    "one of unknown age": (SWITCHED | {"cause": "RDS-EVENT-0071"}, {"Switches"}),
    "an event that changes nothing": (UNCHANGED | {"cause": "RDS-EVENT-0071", "event_age_ms": 900}, set()),
    "an event whose address stays": (UNCHANGED | {"cause": "RDS-EVENT-0013", "doubt": "address-not-moved", "reason": "…"}, set()),
    "an event in a dry run": (PLANNED | STARTED | {"event_age_ms": 900}, {"DryRuns"}),
    "an event of another cluster": (DECISION | STARTED | {"outcome": "ignored", "reason": "not ours"}, set()),
    "a scheduled run": (SCHEDULED, {"ScheduledRuns"}),
    "a scheduled run in doubt": (SCHEDULED | {"doubt": "failing-over", "reason": "…"}, {"ScheduledRuns", "InDoubt"}),
    "a scheduled run of a stopped instance": (SCHEDULED | {"doubt": "instance-stopped", "reason": "…"}, {"ScheduledRuns"}),
    "a scheduled run whose writer is in another region": (SCHEDULED | {"reason": "the writer is …"}, {"ScheduledRuns"}),
    "a scheduled run that repairs": (SWITCHED | {"cause": "schedule"}, {"Switches", "ScheduledRuns", "Drift"}),
    "the same in a dry run": (PLANNED | {"cause": "schedule"}, {"ScheduledRuns", "Drift", "DryRuns"}),
    "reconcile by hand": (SWITCHED | {"cause": "reconcile"}, {"Switches"}),
    "check": (DECISION | {"outcome": "checked", "findings": [{"level": "error", "code": STALE, "message": "…"}]}, set()),
    "a stale entry": (ERROR | {"message": "IP_DICT has 10.0.1.11 for aurora-1 …", "finding": STALE}, {"StaleAddresses"}),
    "a zonal shift": (ERROR | {"message": "the writer's target …", "finding": "zonal-shift"}, {"ErrorFindings"}),
    "no comparison": (BASE | {"level": "WARN", "message": "not compared", "finding": "ip-dict-not-compared"}, set()),
    "a target registered": (BASE | {"message": "registered", "registered": ["10.0.2.22:3306"]}, set()),
    "a failure": (ERROR | {"message": 'UnknownInstance: instance "aurora-9" has no address'}, set()),
    "a bad configuration": (ERROR | {"message": "TARGET_GROUP_ARN is missing", "errorType": "InvalidConfiguration"}, set()),
    "Lambda's own": ({"time": "2026-03-14T03:12:09Z", "type": "platform.report", "record": {"status": "success"}}, set()),
}
FIELDS = {field for line, _ in LINES.values() for field in line}

OPERATORS = {"=": operator.eq, "!=": operator.ne, ">=": operator.ge}
TERM = re.compile(r'\$\.(\w+) (?:(IS TRUE|NOT EXISTS)|(=|!=|>=) (?:"([^"]*)"|(\d+)))')


def counted(stack, line):
    """The value that each metric gets of a line of the log: 1, 0, or the field that has it."""
    found = {}
    for filter in stack.of_type("AWS::Logs::MetricFilter").values():
        (metric,) = filter["MetricTransformations"]
        if matches(filter["FilterPattern"], line):
            assert metric["MetricName"] not in found, f"two filters count the line into {metric['MetricName']}"
            found[metric["MetricName"]] = metric["MetricValue"]
    return found


def metrics(stack, line):
    """The metrics that a line of the log counts into; a 0 counts nothing."""
    return {metric for metric, value in counted(stack, line).items() if value != "0"}


def matches(pattern, line):
    """Whether a filter pattern for JSON matches, of those that the template has; another fails the test."""
    terms = TERM.sub(lambda term: str(holds(line.get(term[1]), *term.groups()[1:])), pattern)
    python = terms.replace("&&", "and").replace("||", "or")
    assert re.fullmatch(r"\{ (True|False|and|or|[() ])+ \}", python), f"cannot be read: {pattern}"
    return eval(python.strip("{ }"))


def holds(value, state, sign, text, number):
    """Whether one term of a pattern holds. A field that is missing, or of another kind, matches no comparison."""
    if state:
        return value is {"IS TRUE": True, "NOT EXISTS": None}[state]
    if text == "*":
        return isinstance(value, str)
    wanted = int(number) if number else text
    return type(value) is type(wanted) and OPERATORS[sign](value, wanted)
