"""Which events the filter policy of SNS and the rule of EventBridge let through, as moto's own matchers judge them."""

import json
import re

import pytest
from moto.events.models import EventPattern
from moto.sns.utils import FilterPolicyMatcher

from support.project import EVENTS, event

FAILOVER_IDS = {f"RDS-EVENT-00{number}" for number in range(69, 74)}
EVERY_ID = [f"RDS-EVENT-{number:04}" for number in range(1, 1000)]


def messages():
    """Each SNS message in events/, by its file and number."""
    for name in EVENTS:
        for number, record in enumerate(event(name).get("Records", [])):
            yield f"{name}[{number}]", record.get("Sns", {}).get("Message", "")


def is_failover(message):
    found = re.search(r'"Event ID":\s*"[^"]*#(RDS-EVENT-\d{4})\s*"', message)
    return found is not None and found[1] in FAILOVER_IDS


MESSAGES = dict(messages())
FAILOVERS = [name for name, message in MESSAGES.items() if is_failover(message)]
OTHERS = MESSAGES.keys() - FAILOVERS
FROM_EVENTBRIDGE = [name for name in EVENTS if "source" in event(name)]


@pytest.fixture
def delivers(stack):
    """Whether SNS delivers a message to the function."""
    subscription = stack.properties("FailoverSubscription")
    return lambda message: FilterPolicyMatcher(subscription["FilterPolicy"], subscription["FilterPolicyScope"]).matches(
        {}, message
    )


@pytest.fixture
def triggers(eventbridge):
    """Whether an event triggers the rule."""
    return EventPattern(None, eventbridge.properties("FailoverRule")["EventPattern"]).matches_event


def test_events_has_samples_of_both_kinds():
    assert len(FAILOVERS) >= 10, f"failover messages are missing from events/: only {FAILOVERS}"
    assert {"other-event[0]", "subscription-notice[0]"} <= OTHERS, f"samples are missing: only {OTHERS}"
    from_rds = {name for name in FROM_EVENTBRIDGE if event(name)["source"] == "aws.rds"}
    assert 0 < len(from_rds) < len(FROM_EVENTBRIDGE) >= 4, f"samples are missing: only {FROM_EVENTBRIDGE}"


def test_the_filter_looks_at_the_body_of_the_message(stack):
    assert stack.properties("FailoverSubscription")["FilterPolicyScope"] == "MessageBody"


@pytest.mark.parametrize("name", FAILOVERS)
def test_the_filter_delivers_every_failover_of_events(delivers, name):
    assert delivers(MESSAGES[name])


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_the_filter_drops_everything_else_of_events(delivers, name):
    assert not delivers(MESSAGES[name])


@pytest.mark.parametrize("tail", ["", " "])
def test_the_filter_knows_the_five_failover_ids_and_no_other(delivers, tail):
    form = "http://example.com/page.html#{}" + tail
    assert {number for number in EVERY_ID if delivers(json.dumps({"Event ID": form.format(number)}))} == FAILOVER_IDS


@pytest.mark.parametrize("name", FROM_EVENTBRIDGE)
def test_the_rule_is_triggered_by_the_failovers_of_events_alone(triggers, name):
    assert triggers(event(name)) == (event(name)["source"] == "aws.rds")


def test_the_rule_knows_the_five_failover_ids_and_no_other(triggers):
    started = event("eventbridge-started")
    with_id = {number: started | {"detail": started["detail"] | {"EventID": number}} for number in EVERY_ID}
    assert {number for number in EVERY_ID if triggers(with_id[number])} == FAILOVER_IDS


@pytest.mark.parametrize(
    "arn", ["arn:aws:rds:eu-west-1:123456789012:cluster:another", "arn:aws:rds:eu-west-1:123456789012:cluster:rds"]
)
def test_the_rule_ignores_other_clusters(triggers, arn):
    started = event("eventbridge-started")
    assert not triggers(started | {"detail": started["detail"] | {"SourceArn": arn}})


# A sample of AWS's has it with a prefix, a capture without.
@pytest.mark.parametrize("identifier", ["aurora-prod", "rds:aurora-prod"])
def test_the_rule_takes_the_cluster_however_it_is_called(triggers, identifier):
    started = event("eventbridge-started")
    assert triggers(started | {"detail": started["detail"] | {"SourceIdentifier": identifier}})


def test_rds_sends_the_failovers_of_the_one_cluster(stack):
    subscription = stack.only("AWS::RDS::EventSubscription")
    found = [subscription[key] for key in ("SourceType", "EventCategories", "SourceIds", "SnsTopicArn")]
    assert found == ["db-cluster", ["failover"], ["aurora-prod"], stack.ref("FailoverTopic")]


def test_the_subscription_of_rds_waits_for_the_policy_of_the_topic(stack):
    # A reference is what makes CloudFormation wait; RDS refuses a topic that does not let it publish.
    assert '{"Ref": "FailoverTopicPolicy"}' in json.dumps(stack.template["Resources"]["FailoverEvents"])
