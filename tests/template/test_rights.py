"""Who may do what: the roles, and the policies of topics, queues and the function."""

import json
import re

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from support.project import source
from template.choices import CHOICES
from template.cloudformation import Stack, as_list

# The IAM action of each SDK call. A call that is not here fails the test: decide first what the role must allow.
ACTIONS = {
    "register_targets": "elasticloadbalancing:RegisterTargets",
    "deregister_targets": "elasticloadbalancing:DeregisterTargets",
    "describe_target_health": "elasticloadbalancing:DescribeTargetHealth",
    "describe_target_groups": "elasticloadbalancing:DescribeTargetGroups",
    "describe_target_group_attributes": "elasticloadbalancing:DescribeTargetGroupAttributes",
    "describe_db_clusters": "rds:DescribeDBClusters",
    "describe_db_instances": "rds:DescribeDBInstances",
}
# What Lambda itself does with the function's role: its log, and the queue of what failed.
OF_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
OF_A_KEY = {"kms:Decrypt", "kms:GenerateDataKey"}
# What AWS's own policy for functions in a VPC allows, as moto has it, without the log.
AWS_POLICY = json.loads(aws_managed_policies_data)["AWSLambdaVPCAccessExecutionRole"]["Document"]
IN_A_VPC = {action for action in AWS_POLICY["Statement"][0]["Action"] if action.startswith("ec2:")}
READS = ("Describe", "Get", "List")


def calls():
    verbs = "add|create|delete|(?:de)?register|describe|failover|modify|reboot|remove|set|start|stop"
    return set(re.findall(rf"\.\s*((?:{verbs})_[a-z_]+)\(\)", source("aws")))


def allowed(stack):
    """Action → resource, of the function's role."""
    allows = [s for s in stack.statements("ExecutionRole") if s["Effect"] == "Allow"]
    return {action: s["Resource"] for s in allows for action in as_list(s["Action"])}


def test_every_call_of_the_source_has_a_known_action():
    assert calls() == ACTIONS.keys()


@pytest.mark.parametrize(
    ("parameters", "more"),
    [({}, set()), (CHOICES["key"], OF_A_KEY), (CHOICES["VPC"], IN_A_VPC)],
    ids=["plain", "with a key", "in a VPC"],
)
def test_the_role_allows_what_the_source_calls_and_nothing_more(parameters, more):
    stack = Stack(**parameters)
    assert allowed(stack).keys() == {ACTIONS[call] for call in calls()} | OF_LAMBDA | more
    assert stack.properties("FailoverFunction")["Role"] == "ExecutionRole.Arn"


def test_the_schedules_role_may_invoke_the_one_function_and_nothing_more(stack):
    (statement,) = stack.statements("SchedulerRole")
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", "FailoverFunction.Arn")
    assert stack.only("AWS::Scheduler::Schedule")["Target"]["RoleArn"] == "SchedulerRole.Arn"


def test_no_role_has_a_managed_policy_or_writes_on_every_resource(stack):
    assert stack.of_type("AWS::IAM::Role").keys() == {"ExecutionRole", "SchedulerRole"}
    for name, role in stack.of_type("AWS::IAM::Role").items():
        assert not role.get("ManagedPolicyArns"), f"{name} has a managed policy"
        for s in stack.statements(name):
            writes = [action for action in as_list(s["Action"]) if not action.split(":")[1].startswith(READS)]
            assert not writes or "*" not in as_list(s["Resource"]), f"{name}: {writes} on *"


def test_only_lambda_itself_may_use_the_rights_on_network_interfaces(in_a_vpc):
    (deny,) = [s for s in in_a_vpc.statements("ExecutionRole") if s["Effect"] == "Deny"]
    assert (deny["Action"], deny["Resource"]) == ("ec2:*", "*")
    # A key of requests that the code of a function makes, and of no others.
    assert deny["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:*"}}


@pytest.mark.parametrize("balancer", ["stack", "own_balancer"])
def test_each_right_is_as_narrow_as_iam_allows(balancer, request):
    stack = request.getfixturevalue(balancer)
    resources, group = allowed(stack), stack.environment()["TARGET_GROUP_ARN"]
    assert {resources[f"elasticloadbalancing:{verb}Targets"] for verb in ("Register", "Deregister")} == {group}
    assert resources["rds:DescribeDBClusters"] == "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod"
    assert resources["rds:DescribeDBInstances"] == "arn:aws:rds:eu-west-1:123456789012:db:*"
    assert resources["sqs:SendMessage"] == "FailedRuns.Arn"
    assert {resources[action] for action in OF_LAMBDA if action.startswith("logs:")} == {"FailoverLogGroup.Arn"}


def test_only_rds_of_this_account_may_publish_to_the_failover_topic(stack):
    (s,) = as_list(stack.properties("FailoverTopicPolicy")["PolicyDocument"]["Statement"])
    assert (s["Principal"], s["Action"]) == ({"Service": "events.rds.amazonaws.com"}, "sns:Publish")
    assert s["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert s["Condition"]["ArnLike"]["aws:SourceArn"] == "arn:aws:rds:eu-west-1:123456789012:*"


def test_only_alarms_of_this_account_may_publish_to_the_alert_topic(stack):
    (s,) = stack.properties("AlertTopicPolicy")["PolicyDocument"]["Statement"]
    assert (s["Principal"], s["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert s["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    assert s["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":123456789012:alarm:*")


TOPIC = ("sns.amazonaws.com", "arn:aws:sns:eu-west-1:123456789012:FailoverTopic")
GIVEN_TOPIC = ("sns.amazonaws.com", CHOICES["topic"]["FailoverTopicArn"])
RULE = ("events.amazonaws.com", "FailoverRule.Arn")
# The services that hand events over, each with the one resource that it may do it for.
SOURCES = {
    "the stack's own topic": ({}, {TOPIC}),
    "a given topic": (CHOICES["topic"], {GIVEN_TOPIC}),
    "EventBridge": (CHOICES["EventBridge"], {RULE}),
    "both": (CHOICES["both"], {TOPIC, RULE}),
    "both with a given topic": (CHOICES["both"] | CHOICES["topic"], {GIVEN_TOPIC, RULE}),
}


@pytest.mark.parametrize(("parameters", "sources"), SOURCES.values(), ids=SOURCES)
def test_only_the_sources_of_events_may_invoke_the_function(parameters, sources):
    permissions = Stack(**parameters).of_type("AWS::Lambda::Permission").values()
    assert {(permission["Principal"], permission["SourceArn"]) for permission in permissions} == sources


@pytest.mark.parametrize(("parameters", "sources"), SOURCES.values(), ids=SOURCES)
def test_only_the_sources_of_events_may_fill_the_queue_of_what_they_could_not_deliver(parameters, sources):
    policy = Stack(**parameters).only("AWS::SQS::QueuePolicy")
    statements = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == ["UndeliveredEvents"]
    assert {(s["Principal"]["Service"], s["Condition"]["ArnEquals"]["aws:SourceArn"]) for s in statements} == sources
    assert {(s["Effect"], s["Action"], s["Resource"]) for s in statements} == {
        ("Allow", "sqs:SendMessage", "UndeliveredEvents.Arn")
    }
