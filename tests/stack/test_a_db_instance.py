"""template.yaml and the zip in MiniStack, for one DB instance: topic, filter, function, role, target group."""

import pytest

from support.aws import A1, PORT, set_targets
from support.events import fresh, messages
from support.project import event
from support.servers import wait_until

# MiniStack gives every instance this endpoint, which is not the address that the group holds.
ENDPOINT = f"127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def following(deployment):
    """The stack, with a group that holds another address; prints the function's log at the end."""
    made = deployment.following_an_instance("orders")
    set_targets(made.elb, made.group, [A1])
    yield made
    print("\n".join(made.log()))


def publish(following, name):
    (message,) = messages(fresh(name))
    following.publish(message)


def test_a_published_started_event_moves_the_target_to_the_address_of_the_endpoint(following):
    publish(following, "instance-started")
    wait_until("the target to move", lambda: following.targets() == [ENDPOINT], 20)
    wait_until("the decision", lambda: [line for line in following.log() if "decision" in line], 20)
    (decision,) = [line for line in following.log() if "decision" in line]
    assert "RDS-EVENT-0013" in decision
    assert "event+dns" in decision


def test_an_event_of_a_cluster_does_not_reach_the_function_and_one_of_the_instance_does(following):
    runs = following.runs()
    publish(following, "started-cross-az")
    publish(following, "instance-completed")
    following.wait_for_runs(runs + 1)
    wait_until("the decision", lambda: [line for line in following.log() if "RDS-EVENT-0049" in line], 20)
    assert not [line for line in following.log() if "RDS-EVENT-0073" in line]


def test_check_works_with_the_role_that_may_read_the_one_instance_alone(following):
    set_targets(following.elb, following.group, [ENDPOINT])
    answer = following.invoke(event("check"))
    found = [answer.get(key) for key in ("outcome", "in_sync", "writer", "targets", "findings")]
    assert found == ["checked", True, "orders", [ENDPOINT], []], answer
