"""Which events come through: the filter policy of SNS as MiniStack judges it, the rule of EventBridge as moto does."""

import json
import re
from typing import Any

import pytest
from ministack.services.sns import _matches_filter_policy
from moto.events.models import EventPattern

from support.events import messages
from support.project import EVENTS, event
from template.stacks import stack

FAILOVERS = {f"RDS-EVENT-00{number}" for number in range(69, 74)}
EVERY_ID = [f"RDS-EVENT-{number:04}" for number in range(1, 1000)]
MESSAGES = {f"{name}[{number}]": text for name in EVENTS for number, text in enumerate(messages(event(name)))}
FROM_EVENTBRIDGE = {name: event(name) for name in EVENTS if "detail-type" in event(name)}
STARTED = event("eventbridge-started")


def delivers(message: str) -> bool:
    """Whether SNS delivers a message to the function."""
    subscription = stack()["FailoverSubscription"]
    attributes = {
        "FilterPolicy": json.dumps(subscription["FilterPolicy"]),
        "FilterPolicyScope": subscription["FilterPolicyScope"],
    }
    return _matches_filter_policy({"attributes": attributes}, {}, message)


def triggers(payload: Any) -> bool:
    """Whether an event on the bus triggers the rule."""
    return EventPattern(None, stack("EventBridge")["FailoverRule"]["EventPattern"]).matches_event(payload)


def failover_of(text: str) -> bool:
    found = re.search(r'"Event ID":\s*"[^"]*#(RDS-EVENT-\d{4})\s*"', text) or re.search(r'"EventID":\s*"(RDS-EVENT-\d{4})"', text)
    return found is not None and found[1] in FAILOVERS


def test_events_has_samples_of_all_kinds():
    delivered = {name for name, text in MESSAGES.items() if failover_of(text)}
    assert len(delivered) >= 10
    assert {"other-event[0]", "subscription-notice[0]"} <= MESSAGES.keys() - delivered
    assert {"eventbridge-started", "eventbridge-scheduled"} <= FROM_EVENTBRIDGE.keys()


@pytest.mark.parametrize("name", MESSAGES)
def test_the_filter_delivers_the_failovers_of_events_alone(name):
    assert delivers(MESSAGES[name]) == failover_of(MESSAGES[name])


@pytest.mark.parametrize("tail", ["", " "])
def test_the_filter_knows_the_five_failover_ids_and_no_other(tail):
    page = "http://example.com/page.html#{}" + tail
    assert {number for number in EVERY_ID if delivers(json.dumps({"Event ID": page.format(number)}))} == FAILOVERS


@pytest.mark.parametrize("name", FROM_EVENTBRIDGE)
def test_the_filter_delivers_eventbridges_failovers_that_somebody_sends_through_a_topic(name):
    found = FROM_EVENTBRIDGE[name]
    assert delivers(json.dumps(found)) == (found["source"] == "aws.rds" and found["detail"].get("EventID") in FAILOVERS)


def test_the_filter_knows_five_failover_ids_of_eventbridge_and_no_other():
    assert {number for number in EVERY_ID if delivers(json.dumps({"detail": {"EventID": number}}))} == FAILOVERS


def test_sns_accepts_the_filter():
    # Its complexity is the sum over the branches of $or: the values of a list times its depth. SNS takes 150.
    texts, nested = stack()["FailoverSubscription"]["FilterPolicy"]["$or"]
    assert len(texts["Event ID"]) + 2 * len(nested["detail"]["EventID"]) <= 150


@pytest.mark.parametrize("name", FROM_EVENTBRIDGE)
def test_the_rule_is_triggered_by_the_failovers_of_events_alone(name):
    found = FROM_EVENTBRIDGE[name]
    assert triggers(found) == (found["source"] == "aws.rds" and found["detail"].get("EventID") in FAILOVERS)


def test_the_rule_knows_the_five_failover_ids_and_no_other():
    assert {number for number in EVERY_ID if triggers(STARTED | {"detail": STARTED["detail"] | {"EventID": number}})} == FAILOVERS


@pytest.mark.parametrize(
    ("detail", "triggered"),
    [
        ({"SourceArn": "arn:aws:rds:eu-west-1:123456789012:cluster:another"}, False),
        ({"SourceArn": "arn:aws:rds:eu-west-1:210987654321:cluster:aurora-prod"}, False),
        ({"SourceIdentifier": "aurora-prod"}, True),
        ({"SourceIdentifier": "rds:aurora-prod"}, True),  # as a sample of AWS's has it
    ],
)
def test_the_rule_takes_the_one_cluster_however_it_is_called(detail, triggered):
    assert triggers(STARTED | {"detail": STARTED["detail"] | detail}) == triggered


def test_rds_sends_the_failovers_of_the_one_cluster_once_it_may_publish():
    subscription = stack()["FailoverEvents"]
    found = [subscription[key] for key in ("SourceType", "EventCategories", "SourceIds", "SnsTopicArn")]
    assert found == ["db-cluster", ["failover"], ["aurora-prod"], stack().ref("FailoverTopic")]
    # A reference is what makes CloudFormation wait; RDS refuses a topic that does not let it publish.
    assert '{"Ref": "FailoverTopicPolicy"}' in json.dumps(stack().template["Resources"]["FailoverEvents"])


@pytest.mark.parametrize("choice", [[], ["topic"], ["EventBridge"], ["both", "topic"]], ids=" ".join)
def test_an_event_that_is_not_handled_goes_to_a_queue(choice):
    made = stack(*choice)
    invoke = made.only("AWS::Lambda::EventInvokeConfig")
    assert invoke["DestinationConfig"]["OnFailure"] == {"Destination": "FailedRuns.Arn"}
    if "FailoverSubscription" in made:
        assert made["FailoverSubscription"]["RedrivePolicy"] == {"deadLetterTargetArn": "UndeliveredEvents.Arn"}
    if "FailoverRule" in made:
        (target,) = made["FailoverRule"]["Targets"]
        assert (target["Arn"], target["DeadLetterConfig"]) == ("FailoverFunction.Arn", {"Arn": "UndeliveredEvents.Arn"})
