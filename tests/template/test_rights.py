"""Who may do what: the roles, the policies of topics, queues and the function, and the policies of RUNBOOK.md to paste."""

import json
import re

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from support.project import source
from support.runbook import policies
from template.cloudformation import GIVEN_GROUP, as_list
from template.stacks import CHOICES, stack

# The IAM action of each SDK call. A call that is not here fails the test: decide first what the role must allow.
ACTIONS = {
    "register_targets": "elasticloadbalancing:RegisterTargets",
    "deregister_targets": "elasticloadbalancing:DeregisterTargets",
    "describe_target_health": "elasticloadbalancing:DescribeTargetHealth",
    "describe_target_groups": "elasticloadbalancing:DescribeTargetGroups",
    "describe_target_group_attributes": "elasticloadbalancing:DescribeTargetGroupAttributes",
    "describe_load_balancer_attributes": "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "describe_db_clusters": "rds:DescribeDBClusters",
    "describe_db_instances": "rds:DescribeDBInstances",
}
# What Lambda itself does with the function's role: its log, the queue of what failed, and the bus of the answers.
OF_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "events:PutEvents"}
# What AWS's own policy for functions in a VPC allows, as moto has it, without the log.
AWS_POLICY = json.loads(aws_managed_policies_data)["AWSLambdaVPCAccessExecutionRole"]["Document"]
IN_A_VPC = {action for action in AWS_POLICY["Statement"][0]["Action"] if action.startswith("ec2:")}
MORE = {"key": {"kms:Decrypt", "kms:GenerateDataKey"}, "VPC": IN_A_VPC}
RDS = "arn:aws:rds:eu-west-1:123456789012"
ON_RDS = {
    "cluster": {"rds:DescribeDBClusters": f"{RDS}:cluster:aurora-prod", "rds:DescribeDBInstances": f"{RDS}:db:*"},
    "instance": {"rds:DescribeDBInstances": f"{RDS}:db:orders"},
}


def calls():
    verbs = "add|create|delete|(?:de)?register|describe|failover|modify|reboot|remove|set|start|stop"
    return set(re.findall(rf"\.\s*((?:{verbs})_[a-z_]+)\(\)", source("aws")))


def allowed(statements):
    """Action → resource."""
    return {action: s["Resource"] for s in statements if s["Effect"] == "Allow" for action in as_list(s["Action"])}


def test_every_call_of_the_source_has_a_known_action():
    assert calls() == ACTIONS.keys()


@pytest.mark.parametrize("choice", [[], ["key"], ["VPC"]], ids=" ".join)
def test_the_role_allows_what_the_source_calls_and_nothing_more(choice):
    made = stack(*choice)
    more = set().union(*(MORE[name] for name in choice))
    assert allowed(made.statements("ExecutionRole")).keys() == {*ACTIONS.values(), *OF_LAMBDA, *more}
    assert made["FailoverFunction"]["Role"] == "ExecutionRole.Arn"


@pytest.mark.parametrize(("choice", "on_rds"), [([], ON_RDS["cluster"]), (["instance"], ON_RDS["instance"])], ids=ON_RDS)
def test_each_right_is_as_narrow_as_iam_allows(choice, on_rds):
    resources = allowed(stack(*choice).statements("ExecutionRole"))
    reads = {action for action in resources if action.startswith("elasticloadbalancing:Describe")}
    assert resources == dict.fromkeys(reads, "*") | on_rds | {
        "elasticloadbalancing:RegisterTargets": GIVEN_GROUP,
        "elasticloadbalancing:DeregisterTargets": GIVEN_GROUP,
        "sqs:SendMessage": "FailedRuns.Arn",
        "events:PutEvents": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
        "logs:CreateLogStream": "FailoverLogGroup.Arn",
        "logs:PutLogEvents": "FailoverLogGroup.Arn",
    }
    assert stack().of_type("AWS::IAM::Role").keys() == {"ExecutionRole", "SchedulerRole"}
    assert allowed(stack().statements("SchedulerRole")) == {"lambda:InvokeFunction": "FailoverFunction.Arn"}
    assert not [role for role in stack().of_type("AWS::IAM::Role").values() if role.get("ManagedPolicyArns")]


def test_only_lambda_itself_may_use_the_rights_on_network_interfaces():
    (deny,) = [s for s in stack("VPC").statements("ExecutionRole") if s["Effect"] == "Deny"]
    assert (deny["Action"], deny["Resource"]) == ("ec2:*", "*")
    # A key of requests that the code of a function makes, and of no others.
    assert deny["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:*"}}


def test_a_given_role_serves_function_and_schedule_and_no_role_is_made():
    made = stack("role")
    assert not made.of_type("AWS::IAM::Role")
    schedule = made.only("AWS::Scheduler::Schedule")
    assert made["FailoverFunction"]["Role"] == schedule["Target"]["RoleArn"] == CHOICES["role"]["RoleArn"]


def test_a_given_boundary_holds_for_every_role():
    roles = stack("boundary").of_type("AWS::IAM::Role").values()
    assert {role["PermissionsBoundary"] for role in roles} == {CHOICES["boundary"]["PermissionsBoundaryArn"]}


