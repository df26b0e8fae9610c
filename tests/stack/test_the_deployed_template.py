"""template.yaml and the zip in MiniStack: topic, filter, function, role, target group."""

import json
import time

from support.aws import A1, A2, ADDRESSES
from support.events import fresh
from support.project import event
from support.servers import wait_until
from template.log import metrics
from template.stacks import stack


def test_the_first_scheduled_run_registers_the_writer(deployed):
    # MiniStack's scheduler waits for a whole interval first, so this is its run by hand, with its own payload.
    deployed.reset([], "aurora-1")
    answer = deployed.invoke(event("scheduler-scheduled"))
    assert (answer.get("outcome"), answer.get("registered")) == ("switched", [A1]), answer
    assert deployed.targets() == [A1]


def test_a_published_started_event_moves_the_target(deployed):
    deployed.publish(fresh("started-cross-az"))
    wait_until("the target to move", lambda: deployed.targets() == [A2], 20)


def test_a_published_completed_event_is_held_against_rds(deployed):
    deployed.reset([A2], "aurora-2")
    deployed.publish(fresh("completed"))
    (decision,) = wait_until("the decision", lambda: deployed.decisions("RDS-EVENT-0071"), 20)
    assert "unchanged" in decision
    assert "event+rds" in decision
    assert deployed.targets() == [A2]


def test_a_message_that_the_filter_drops_does_not_reach_the_function(deployed):
    runs = deployed.runs()
    for name in ("other-event", "subscription-notice", "late"):
        deployed.publish(event(name))
    wait_until("a run", lambda: deployed.runs() > runs, 20)
    time.sleep(1)
    assert deployed.runs() == runs + 1, "only the last of them is a failover"


def test_check_works_with_the_role_of_the_template(deployed):
    answer = deployed.invoke(event("check"))
    assert (answer.get("outcome"), answer.get("in_sync"), answer.get("writer")) == ("checked", True, "aurora-1"), answer
    # MiniStack gives every instance the endpoint 127.0.0.1, so that each entry of IP_DICT is stale: rightly said.
    assert [finding["code"] for finding in answer["findings"]] == ["stale-ip-dict-entry"] * len(ADDRESSES)


def test_a_switch_is_told_in_words_and_a_run_without_one_is_not(deployed):
    mailed = deployed.mailed()
    deployed.send_as_lambda_does(deployed.invoke(event("scheduler-scheduled")))
    deployed.send_as_lambda_does(deployed.invoke(fresh("started-cross-az")))
    (message,) = wait_until("the message", mailed, 20)
    assert f"Database aurora-prod, switched: writer aurora-2, target {A2}" in message
    assert f"Left the group: [{A1}]. Joined it: [{A2}]." in message


def test_a_dry_run_is_counted_by_the_metrics(deployed):
    deployed.reset([A2], "aurora-1")
    seen = len(deployed.log())
    # MiniStack does not tell the function that the log is in JSON.
    with deployed.configured(DRY_RUN="true", AWS_LAMBDA_LOG_FORMAT="JSON"):
        deployed.invoke(event("scheduler-scheduled"))
    lines = [json.loads(line) for line in deployed.log()[seen:] if line.startswith("{")]
    assert {"ScheduledRuns", "Drift", "DryRuns"} <= set().union(*(metrics(stack(), line) for line in lines))


def test_the_role_writes_to_the_one_target_group_only(deployed):
    # Also shows that MiniStack holds the function to its role.
    with deployed.configured(TARGET_GROUP_ARN=deployed.other_group):
        answer = deployed.invoke(event("reconcile"))
    assert answer.get("errorType") == "AwsCallFailed", answer
    assert "RegisterTargets failed: AccessDenied" in answer["errorMessage"]
    assert deployed.targets(deployed.other_group) == []
