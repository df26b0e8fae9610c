"""template.yaml and the zip in MiniStack, for one DB instance: topic, filter, function, role, target group."""

import pytest

from support.aws import A1, PORT, set_targets
from support.events import fresh
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


def test_a_published_started_event_moves_the_target_to_the_address_of_the_endpoint(following):
    following.publish(fresh("instance-started"))
    (decision,) = wait_until("the decision", lambda: following.decisions("RDS-EVENT-0013"), 20)
    assert "event+dns" in decision
    assert following.targets() == [ENDPOINT]


def test_an_event_of_a_cluster_does_not_reach_the_function_and_one_of_the_instance_does(following):
    following.publish(fresh("started-cross-az"))
    following.publish(fresh("instance-completed"))
    wait_until("the decision", lambda: following.decisions("RDS-EVENT-0049"), 20)
    assert not following.decisions("RDS-EVENT-0073")


def test_check_works_with_the_role_that_may_read_the_one_instance_alone(following):
    set_targets(following.elb, following.group, [ENDPOINT])
    answer = following.invoke(event("check"))
    found = [answer.get(key) for key in ("outcome", "in_sync", "writer", "targets", "findings")]
    assert found == ["checked", True, "orders", [ENDPOINT], []], answer
