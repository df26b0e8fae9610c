"""Where failed events go, and what is kept for how long."""

import pytest

from template.choices import CHOICES
from template.cloudformation import Stack, default


@pytest.mark.parametrize("choice", ["no key", "key"])
def test_every_queue_is_encrypted_and_keeps_what_it_has_for_14_days(choice):
    stack = Stack(**CHOICES.get(choice, {}))
    assert stack.of_type("AWS::SQS::Queue").keys() == {"FailedRuns", "UndeliveredEvents"}
    key = stack.parameters["KmsKeyArn"]
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        found = {field: queue[field] for field in ("KmsMasterKeyId", "SqsManagedSseEnabled") if field in queue}
        assert found == ({"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True}), name
        assert queue["MessageRetentionPeriod"] == 14 * 86_400, f"{name} forgets too soon"


@pytest.mark.parametrize("choice", ["the stack's own topic", "topic", "EventBridge"])
def test_events_that_lambda_gives_up_on_go_to_a_queue(choice):
    invoke = Stack(**CHOICES.get(choice, {})).only("AWS::Lambda::EventInvokeConfig")
    assert invoke["DestinationConfig"] == {"OnFailure": {"Destination": "FailedRuns.Arn"}}


@pytest.mark.parametrize("choice", ["the stack's own topic", "topic"])
def test_events_that_sns_cannot_deliver_go_to_a_queue(choice):
    subscription = Stack(**CHOICES.get(choice, {})).properties("FailoverSubscription")
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": "UndeliveredEvents.Arn"}


def test_events_that_eventbridge_cannot_deliver_go_to_a_queue(eventbridge):
    (target,) = eventbridge.properties("FailoverRule")["Targets"]
    assert target["Arn"] == "FailoverFunction.Arn"
    assert target["DeadLetterConfig"] == {"Arn": "UndeliveredEvents.Arn"}


def test_the_log_holds_what_the_metrics_count(stack):
    logging = stack.properties("FailoverFunction")["LoggingConfig"]
    assert (logging["LogFormat"], logging["LogGroup"]) == ("JSON", "FailoverLogGroup")
    assert logging["ApplicationLogLevel"] in ("TRACE", "DEBUG", "INFO"), "the line of a decision is of level INFO"


def test_the_log_has_a_name_that_no_other_function_has(stack):
    assert "LogGroupName" not in stack.properties("FailoverLogGroup")
    assert stack.outputs["LogGroupName"] == "FailoverLogGroup"


@pytest.mark.parametrize("days", [default("LogRetentionDays"), "7"])
def test_the_log_is_kept_for_as_long_as_the_parameter_says(days):
    assert Stack(LogRetentionDays=days).only("AWS::Logs::LogGroup")["RetentionInDays"] == days
