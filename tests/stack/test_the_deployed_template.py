"""template.yaml and the zip in MiniStack: topic, filter, function, role, target group."""

import time

import pytest

from stack.expect import A1, A2, ADDRESSES, STALE
from support.events import fresh, messages
from support.project import EVENTS, event
from support.servers import wait_until

# What the template's filter policy must drop, of the messages in events/.
DROPPED = {"other-event", "subscription-notice", "not-rds-json"}


def test_all_is_made_that_ministack_knows(deployment):
    assert deployment.left_out == ["AWS::RDS::EventSubscription"]


def test_the_first_scheduled_run_registers_the_writer(deployed):
    # MiniStack's scheduler waits for a whole interval first, so this is its run by hand, with its own payload.
    deployed.reset([], "aurora-1")
    answer = deployed.invoke(event("scheduler-scheduled"))
    assert (answer.get("outcome"), answer.get("registered")) == ("switched", [A1]), answer
    assert deployed.targets() == [A1]


def test_a_published_started_event_moves_the_target(deployed):
    (message,) = messages(fresh("started-cross-az"))
    deployed.publish(message)
    wait_until("the target to move", lambda: deployed.targets() == [A2], 20)


def test_a_published_completed_event_is_held_against_rds(deployed):
    deployed.reset([A2], "aurora-2")
    runs, seen = deployed.runs(), len(deployed.log())
    (message,) = messages(fresh("completed"))
    deployed.publish(message)
    deployed.wait_for_runs(runs + 1)
    (decision,) = [line for line in deployed.log()[seen:] if "decision" in line and "RDS-EVENT-0071" in line]
    assert "unchanged" in decision
    assert "event+rds" in decision
    assert deployed.targets() == [A2]


@pytest.fixture
def published(deployed):
    """The runs of the function before and after every message of events/ is published; those come first that the filter must
    drop: a later run would count them if they got through."""
    deployed.reset([A2], "aurora-2")
    before = runs = deployed.runs()
    for name in sorted(EVENTS, key=lambda name: name not in DROPPED):
        for message in messages(event(name)):
            deployed.publish(message)
            if name not in DROPPED:
                runs += 1
                deployed.wait_for_runs(runs)
    time.sleep(1)
    return deployed.runs() - before, runs - before


def test_a_message_that_the_filter_drops_does_not_reach_the_function(published, deployed):
    ran, wanted = published
    assert ran == wanted
    assert deployed.targets() == [A2], "all of them are late, and RDS says aurora-2"


def test_check_works_with_the_role_of_the_template(deployed):
    answer = deployed.invoke(event("check"))
    assert (answer.get("outcome"), answer.get("in_sync"), answer.get("writer")) == ("checked", True, "aurora-1"), answer
    # MiniStack gives every instance the endpoint 127.0.0.1, so that each entry of IP_DICT is stale: rightly said.
    assert [finding["code"] for finding in answer["findings"]] == [STALE] * len(ADDRESSES)


@pytest.fixture
def misconfigured(deployed):
    """With the ARN of another group in its environment."""
    deployed.configure(TARGET_GROUP_ARN=deployed.other_group)
    yield deployed
    deployed.configure(TARGET_GROUP_ARN=deployed.group)


def test_the_role_writes_to_the_one_target_group_only(misconfigured):
    # Also shows that MiniStack holds the function to its role.
    answer = misconfigured.invoke(event("reconcile"))
    assert answer.get("errorType") == "AwsCallFailed", answer
    assert "RegisterTargets failed: AccessDenied" in answer["errorMessage"]
    assert misconfigured.targets(misconfigured.other_group) == []
