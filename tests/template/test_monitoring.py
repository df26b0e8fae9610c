"""Metric filters, alarms and dashboard: each log line feeds its own metrics, and each alarm fires when it should."""

import json
import re

import pytest

from template.cloudformation import GIVEN_GROUP, Stack, accepts
from template.log import FIELDS, LINES, counted, metrics
from template.stacks import CHOICES, of_each_kind, stack

ALARM, NAMESPACE = "AWS::CloudWatch::Alarm", "aurora-nlb-failover/stack"
EVERY_METRIC = set().union(*(feeds for _, feeds in LINES.values()))


@pytest.mark.parametrize(("line", "feeds"), LINES.values(), ids=LINES)
def test_a_log_line_feeds_its_own_metrics_and_no_other(line, feeds):
    assert metrics(stack(), line) == feeds
    # Without doubt a scheduled run counts 0, so that the minimum over a period is 1 only if every run was in doubt.
    assert ("InDoubt" in counted(stack(), line)) == (line.get("cause") == "schedule")


def test_every_metric_reads_the_one_log_and_has_a_sample_line():
    filters = stack().of_type("AWS::Logs::MetricFilter").values()
    assert {filter["LogGroupName"] for filter in filters} == {"FailoverLogGroup"}
    made = [metric for filter in filters for metric in filter["MetricTransformations"]]
    assert {metric["MetricNamespace"] for metric in made} == {NAMESPACE}, "two stacks would count into one metric"
    values = {(metric["MetricName"], metric["MetricValue"]) for metric in made}
    assert values == {(name, "$.event_age_ms" if name == "EventAge" else "1") for name in EVERY_METRIC} | {("InDoubt", "0")}


def test_for_an_instance_one_period_is_longer_and_else_only_what_names_the_database_differs():
    cluster, instance = stack("cluster"), stack("instance")
    assert cluster.resources.keys() == instance.resources.keys()
    assert {name for name in cluster.resources if cluster[name] != instance[name]} == {
        "FailoverFunction", "FailoverFunctionReconcile", "ExecutionRole", "FailoverEvents", "FailoverSubscription",
        "SwitchNotice", "ScheduleIsSilent",
    }  # fmt: skip
    assert cluster["ScheduleIsSilent"] | {"Period": 240} == instance["ScheduleIsSilent"]


def test_the_log_holds_what_the_metrics_count():
    logging = stack()["FailoverFunction"]["LoggingConfig"]
    assert (logging["LogFormat"], logging["LogGroup"], logging["ApplicationLogLevel"]) == ("JSON", "FailoverLogGroup", "INFO")


WAITING = "ApproximateNumberOfMessagesVisible"
AT_LEAST_ONE, NONE = ("GreaterThanOrEqualToThreshold", 1, "notBreaching"), ("LessThanThreshold", 1, "breaching")
# Namespace, metric and statistic that an alarm watches, what makes it fire, and the metric's dimension if it has one.
ALARMS = {
    "FunctionFails": ("AWS/Lambda", "Errors", "Sum", *AT_LEAST_ONE, "FailoverFunction"),
    "FunctionThrottled": ("AWS/Lambda", "Throttles", "Sum", *AT_LEAST_ONE, "FailoverFunction"),
    "EventsFailed": ("AWS/SQS", WAITING, "Maximum", *AT_LEAST_ONE, "FailedRuns.QueueName"),
    "FailedEventsAreLost": ("AWS/Lambda", "DestinationDeliveryFailures", "Sum", *AT_LEAST_ONE, "FailoverFunction"),
    "EventsUndelivered": ("AWS/SQS", WAITING, "Maximum", *AT_LEAST_ONE, "UndeliveredEvents.QueueName"),
    "ScheduleIsSilent": (NAMESPACE, "ScheduledRuns", "Sum", *NONE),
    "TargetWasNotTheWriter": (NAMESPACE, "Drift", "Sum", *AT_LEAST_ONE),
    "ScheduledRunFindsAnError": (NAMESPACE, "ErrorFindings", "Sum", *AT_LEAST_ONE),
    "AnAddressIsStale": (NAMESPACE, "StaleAddresses", "Sum", *AT_LEAST_ONE),
    "WriterStaysInDoubt": (NAMESPACE, "InDoubt", "Minimum", *AT_LEAST_ONE),
    "NothingIsWritten": (NAMESPACE, "DryRuns", "Sum", *AT_LEAST_ONE),
}
FIRES = ("Namespace", "MetricName", "Statistic", "ComparisonOperator", "Threshold", "TreatMissingData")


def fires(alarm: dict) -> tuple:
    return (*(alarm[key] for key in FIRES), *(dimension["Value"] for dimension in alarm.get("Dimensions", [])))


