"""cargo-lambda runs the function against moto: one failover from beginning to end, and one check.

What the function answers to each payload is shown by tests/scenarios, against a stand-in that knows more states than moto.
"""

import pytest

from support.aws import A2, set_writer, targets
from support.events import fresh
from support.project import EVENTS
from template.log import metrics
from template.notices import told
from template.stacks import stack

STARTED = {"outcome": "switched", "cause": "RDS-EVENT-0073", "writer": "aurora-2", "target": A2, "evidence": "event"}
COMPLETED = {"outcome": "unchanged", "cause": "RDS-EVENT-0071", "writer": "aurora-2", "evidence": "event+rds"}
SCHEDULED = {"outcome": "unchanged", "cause": "schedule", "writer": "aurora-2", "evidence": "rds"}
IN_DOUBT = {"outcome": "unchanged", "cause": "schedule", "doubt": "failing-over"}


# In order: a failover from aurora-1 to aurora-2. RDS shows each status and writer from then on.
@pytest.mark.parametrize(
    ("status", "writer", "payload", "answer", "feeds", "is_told"),
    [
        ("available", "aurora-1", "started-cross-az", STARTED, {"Switches", "EventAge"}, True),
        ("failing-over", "aurora-1", "scheduler-scheduled", IN_DOUBT, {"ScheduledRuns", "InDoubt", "StaleAddresses"}, False),
        ("available", "aurora-2", "completed", COMPLETED, set(), False),
        ("available", "aurora-2", "scheduler-scheduled", SCHEDULED, {"ScheduledRuns", "StaleAddresses"}, False),
    ],
    ids=["started", "a scheduled run meanwhile", "completed", "a scheduled run afterwards"],
)
def test_a_failover_moves_the_target_feeds_the_metrics_and_is_told_once(
    aws, function, status, writer, payload, answer, feeds, is_told
):
    aws.proxy.status = status
    set_writer(aws.rds, writer)
    reply = function.invoke(EVENTS[payload] if "schedule" in payload else fresh(payload))
    assert {key: reply.answer.get(key) for key in answer} == answer, reply.text
    assert targets(aws.elb, aws.group) == [A2]
    assert set().union(*(metrics(stack(), line) for line in reply.lines())) == feeds, reply.log
    assert bool(told(stack(), reply.answer)) == is_told


def test_check_finds_the_stale_address_and_nothing_else(aws, function):
    reply = function.invoke(EVENTS["check"])
    assert (reply.answer.get("in_sync"), reply.answer.get("writer"), reply.answer.get("targets")) == (True, "aurora-2", [A2])
    assert not told(stack(), reply.answer)
    assert [finding["code"] for finding in reply.answer["findings"]] == ["stale-ip-dict-entry"], reply.text
