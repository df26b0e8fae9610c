"""Each switch is told to a person, once, and nothing else is."""

import json

import pytest
from moto.events.models import EventPattern

from support.runbook import blocks
from template.log import BASE, LINES
from template.notices import record, told
from template.stacks import stack

HOOKS = "## Do something after a switch"

# The fields of an answer are those of the line of its decision.
ANSWERS = {
    name: {key: value for key, value in line.items() if key not in BASE.keys() | {"message"}}
    for name, (line, _) in LINES.items()
    if line.get("message") == "decision"
}
TOLD = {
    "an event that switches", "one from before our clock", "one of unknown age", "an event in a dry run",
    "a scheduled run that repairs", "reconcile by hand",
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_a_switch_is_told_and_a_scheduled_dry_run_is_not(name):
    assert bool(told(stack(), ANSWERS[name])) == (name in TOLD)


def test_a_switch_of_another_function_is_not_told():
    assert not told(stack(), ANSWERS["an event that switches"], "arn:aws:lambda:eu-west-1:123456789012:function:another")


def test_the_message_says_what_happened_and_why_and_where_to_look():
    assert told(stack(), ANSWERS["an event that switches"]).splitlines() == [
        '"Database aurora-prod, switched: writer aurora-2, target 10.0.2.22:3306, at 2026-03-14T03:12:09Z."',
        '"(switched: the target group now holds this target alone. planned: a dry run, nothing was changed.)"',
        '"Why: RDS-EVENT-0073, evidence event. Age of the event in ms (blank without an event): 1840"',
        '"Left the group: [10.0.1.11:3306]. Joined it: [10.0.2.22:3306]."',
        '"What to look at now: RUNBOOK.md, SwitchNotice. Stack stack in eu-west-1, request 8476a536."',
    ]


def test_the_message_names_a_followed_instance_and_has_no_age_of_a_scheduled_run():
    message = told(stack("instance"), ANSWERS["a scheduled run that repairs"]).splitlines()
    assert message[0].startswith('"Database orders, switched: ')
    assert message[2] == '"Why: schedule, evidence event. Age of the event in ms (blank without an event): "'


@pytest.mark.parametrize("choice", [[], ["alerts"]], ids=["the stack's own topic", "a given topic"])
def test_the_message_goes_to_the_topic_of_the_alarms_and_if_that_fails_to_a_queue(choice):
    (target,) = stack(*choice)["SwitchNotice"]["Targets"]
    assert target["Arn"] == (stack(*choice).parameters["AlertTopicArn"] or "AlertTopic")
    assert target["DeadLetterConfig"] == {"Arn": "UndeliveredEvents.Arn"}


@pytest.mark.parametrize("choice", [[], ["silent"], ["role"]], ids=" ".join)
def test_every_answer_goes_to_the_default_bus_also_where_nobody_is_told(choice):
    destinations = stack(*choice)["FailoverFunctionEventInvokeConfig"]["DestinationConfig"]
    assert destinations["OnSuccess"] == {"Destination": "arn:aws:events:eu-west-1:123456789012:event-bus/default"}
    assert ("SwitchNotice" in stack(*choice).resources) == (choice != ["silent"])


@pytest.mark.parametrize("name", ANSWERS)
def test_the_runbooks_pattern_for_hooks_matches_the_switches_of_one_function(name):
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:ours"
    pattern = EventPattern(None, json.loads(blocks(HOOKS, "json")[0].replace("FUNCTION_ARN", arn)))
    assert pattern.matches_event(record(arn, ANSWERS[name])) == (ANSWERS[name]["outcome"] == "switched")
    assert not pattern.matches_event(record(f"{arn}-2", ANSWERS[name]))


def test_the_runbooks_state_machine_names_its_states():
    machine = json.loads(blocks(HOOKS, "json")[1])
    steps = [step for state in machine["States"].values() for step in (state, *state.get("Catch", []))]
    assert {machine["StartAt"], *(step["Next"] for step in steps if "Next" in step)} == machine["States"].keys()
