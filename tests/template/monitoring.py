"""The metrics that count log lines, and the alarms."""

from dataclasses import dataclass

from template.log import matches

NAMESPACE = "aurora-nlb-failover/stack"


@dataclass
class Filter:
    """What a metric filter makes of a line of the log."""

    pattern: str
    metric: str
    value: str
    """A number, or the field that has it."""


def filters(stack):
    found = []
    for name, properties in stack.of_type("AWS::Logs::MetricFilter").items():
        assert properties["LogGroupName"] == "FailoverLogGroup", f"{name} reads another log"
        (made,) = properties["MetricTransformations"]
        assert made["MetricNamespace"] == NAMESPACE, f"{name} has a namespace that two stacks would share"
        found.append(Filter(properties["FilterPattern"], made["MetricName"], made["MetricValue"]))
    return found


def metrics(stack):
    """The metrics that are made of the log."""
    return {filter.metric for filter in filters(stack)}


def fed(stack, line):
    """What each metric gets of a line of the log."""
    matching = [filter for filter in filters(stack) if matches(filter.pattern, line)]
    values = {filter.metric: filter.value for filter in matching}
    assert len(values) == len(matching), f"two filters count the line into one metric: {matching}"
    return values


def counted(stack, line):
    """The metrics that a line of the log counts into; a 0 counts nothing."""
    return {metric for metric, value in fed(stack, line).items() if value != "0"}


def alarms(stack):
    return stack.of_type("AWS::CloudWatch::Alarm")


def seconds(alarm):
    """How far back an alarm looks."""
    return int(alarm["Period"]) * int(alarm["EvaluationPeriods"])
