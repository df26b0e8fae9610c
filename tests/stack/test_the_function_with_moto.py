"""cargo-lambda runs the function against moto, with every file of events/."""

import pytest

from stack.cases import DROP_IN, FRESH, STALE_MAP, VERIFYING
from stack.expect import A1, A2, STALE, checked, ignored, switched, unchanged
from support.aws import ATTRIBUTES, set_attributes
from support.events import fresh
from support.project import EVENTS
from template.cloudformation import Stack
from template.monitoring import counted

STACK = Stack()


def assert_comes_of(expect, moto, function, payload):
    moto.prepare(expect)
    reply = function.invoke(payload)
    calls, after = moto.calls(), moto.targets()
    assert reply.error == expect.error, reply.text
    assert {key: plain(key, reply.answer.get(key)) for key in expect.answer} == {
        key: plain(key, value) for key, value in expect.answer.items()
    }
    assert expect.says in (reply.text if reply.error else reply.answer.get("reason", reply.text))
    assert after == sorted(expect.before if expect.after is None else expect.after)
    assert [call for call in calls if not call.startswith("Describe")] == expect.writes()
    assert expect.rds in (None, any("DB" in call for call in calls)), f"whether RDS is asked: {calls}"
    assert not expect.logs or expect.logs in [line.get("finding") for line in reply.lines()], reply.log
    assert set().union(*(counted(STACK, line) for line in reply.lines())) == expect.counts(reply.answer), reply.log
    least, most = expect.seconds
    assert least <= reply.seconds <= most


def plain(key, value):
    """A list in no particular order; of a finding, the code tells enough."""
    if not isinstance(value, list):
        return value
    return sorted(entry["code"] if key == "findings" and isinstance(entry, dict) else entry for entry in value)


@pytest.mark.parametrize("cases", [DROP_IN, VERIFYING], ids=["without a cluster", "with a cluster"])
def test_every_file_of_events_has_a_case(cases):
    assert cases.keys() == EVENTS.keys()


@pytest.mark.parametrize(("name", "expect"), DROP_IN.items(), ids=DROP_IN)
def test_without_a_cluster_a_claim_is_acted_on_whatever_its_age(moto, drop_in, name, expect):
    assert_comes_of(expect, moto, drop_in, EVENTS[name])


def test_without_a_cluster_the_same_event_again_changes_nothing(moto, drop_in):
    event = fresh("started-cross-az")
    assert_comes_of(switched("RDS-EVENT-0073", "aurora-2"), moto, drop_in, event)
    assert_comes_of(unchanged("RDS-EVENT-0073", "aurora-2", "event"), moto, drop_in, event)


def test_without_a_cluster_an_event_older_than_one_acted_on_is_ignored(moto, drop_in):
    assert_comes_of(switched("RDS-EVENT-0073", "aurora-2"), moto, drop_in, fresh("started-cross-az"))
    assert_comes_of(ignored("came late"), moto, drop_in, EVENTS["promoting-previous-primary"])


@pytest.mark.parametrize(("name", "expect"), VERIFYING.items(), ids=VERIFYING)
def test_with_a_cluster_rds_decides_on_late_events(moto, verifying, name, expect):
    assert_comes_of(expect, moto, verifying, EVENTS[name])


@pytest.mark.parametrize(("name", "expect"), FRESH, ids=[name for name, _ in FRESH])
def test_with_a_cluster_a_fresh_event_is_believed_as_far_as_it_may_be(moto, verifying, name, expect):
    assert_comes_of(expect, moto, verifying, fresh(name))


@pytest.mark.parametrize(("name", "expect"), STALE_MAP.items(), ids=STALE_MAP)
def test_a_stale_address_in_the_map_is_told_and_changes_nothing(moto, stale, name, expect):
    assert_comes_of(expect, moto, stale, EVENTS[name])


@pytest.fixture
def slow_group(moto):
    """The target group with an attribute that spoils a failover."""
    set_attributes(moto.elb, moto.group, **{"deregistration_delay.timeout_seconds": "300"})
    yield
    set_attributes(moto.elb, moto.group, **ATTRIBUTES)


def test_check_finds_a_stale_address_and_a_slow_group_and_a_stray_target(moto, stale, slow_group):
    assert_comes_of(checked(STALE, "attribute", "targets", before=(A1, A2)), moto, stale, EVENTS["check"])


def test_check_finds_a_group_that_no_balancer_uses(unused):
    reply = unused.invoke(EVENTS["check"])
    # The group is empty as well: moto does not tell a target that is unused from one that is not.
    assert [finding["code"] for finding in reply.answer["findings"]] == ["target-unused", "targets"], reply.text
