"""Which events come through: the filter policy of SNS as MiniStack judges it, the rule of EventBridge as moto does."""

import json
import re
from typing import Any

import pytest
from ministack.services.sns import _matches_filter_policy
from moto.events.models import EventPattern

from support.events import messages
from support.project import EVENTS, event
from template.cloudformation import Stack
from template.stacks import stack

FAILOVERS = {
    "cluster": {f"RDS-EVENT-00{number}" for number in range(69, 74)},
    "instance": {f"RDS-EVENT-00{number}" for number in (13, 15, 49, 50, 51, 65)},
}
EVERY_ID = [f"RDS-EVENT-{number:04}" for number in range(1, 1000)]
MESSAGES = {f"{name}[{number}]": text for name in EVENTS for number, text in enumerate(messages(event(name)))}
FROM_EVENTBRIDGE = {name: event(name) for name in EVENTS if "detail-type" in event(name)}
SAMPLE = {"cluster": event("eventbridge-started"), "instance": event("eventbridge-instance-completed")}

of_each_kind = pytest.mark.parametrize("kind", FAILOVERS)


def follows(kind: str, *choices: str) -> Stack:
    """A stack that follows a database of this kind."""
    return stack(*choices, *{"cluster": (), "instance": ("instance",)}[kind])


def delivers(kind: str, message: str) -> bool:
    """Whether SNS delivers a message to the function."""
    subscription = follows(kind)["FailoverSubscription"]
    attributes = {
        "FilterPolicy": json.dumps(subscription["FilterPolicy"]),
        "FilterPolicyScope": subscription["FilterPolicyScope"],
    }
    return _matches_filter_policy({"attributes": attributes}, {}, message)


def triggers(kind: str, payload: Any) -> bool:
    """Whether an event on the bus triggers the rule."""
    return EventPattern(None, follows(kind, "EventBridge")["FailoverRule"]["EventPattern"]).matches_event(payload)


def failover_of(kind: str, text: str) -> bool:
    found = re.search(r'"Event ID":\s*"[^"]*#(RDS-EVENT-\d{4})\s*"', text) or re.search(r'"EventID":\s*"(RDS-EVENT-\d{4})"', text)
    return found is not None and found[1] in FAILOVERS[kind]


def failover_on_the_bus(kind: str, payload: Any) -> bool:
    return payload["source"] == "aws.rds" and payload["detail"].get("EventID") in FAILOVERS[kind]


def test_events_has_samples_of_all_kinds():
    delivered = {kind: {name for name, text in MESSAGES.items() if failover_of(kind, text)} for kind in FAILOVERS}
    assert len(delivered["cluster"]) >= 10
    assert delivered["instance"] == {"instance-started[0]", "instance-completed[0]"}
    assert {"other-event[0]", "subscription-notice[0]"} <= MESSAGES.keys() - delivered["cluster"] - delivered["instance"]
    assert {"eventbridge-started", "eventbridge-instance-completed", "eventbridge-scheduled"} <= FROM_EVENTBRIDGE.keys()


@of_each_kind
@pytest.mark.parametrize("name", MESSAGES)
def test_the_filter_delivers_the_failovers_of_events_alone(kind, name):
    assert delivers(kind, MESSAGES[name]) == failover_of(kind, MESSAGES[name])


@of_each_kind
@pytest.mark.parametrize("tail", ["", " "])
def test_the_filter_knows_the_failover_ids_and_no_other(kind, tail):
    page = "http://example.com/page.html#{}" + tail
    assert {number for number in EVERY_ID if delivers(kind, json.dumps({"Event ID": page.format(number)}))} == FAILOVERS[kind]


@of_each_kind
@pytest.mark.parametrize("name", FROM_EVENTBRIDGE)
def test_the_filter_delivers_eventbridges_failovers_that_somebody_sends_through_a_topic(kind, name):
    found = FROM_EVENTBRIDGE[name]
    assert delivers(kind, json.dumps(found)) == failover_on_the_bus(kind, found)


@of_each_kind
def test_the_filter_knows_the_failover_ids_of_eventbridge_and_no_other(kind):
    delivered = {number for number in EVERY_ID if delivers(kind, json.dumps({"detail": {"EventID": number}}))}
    assert delivered == FAILOVERS[kind]


@of_each_kind
def test_sns_accepts_the_filter(kind):
    # Its complexity is the sum over the branches of $or: the values of a list times its depth. SNS takes 150.
    texts, nested = follows(kind)["FailoverSubscription"]["FilterPolicy"]["$or"]
    assert len(texts["Event ID"]) + 2 * len(nested["detail"]["EventID"]) <= 150


@of_each_kind
@pytest.mark.parametrize("name", FROM_EVENTBRIDGE)
def test_the_rule_is_triggered_by_the_failovers_of_events_alone(kind, name):
    found = FROM_EVENTBRIDGE[name]
    assert triggers(kind, found) == failover_on_the_bus(kind, found)


@of_each_kind
def test_the_rule_knows_the_failover_ids_and_no_other(kind):
    numbered = {number: SAMPLE[kind] | {"detail": SAMPLE[kind]["detail"] | {"EventID": number}} for number in EVERY_ID}
    assert {number for number, payload in numbered.items() if triggers(kind, payload)} == FAILOVERS[kind]


HERE = "arn:aws:rds:eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("kind", "detail", "triggered"),
    [
        ("cluster", {"SourceArn": f"{HERE}:cluster:another"}, False),
        ("cluster", {"SourceArn": "arn:aws:rds:eu-west-1:210987654321:cluster:aurora-prod"}, False),
        ("cluster", {"SourceArn": f"{HERE}:db:aurora-prod"}, False),
        ("cluster", {"SourceIdentifier": "aurora-prod"}, True),
        ("cluster", {"SourceIdentifier": "rds:aurora-prod"}, True),  # as a sample of AWS's has it
        ("instance", {"SourceArn": f"{HERE}:db:another"}, False),
        ("instance", {"SourceArn": "arn:aws:rds:eu-west-1:210987654321:db:orders"}, False),
        ("instance", {"SourceArn": f"{HERE}:cluster:orders"}, False),
        ("instance", {"SourceIdentifier": "orders"}, True),
    ],
)
def test_the_rule_takes_the_one_database_however_it_is_called(kind, detail, triggered):
    assert triggers(kind, SAMPLE[kind] | {"detail": SAMPLE[kind]["detail"] | detail}) == triggered


@pytest.mark.parametrize(("kind", "other"), [("cluster", "instance"), ("instance", "cluster")])
def test_the_rule_takes_events_of_its_kind_of_database_alone(kind, other):
    assert not triggers(kind, SAMPLE[kind] | {"detail-type": SAMPLE[other]["detail-type"]})


@pytest.mark.parametrize(
    ("kind", "source_type", "source"), [("cluster", "db-cluster", "aurora-prod"), ("instance", "db-instance", "orders")]
)
def test_rds_sends_the_failovers_of_the_one_database_once_it_may_publish(kind, source_type, source):
    subscription = follows(kind)["FailoverEvents"]
    found = [subscription[key] for key in ("SourceType", "EventCategories", "SourceIds", "SnsTopicArn")]
    assert found == [source_type, ["failover"], [source], stack().ref("FailoverTopic")]
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
