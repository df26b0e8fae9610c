"""Which events come through: the filter policy of SNS as MiniStack judges it, the rule of EventBridge as moto does."""

import json
import re

import pytest
from ministack.services.sns import _matches_filter_policy
from moto.events.models import EventPattern

from support.events import messages
from support.project import EVENTS, event
from template.stacks import of_each_kind, stack

FAILOVERS = {
    "cluster": {f"RDS-EVENT-00{number}" for number in range(69, 74)},
    "instance": {f"RDS-EVENT-00{number}" for number in (13, 15, 49, 50, 51, 65)},
}
EVERY_ID = [f"RDS-EVENT-{number:04}" for number in range(1, 1000)]
FROM_EVENTBRIDGE = {name: event(name) for name in EVENTS if "detail-type" in event(name)}
# What a topic may carry: RDS's own messages, and EventBridge's events that somebody sends through it.
MESSAGES = {f"{name}[{number}]": text for name in EVENTS for number, text in enumerate(messages(event(name)))}
MESSAGES |= {name: json.dumps(payload) for name, payload in FROM_EVENTBRIDGE.items()}
SAMPLE = {"cluster": event("eventbridge-started"), "instance": event("eventbridge-instance-completed")}


def delivers(kind, message):
    """Whether SNS delivers a message to the function."""
    subscription = stack(kind)["FailoverSubscription"]
    policy = {"FilterPolicy": json.dumps(subscription["FilterPolicy"]), "FilterPolicyScope": subscription["FilterPolicyScope"]}
    return _matches_filter_policy({"attributes": policy}, {}, message)


def triggers(kind, payload):
    """Whether an event on the bus triggers the rule."""
    return EventPattern(None, stack(kind, "EventBridge")["FailoverRule"]["EventPattern"]).matches_event(payload)


def is_failover(kind, text):
    found = re.search(r'"Event ?ID":\s*"(?:[^"]*#)?(RDS-EVENT-\d{4})\s*"', text)
    return found is not None and found[1] in FAILOVERS[kind]


def test_events_has_samples_of_all_kinds():
    cluster, instance = ({name for name, text in MESSAGES.items() if is_failover(kind, text)} for kind in FAILOVERS)
    assert len(cluster) >= 10
    assert instance == {"instance-started[0]", "instance-completed[0]", "eventbridge-instance-completed"}
    others = {"other-event[0]", "subscription-notice[0]", "eventbridge-scheduled"}
    assert others <= MESSAGES.keys() - cluster - instance
    assert "eventbridge-started" in cluster


@of_each_kind
@pytest.mark.parametrize("name", MESSAGES)
def test_the_filter_delivers_the_failovers_of_events_alone(kind, name):
    assert delivers(kind, MESSAGES[name]) == is_failover(kind, MESSAGES[name])


IN_A_URL = "http://example.com/page.html#%s"


@of_each_kind
@pytest.mark.parametrize(
    "message",
    [f'{{"Event ID": "{IN_A_URL}"}}', f'{{"Event ID": "{IN_A_URL} "}}', '{"detail": {"EventID": "%s"}}'],
    ids=["RDS", "RDS, with a space at the end", "EventBridge"],
)
def test_the_filter_knows_the_failover_ids_and_no_other(kind, message):
    assert {number for number in EVERY_ID if delivers(kind, message % number)} == FAILOVERS[kind]


@of_each_kind
def test_sns_accepts_the_filter(kind):
    # Its complexity is the sum over the branches of $or: the values of a list times its depth. SNS takes 150.
    texts, nested = stack(kind)["FailoverSubscription"]["FilterPolicy"]["$or"]
    assert len(texts["Event ID"]) + 2 * len(nested["detail"]["EventID"]) <= 150


@of_each_kind
@pytest.mark.parametrize("name", FROM_EVENTBRIDGE)
def test_the_rule_is_triggered_by_the_failovers_of_events_alone(kind, name):
    assert triggers(kind, FROM_EVENTBRIDGE[name]) == is_failover(kind, MESSAGES[name])


def sample(kind, **detail):
    """An event that triggers the rule, with another detail."""
    return SAMPLE[kind] | {"detail": SAMPLE[kind]["detail"] | detail}


@of_each_kind
def test_the_rule_knows_the_failover_ids_and_no_other(kind):
    assert {number for number in EVERY_ID if triggers(kind, sample(kind, EventID=number))} == FAILOVERS[kind]


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("cluster", "rds:eu-west-1:123456789012:cluster:another"),
        ("cluster", "rds:eu-west-1:210987654321:cluster:aurora-prod"),
        ("cluster", "rds:eu-west-1:123456789012:db:aurora-prod"),
        ("instance", "rds:eu-west-1:123456789012:db:another"),
        ("instance", "rds:eu-west-1:210987654321:db:orders"),
        ("instance", "rds:eu-west-1:123456789012:cluster:orders"),
    ],
)
def test_the_rule_takes_no_other_database(kind, source):
    assert not triggers(kind, sample(kind, SourceArn=f"arn:aws:{source}"))


# The second as a sample of AWS's has it.
@pytest.mark.parametrize(("kind", "name"), [("cluster", "aurora-prod"), ("cluster", "rds:aurora-prod"), ("instance", "orders")])
def test_the_rule_takes_the_one_database_however_it_is_called(kind, name):
    assert triggers(kind, sample(kind, SourceIdentifier=name))


@pytest.mark.parametrize(("kind", "other"), [("cluster", "instance"), ("instance", "cluster")])
def test_the_rule_takes_events_of_its_kind_of_database_alone(kind, other):
    assert not triggers(kind, SAMPLE[kind] | {"detail-type": SAMPLE[other]["detail-type"]})


@pytest.mark.parametrize(("kind", "source"), [("cluster", "aurora-prod"), ("instance", "orders")])
def test_rds_sends_the_failovers_of_the_one_database_once_it_may_publish(kind, source):
    subscription = stack(kind)["FailoverEvents"]
    found = [subscription[key] for key in ("SourceType", "EventCategories", "SourceIds", "SnsTopicArn")]
    assert found == [f"db-{kind}", ["failover"], [source], "FailoverTopic"]
    # A reference is what makes CloudFormation wait; RDS refuses a topic that does not let it publish.
    assert '{"Ref": "FailoverTopicPolicy"}' in json.dumps(stack().template["Resources"]["FailoverEvents"])


def test_an_event_that_is_not_handled_goes_to_a_queue():
    made = stack("both")
    destinations = made["FailoverFunctionEventInvokeConfig"]["DestinationConfig"]
    assert destinations["OnFailure"] == {"Destination": "FailedRuns.Arn"}
    assert made["FailoverSubscription"]["RedrivePolicy"] == {"deadLetterTargetArn": "UndeliveredEvents.Arn"}
    (target,) = made["FailoverRule"]["Targets"]
    assert (target["Arn"], target["DeadLetterConfig"]) == ("FailoverFunction.Arn", {"Arn": "UndeliveredEvents.Arn"})
