"""The dashboard: every metric, the hosts of the group, the queues, and the last decisions."""

import json
import re

import pytest

from template.choices import CHOICES
from template.cloudformation import Stack
from template.log import LINES
from template.monitoring import NAMESPACE, metrics


def text(stack):
    return stack.only("AWS::CloudWatch::Dashboard")["DashboardBody"]


def widgets(stack):
    return [widget["properties"] for widget in json.loads(text(stack))["widgets"]]


def rows(stack):
    return [row for widget in widgets(stack) for row in widget.get("metrics", [])]


def test_it_shows_every_metric_of_the_log_and_no_other(stack):
    assert {row[1] for row in rows(stack) if row[0] == NAMESPACE} == metrics(stack)


@pytest.mark.parametrize(
    "name",
    [
        "Errors",
        "Throttles",
        "Duration",
        "DestinationDeliveryFailures",
        "FailoverFunction",
        "FailedRuns.QueueName",
        "UndeliveredEvents.QueueName",
    ],
)
def test_it_shows_how_the_function_and_its_queues_fare(stack, name):
    assert f'"{name}"' in text(stack)


@pytest.mark.parametrize("metric", ["HealthyHostCount", "UnHealthyHostCount"])
@pytest.mark.parametrize("balancer", ["stack", "own_balancer"])
def test_it_shows_the_hosts_of_the_group(balancer, metric, request):
    stack = request.getfixturevalue(balancer)
    group = stack.environment()["TARGET_GROUP_ARN"].rsplit(":", 1)[1]
    searches = [row[0]["expression"] for row in rows(stack) if isinstance(row[0], dict)]
    assert any(f'MetricName="{metric}" TargetGroup="{group}"' in search for search in searches)


@pytest.fixture(scope="module")
def query(stack):
    (found,) = [widget["query"] for widget in widgets(stack) if "query" in widget]
    return found


def test_its_query_reads_fields_that_the_log_has(query):
    assert "SOURCE 'FailoverLogGroup'" in query
    fields = re.search(r"fields @timestamp, ([\w, ]+) \|", query)
    assert fields, query
    assert set(fields[1].split(", ")) <= set().union(*(line for line, _ in LINES.values()))


def test_its_query_shows_a_configuration_that_the_function_refuses(query):
    line, _ = LINES["a bad configuration"]
    choices = re.findall(r"(\w+) = '(\w+)'", query.split("filter ")[1])
    assert any(line.get(field) == value for field, value in choices)
    assert "errorType" in query


def test_there_is_none_if_it_is_not_wanted():
    assert not Stack(**CHOICES["no dashboard"]).of_type("AWS::CloudWatch::Dashboard")
