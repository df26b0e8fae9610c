"""Who may do what: the roles, the policies of topics, queues and the function, and the policies of RUNBOOK.md to paste."""

import json
import re

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from support.project import source
from support.runbook import policies
from template.cloudformation import GIVEN_GROUP
from template.stacks import CHOICES, of_each_kind, stack

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
    """The SDK calls of the source, as IAM names their actions, in lower case."""
    verbs = "add|create|delete|(?:de)?register|describe|failover|modify|reboot|remove|set|start|stop"
    return {call.replace("_", "") for call in re.findall(rf"\.\s*((?:{verbs})_[a-z_]+)\(\)", source("aws"))}


def as_list(value):
    return value if isinstance(value, list) else [value]


def allowed(statements):
    """Action → resource."""
    return {action: s["Resource"] for s in statements if s["Effect"] == "Allow" for action in as_list(s["Action"])}


@pytest.mark.parametrize("choice", [[], ["key"], ["VPC"]], ids=" ".join)
def test_the_role_allows_what_the_source_calls_and_nothing_more(choice):
    actions = allowed(stack(*choice).statements("ExecutionRole")).keys()
    on_the_balancer_and_rds = {action for action in actions if action.startswith(("elasticloadbalancing:", "rds:"))}
    assert {action.split(":")[1].lower() for action in on_the_balancer_and_rds} == calls()
    assert actions - on_the_balancer_and_rds == OF_LAMBDA.union(*(MORE[name] for name in choice))
    assert stack(*choice)["FailoverFunction"]["Role"] == "ExecutionRole.Arn"


@of_each_kind
def test_each_right_is_as_narrow_as_iam_allows(kind):
    resources = allowed(stack(kind).statements("ExecutionRole"))
    reads = {action for action in resources if action.startswith("elasticloadbalancing:Describe")}
    assert resources == dict.fromkeys(reads, "*") | ON_RDS[kind] | {
        "elasticloadbalancing:RegisterTargets": GIVEN_GROUP,
        "elasticloadbalancing:DeregisterTargets": GIVEN_GROUP,
        "sqs:SendMessage": "FailedRuns.Arn",
        "events:PutEvents": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
        "logs:CreateLogStream": "FailoverLogGroup.Arn",
        "logs:PutLogEvents": "FailoverLogGroup.Arn",
    }
    assert allowed(stack().statements("SchedulerRole")) == {"lambda:InvokeFunction": "FailoverFunction.Arn"}
    roles = stack().of_type("AWS::IAM::Role")
    assert roles.keys() == {"ExecutionRole", "SchedulerRole"}
    assert not [name for name, role in roles.items() if role.get("ManagedPolicyArns")]


def test_only_lambda_itself_may_use_the_rights_on_network_interfaces():
    (deny,) = [s for s in stack("VPC").statements("ExecutionRole") if s["Effect"] == "Deny"]
    assert (deny["Action"], deny["Resource"]) == ("ec2:*", "*")
    # A key of requests that the code of a function makes, and of no others.
    assert deny["Condition"] == {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:*"}}


def test_a_given_role_serves_function_and_schedule_and_no_role_is_made():
    made = stack("role")
    assert not made.of_type("AWS::IAM::Role")
    schedule = made["FailoverFunctionReconcile"]["Target"]
    assert made["FailoverFunction"]["Role"] == schedule["RoleArn"] == CHOICES["role"]["RoleArn"]


def test_a_given_boundary_holds_for_every_role():
    roles = stack("boundary").of_type("AWS::IAM::Role").values()
    assert {role["PermissionsBoundary"] for role in roles} == {CHOICES["boundary"]["PermissionsBoundaryArn"]}


def of_this_account(service, source):
    condition = {"StringEquals": {"aws:SourceAccount": "123456789012"}, "ArnLike": {"aws:SourceArn": f"arn:aws:{source}"}}
    return f"{service}.amazonaws.com", condition


def only(service, source):
    return f"{service}.amazonaws.com", {"ArnEquals": {"aws:SourceArn": source}}


RDS_EVENTS = of_this_account("events.rds", "rds:eu-west-1:123456789012:*")
ALARMS = of_this_account("cloudwatch", "cloudwatch:eu-west-1:123456789012:alarm:*")
TOPIC, GIVEN_TOPIC = only("sns", "FailoverTopic"), only("sns", CHOICES["topic"]["FailoverTopicArn"])
RULE, NOTICES = only("events", "FailoverRule.Arn"), only("events", "SwitchNotice.Arn")


@pytest.mark.parametrize(
    ("choice", "resource", "let_in"),
    [
        ([], "FailoverTopic", [RDS_EVENTS]),
        ([], "AlertTopic", [ALARMS, NOTICES]),
        (["silent"], "AlertTopic", [ALARMS]),
        (["silent", "topic"], "UndeliveredEvents", [GIVEN_TOPIC]),
        (["EventBridge"], "UndeliveredEvents", [RULE, NOTICES]),
        (["both"], "UndeliveredEvents", [TOPIC, RULE, NOTICES]),
    ],
)
def test_a_topic_and_a_queue_let_in_only_the_services_that_write_to_them(choice, resource, let_in):
    made = stack(*choice)
    action = ("sqs:SendMessage", f"{resource}.Arn") if resource == "UndeliveredEvents" else ("sns:Publish", resource)
    statements = made[f"{resource}Policy"]["PolicyDocument"]["Statement"]
    assert {(s["Effect"], s["Action"], s["Resource"]) for s in statements} == {("Allow", *action)}
    assert [(s["Principal"]["Service"], s["Condition"]) for s in statements] == let_in


@pytest.mark.parametrize(
    ("choice", "sources"),
    [([], [TOPIC]), (["topic"], [GIVEN_TOPIC]), (["EventBridge"], [RULE]), (["both"], [RULE, TOPIC])],
)
def test_only_the_sources_of_events_may_invoke_the_function(choice, sources):
    permissions = stack(*choice).of_type("AWS::Lambda::Permission").values()
    may = [only(p["Principal"].removesuffix(".amazonaws.com"), p["SourceArn"]) for p in permissions]
    assert sorted(may, key=str) == sources


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
    rule = {"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-west-1:123456789012:rule/stack-SwitchNotice-*"}}
    let_in = [(s["Principal"]["Service"], s["Condition"]) for s in OF_THE_TOPIC]
    assert let_in == [ALARMS, ("events.amazonaws.com", rule)]


def test_the_runbooks_key_policy_lets_in_every_service_and_asks_for_the_source_where_that_works():
    log = "arn:aws:logs:eu-west-1:123456789012:log-group:stack-FailoverLogGroup-*"
    assert [(service, s.get("Condition")) for s in OF_THE_KEY for service in as_list(s["Principal"]["Service"])] == [
        RDS_EVENTS,
        ALARMS,
        ("sns.amazonaws.com", None),
        ("events.amazonaws.com", None),
        ("logs.eu-west-1.amazonaws.com", {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log}}),
    ]
