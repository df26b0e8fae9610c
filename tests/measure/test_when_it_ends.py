"""When a measurement is over, what speaks against starting one, and what it says of one that went wrong."""

import pytest

from measure.example import COMPLETED, DECIDED, FLIPPED, NEW, OLD, REQUEST, RIGHT, endpoint, line, record, seen
from measure.settled import unsettled
from measure.subject import impossible, refusals
from measure.timeline import faults

SETTLED = seen("cluster", 12, status="available", writers=["aurora-2"])
BOTH, OLD_ALONE = seen("targets", 4, targets={OLD: "unhealthy", NEW: "initial"}), seen("targets", 4, targets={OLD: "unhealthy"})
STEADY = (endpoint(10, "aurora-2", True), endpoint(39.9, "aurora-2", True), endpoint(40, "aurora-2", True))


@pytest.mark.parametrize(
    ("observations", "waiting"),
    [
        pytest.param([], "neither an event of its end nor another writer", id="nothing"),
        pytest.param([{**SETTLED, "writers": ["aurora-1"]}, RIGHT], "neither an event of its end", id="not-carried-out"),
        pytest.param([FLIPPED, RIGHT, *STEADY], "status failing-over, writer aurora-2", id="failing-over"),
        pytest.param([COMPLETED, {**SETTLED, "writers": ["aurora-1", "aurora-2"]}], "writer unsettled", id="two-writers"),
        pytest.param([SETTLED, BOTH], "it holds 10.0.1.11:3306, ", id="two-targets"),
        pytest.param([SETTLED, OLD_ALONE, *STEADY], "hold aurora-2 alone", id="old-target"),
        pytest.param([SETTLED, seen("targets", 4, targets={OLD: "draining"})], "it holds nothing", id="empty-group"),
        pytest.param([SETTLED, RIGHT], "answer from aurora-2 for 30 s", id="no-endpoint"),
        pytest.param([SETTLED, RIGHT, *STEADY, endpoint(20, "aurora-1", False)], "0 s so far", id="met-the-old-one-since"),
        pytest.param([SETTLED, RIGHT, *STEADY, endpoint(20, "aurora-1", True)], "0 s so far", id="as-an-old-writer-too"),
        pytest.param([SETTLED, RIGHT, *STEADY, endpoint(20, "aurora-2", False)], "0 s so far", id="does-not-write-yet"),
        pytest.param([SETTLED, RIGHT, *STEADY, seen("endpoint", 20, error="refused")], "0 s so far", id="refused-since"),
        pytest.param([SETTLED, RIGHT, *STEADY], "", id="done"),
        pytest.param([{**SETTLED, "error": "throttled"}, SETTLED, RIGHT, *STEADY], "", id="done-after-an-error"),
    ],
)
def test_it_waits_until_all_three_have_settled(observations, waiting):
    said = unsettled(record(REQUEST, *observations), 40, 30)
    assert waiting in said if waiting else not said


def test_without_the_endpoint_it_ends_with_the_aws_side():
    alone = record(REQUEST, SETTLED, RIGHT)
    alone.missing = "the consumer's side"
    assert not unsettled(alone, 40, 30)


def test_servers_that_have_but_numbers_are_told_apart_by_the_one_before():
    numbered = record(REQUEST, SETTLED, RIGHT, endpoint(5, "11", True), endpoint(10, "12", True))
    numbered.before["server"] = "11"
    assert not unsettled(numbered, 40, 30)


def at_the_limit(*observations):
    late = record(REQUEST, *observations)
    late.ended = "the limit of 60 s"
    return late


def test_a_function_that_fails_is_told_of_by_its_own_words():
    failed = line(4, level="ERROR", message="AwsCallFailed: RegisterTargets failed: AccessDenied")
    told = faults(at_the_limit(SETTLED, OLD_ALONE, failed))
    assert told == [
        "it did not come right (the limit of 60 s): still waiting for the group to hold aurora-2 alone: it holds 10.0.1.11:3306",
        "the function failed: AwsCallFailed: RegisterTargets failed: AccessDenied",
        "the target group never held aurora-2 alone",
    ]


def test_a_function_that_no_event_reached_is_told_of():
    told = faults(at_the_limit(SETTLED, OLD_ALONE))
    assert "did the event reach it?" in told[1]


def test_an_endpoint_that_does_not_come_back_is_no_fault_of_the_function():
    (told,) = faults(at_the_limit(SETTLED, DECIDED, RIGHT, seen("endpoint", 50, error="refused")))
    assert "still waiting for the endpoint" in told


HEALTHY = {"status": "available", "members": ["aurora-1", "aurora-2"], "writers": ["aurora-1"]}


def found(level, code):
    return {"findings": [{"level": level, "code": code, "message": "…"}]}


@pytest.mark.parametrize(
    ("answer", "cluster", "reason"),
    [
        (found("error", "attribute"), {}, "check finds an error: attribute"),
        (found("warning", "dry-run"), {}, "the function is in dry run"),
        ({"findings": [], "dry_run": True}, {}, "the function is in dry run"),
        ({"findings": []}, {"status": "failing-over"}, "status is failing-over, expected available"),
        ({"findings": []}, {"members": ["aurora-1"]}, "the cluster has 1 member"),
    ],
)
def test_what_speaks_against_a_failover(answer, cluster, reason):
    (said,) = refusals(answer, HEALTHY | cluster)
    assert reason in said


def test_a_warning_does_not_speak_against_it():
    assert refusals(found("warning", "unknown-ip-dict-entry"), HEALTHY) == []


@pytest.mark.parametrize(
    ("to", "reason"), [("aurora-9", "no member"), ("aurora-1", "is the writer already"), ("aurora-2", ""), (None, "")]
)
def test_whom_it_may_fail_over_to(to, reason):
    said = impossible(to, HEALTHY)
    assert reason in said if reason else not said