def test_each_alarm_fires_when_it_should():
    assert {name: fires(alarm) for name, alarm in stack().of_type(ALARM).items()} == ALARMS
    assert {metric for namespace, metric, *_ in ALARMS.values() if namespace == NAMESPACE} <= EVERY_METRIC


@pytest.mark.parametrize("choice", [[], ["alerts"]], ids=["the stack's own topic", "a given topic"])
def test_every_alarm_tells_the_topic_when_it_begins_and_when_it_ends(choice):
    made = stack(*choice)
    topic = made.parameters["AlertTopicArn"] or "AlertTopic"
    assert {tuple(alarm["AlarmActions"] + alarm["OKActions"]) for alarm in made.of_type(ALARM).values()} == {(topic, topic)}


def seconds(alarm: dict) -> int:
    """How far back an alarm looks."""
    return int(alarm["Period"]) * int(alarm["EvaluationPeriods"])


@of_each_kind
def test_throttles_during_a_failover_are_no_alarm(kind):
    alarm, timeout = stack(kind)["FunctionThrottled"], stack(kind)["FailoverFunction"]["Timeout"]
    # So many periods at most see a throttle while a run holds the one reserved slot until its timeout; the alarm wants more.
    assert int(alarm["EvaluationPeriods"]) > timeout // int(alarm["Period"]) + 2
    assert "DatapointsToAlarm" not in alarm
    assert seconds(alarm) >= 900


RATES = {f"rate({n} minutes)": 60 * n for n in (2, 5, 10, 99)} | {f"rate({n} hours)": 3600 * n for n in (2, 9, 10, 24)}
RATES |= {"rate(1 minute)": 60, "rate(1 hour)": 3600}


@of_each_kind
@pytest.mark.parametrize(("rate", "period"), RATES.items(), ids=RATES)
def test_alarms_on_scheduled_runs_follow_the_rate(rate, period, kind):
    assert accepts("ScheduleRate", rate)
    made = Stack(ScheduleRate=rate, **CHOICES[kind])
    silent, timeout = made["ScheduleIsSilent"], made["FailoverFunction"]["Timeout"]
    assert seconds(silent) == (4 if kind == "instance" and "minute" in rate else 3) * period, "it fires after so many missed runs"
    # The last decision comes at most a period before such a run begins, the next one at most a period after it ends.
    assert seconds(silent) >= timeout + 2 * period, "it stays silent while a run for an event holds the one reserved slot"
    assert "DatapointsToAlarm" not in silent
    for name in ("AnAddressIsStale", "ScheduledRunFindsAnError", "NothingIsWritten"):
        assert seconds(made[name]) >= period, "it stays on for as long as every run finds the same"
        assert made[name]["DatapointsToAlarm"] == 1
    # CloudWatch's own limits: a day, and seven days for periods of an hour or more.
    assert all(seconds(alarm) <= (604_800 if int(alarm["Period"]) >= 3600 else 86_400) for alarm in made.of_type(ALARM).values())


@pytest.mark.parametrize("rate", ["1 minutes", "2 minute", "0 minutes", "100 minutes", "25 hours", "1 day", "5 seconds"])
def test_the_schedule_refuses_a_rate_that_its_alarms_cannot_follow(rate):
    assert not accepts("ScheduleRate", f"rate({rate})")


def widgets() -> list[dict]:
    return [widget["properties"] for widget in json.loads(stack()["FailoverDashboard"]["DashboardBody"])["widgets"]]


def test_the_dashboard_shows_every_metric_of_the_log_and_those_of_the_one_group():
    rows = [row for widget in widgets() for row in widget.get("metrics", [])]
    assert {row[1] for row in rows if row[0] == NAMESPACE} == EVERY_METRIC
    searches = " ".join(row[0]["expression"] for row in rows if isinstance(row[0], dict))
    assert searches.count(f'TargetGroup="{GIVEN_GROUP.rsplit(":", 1)[1]}"') == 2


def test_the_dashboards_query_reads_fields_that_the_log_has():
    (query,) = [widget["query"] for widget in widgets() if "query" in widget]
    shape = r"SOURCE 'FailoverLogGroup' \| fields @timestamp, ([\w, ]+) \| filter (.*) \| sort"
    ((fields, choices),) = re.findall(shape, query)
    assert set(fields.split(", ")) <= FIELDS
    refused, _ = LINES["a bad configuration"]
    assert any(refused.get(field) == value for field, value in re.findall(r"(\w+) = '(\w+)'", choices))


def test_there_is_no_dashboard_if_it_is_not_wanted():
    assert "FailoverDashboard" not in stack("no dashboard").resources
