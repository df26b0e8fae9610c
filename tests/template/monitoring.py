"""The metrics that count log lines, and the alarms."""

NAMESPACE = "aurora-nlb-failover/stack"


def metrics(stack):
    """Each metric that is made of the log: its filter pattern and its transformation, by its name."""
    found = {}
    for name, properties in stack.of_type("AWS::Logs::MetricFilter").items():
        assert properties["LogGroupName"] == "FailoverLogGroup", f"{name} reads another log"
        (made,) = properties["MetricTransformations"]
        assert made["MetricNamespace"] == NAMESPACE, f"{name} has a namespace that two stacks would share"
        found[made["MetricName"]] = (properties["FilterPattern"], made)
    return found


def alarms(stack):
    return stack.of_type("AWS::CloudWatch::Alarm")


def seconds(alarm):
    """How far back an alarm looks."""
    return int(alarm["Period"]) * int(alarm["EvaluationPeriods"])