@pytest.mark.parametrize(
    ("topic", "service", "source_arn"),
    [
        ("FailoverTopic", "events.rds", "arn:aws:rds:eu-west-1:123456789012:*"),
        ("AlertTopic", "cloudwatch", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*"),
    ],
)
def test_only_one_service_of_this_account_may_publish_to_a_topic(topic, service, source_arn):
    (s,) = stack("silent")[f"{topic}Policy"]["PolicyDocument"]["Statement"]
    assert (s["Principal"], s["Action"], s["Resource"]) == (
        {"Service": f"{service}.amazonaws.com"}, "sns:Publish", stack().ref(topic),
    )  # fmt: skip
    assert s["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": source_arn},
    }


@pytest.mark.parametrize(
    ("policy", "right"),
    [
        ("AlertTopicPolicy", {"Action": "sns:Publish", "Resource": stack().ref("AlertTopic")}),
        ("UndeliveredEventsPolicy", {"Action": "sqs:SendMessage", "Resource": "UndeliveredEvents.Arn"}),
    ],
)
def test_the_rule_of_the_notices_may_publish_to_the_topic_and_fill_the_queue(policy, right):
    statement = stack()[policy]["PolicyDocument"]["Statement"][-1]
    assert statement.items() >= right.items()
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "SwitchNotice.Arn"}}


TOPIC = ("sns.amazonaws.com", "arn:aws:sns:eu-west-1:123456789012:FailoverTopic")
GIVEN_TOPIC = ("sns.amazonaws.com", CHOICES["topic"]["FailoverTopicArn"])
RULE = ("events.amazonaws.com", "FailoverRule.Arn")


@pytest.mark.parametrize(
    ("choice", "sources"),
    [
        ([], {TOPIC}),
        (["topic"], {GIVEN_TOPIC}),
        (["EventBridge"], {RULE}),
        (["both"], {TOPIC, RULE}),
        (["both", "topic"], {GIVEN_TOPIC, RULE}),
    ],
)
def test_only_the_sources_of_events_may_invoke_the_function_and_fill_the_queue_of_the_undelivered(choice, sources):
    made = stack("silent", *choice)
    permissions = made.of_type("AWS::Lambda::Permission").values()
    assert {(permission["Principal"], permission["SourceArn"]) for permission in permissions} == sources
    statements = made["UndeliveredEventsPolicy"]["PolicyDocument"]["Statement"]
    assert {(s["Principal"]["Service"], s["Condition"]["ArnEquals"]["aws:SourceArn"]) for s in statements} == sources
    assert {(s["Action"], s["Resource"]) for s in statements} == {("sqs:SendMessage", "UndeliveredEvents.Arn")}


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
        ("AWS::Lambda::Function", "KmsKeyArn"),
    ],
)
def test_a_given_key_encrypts_all_that_holds_data(kind, field):
    keys = {properties.get(field) for properties in stack("key").of_type(kind).values()}
    assert keys == {CHOICES["key"]["KmsKeyArn"]}
    assert not [name for name, properties in stack().of_type(kind).items() if field in properties]


OF_THE_TOPIC, OWN_ROLE, OF_THE_KEY = policies("## Bring your own", "jsonc", stack="stack")


def test_the_runbooks_role_allows_what_the_stacks_own_roles_do_on_the_names_that_cloudformation_makes():
    of_the_stack = stack().statements("ExecutionRole") + stack().statements("SchedulerRole")
    assert allowed(OWN_ROLE).keys() == allowed(of_the_stack).keys()
    named = {resource.split(":")[-1] for resource in allowed(OWN_ROLE).values() if "stack-" in resource}
    assert named == {"stack-FailoverLogGroup-*", "stack-FailedRuns-*", "stack-FailoverFunction-*"}


def test_the_runbooks_topic_policy_lets_in_what_the_stacks_own_does():
    own, of_this_account = (
        {s["Principal"]["Service"]: s["Condition"] for s in statements}
        for statements in (stack()["AlertTopicPolicy"]["PolicyDocument"]["Statement"], OF_THE_TOPIC)
    )
    alarms, rule = "cloudwatch.amazonaws.com", "events.amazonaws.com"
    assert (of_this_account.keys(), of_this_account[alarms]) == (own.keys(), own[alarms])
    arn = "arn:aws:events:eu-west-1:123456789012:rule/stack-SwitchNotice-*"
    assert of_this_account[rule] == {"ArnLike": {"aws:SourceArn": arn}}


def test_the_runbooks_key_policy_lets_in_every_service_and_asks_for_the_source_where_that_works():
    of_this_account = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    log = "arn:aws:logs:eu-west-1:123456789012:log-group:stack-FailoverLogGroup-*"
    assert {service: s.get("Condition", {}) for s in OF_THE_KEY for service in as_list(s["Principal"]["Service"])} == {
        "events.rds.amazonaws.com": of_this_account | {"ArnLike": {"aws:SourceArn": "arn:aws:rds:eu-west-1:123456789012:*"}},
        "cloudwatch.amazonaws.com": of_this_account
        | {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*"}},
        "sns.amazonaws.com": {},
        "events.amazonaws.com": {},
        "logs.eu-west-1.amazonaws.com": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log}},
    }
