"""The alarms: which there are, when each fires, and whom it tells."""

import re
from dataclasses import dataclass

import pytest

from template.choices import CHOICES
from template.cloudformation import TEMPLATE, Stack
from template.monitoring import NAMESPACE, alarms, metrics, seconds


@dataclass
class Alarm:
    """What an alarm watches, and what makes it fire. The defaults: one such thing, and no data is no fault."""

    namespace: str
    metric: str
    dimensions: tuple[str, ...] = ()
    statistic: str = "Sum"
    comparison: str = "GreaterThanOrEqualToThreshold"
    threshold: int = 1
    missing: str = "notBreaching"


WAITING = "ApproximateNumberOfMessagesVisible"
ALARMS = {
    "FunctionFails": Alarm("AWS/Lambda", "Errors", ("FailoverFunction",)),
    "FunctionThrottled": Alarm("AWS/Lambda", "Throttles", ("FailoverFunction",)),
    "EventsFailed": Alarm("AWS/SQS", WAITING, ("FailedRuns.QueueName",), statistic="Maximum"),
    "FailedEventsAreLost": Alarm("AWS/Lambda", "DestinationDeliveryFailures", ("FailoverFunction",)),
    "EventsUndelivered": Alarm("AWS/SQS", WAITING, ("UndeliveredEvents.QueueName",), statistic="Maximum"),
    "ScheduleIsSilent": Alarm(NAMESPACE, "ScheduledRuns", comparison="LessThanThreshold", missing="breaching"),
    "TargetWasNotTheWriter": Alarm(NAMESPACE, "Drift"),
    "AnAddressIsStale": Alarm(NAMESPACE, "StaleAddresses"),
    "WriterStaysInDoubt": Alarm(NAMESPACE, "InDoubt", statistic="Minimum"),
    "NothingIsWritten": Alarm(NAMESPACE, "DryRuns"),
}


def test_there_are_no_other_alarms(stack):
    assert alarms(stack).keys() == ALARMS.keys()


@pytest.mark.parametrize(("name", "expected"), ALARMS.items(), ids=ALARMS)
def test_an_alarm_fires_when_it_should(stack, name, expected):
    alarm = alarms(stack)[name]
    dimensions = tuple(dimension["Value"] for dimension in alarm.get("Dimensions", []))
    fields = ("Statistic", "ComparisonOperator", "Threshold", "TreatMissingData")
    assert Alarm(alarm["Namespace"], alarm["MetricName"], dimensions, *(alarm[field] for field in fields)) == expected


def test_an_alarm_on_a_metric_of_the_log_has_a_filter_that_feeds_it(stack):
    assert {alarm.metric for alarm in ALARMS.values() if alarm.namespace == NAMESPACE} <= metrics(stack)


@pytest.mark.parametrize("choice", ["the stack's own topic", "alerts"])
@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_topic_when_it_begins_and_when_it_ends(name, choice):
    stack = Stack(**CHOICES.get(choice, {}))
    topic = stack.parameters["AlertTopicArn"] or stack.ref("AlertTopic")
    assert alarms(stack)[name]["AlarmActions"] == alarms(stack)[name]["OKActions"] == [topic]


def test_one_throttle_is_no_alarm(stack):
    alarm = alarms(stack)["FunctionThrottled"]
    assert int(alarm["EvaluationPeriods"]) > 1, "it would fire in an ordinary failover"
    assert seconds(alarm) >= 900, "it would fire in an ordinary failover"


# In seconds.
RATES = {f"{n} minutes": 60 * n for n in (2, 5, 10, 99)} | {f"{n} hours": 3600 * n for n in (2, 9, 10, 24)}
RATES |= {"1 minute": 60, "1 hour": 3600}


@pytest.mark.parametrize(("rate", "period"), RATES.items(), ids=RATES)
def test_a_silent_schedule_fires_after_three_missed_runs(rate, period):
    alarm = alarms(Stack(ScheduleRate=f"rate({rate})"))["ScheduleIsSilent"]
    assert seconds(alarm) == 3 * period
    # And later by what CloudWatch waits for data that may still come.
    assert f"three times rate({rate}) and the minutes that CloudWatch waits" in alarm["AlarmDescription"]
    assert int(alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])) == int(alarm["EvaluationPeriods"])
    # CloudWatch's own limits: a day, and seven days for periods of an hour or more.
    assert seconds(alarm) <= (604_800 if int(alarm["Period"]) >= 3600 else 86_400), "CloudWatch refuses that"


@pytest.mark.parametrize("name", ["AnAddressIsStale", "NothingIsWritten"])
@pytest.mark.parametrize(("rate", "period"), RATES.items(), ids=RATES)
def test_an_alarm_stays_on_for_as_long_as_every_run_finds_the_same(name, rate, period):
    alarm = alarms(Stack(ScheduleRate=f"rate({rate})"))[name]
    assert seconds(alarm) >= period
    assert alarm["DatapointsToAlarm"] == 1


@pytest.mark.parametrize("rate", RATES)
def test_the_schedule_accepts_a_rate_that_its_alarm_can_follow(rate):
    assert re.search(TEMPLATE["Parameters"]["ScheduleRate"]["AllowedPattern"], f"rate({rate})")


@pytest.mark.parametrize("rate", ["1 minutes", "2 minute", "0 minutes", "100 minutes", "25 hours", "1 day", "5 seconds"])
def test_the_schedule_refuses_any_other_rate(rate):
    assert not re.search(TEMPLATE["Parameters"]["ScheduleRate"]["AllowedPattern"], f"rate({rate})")
