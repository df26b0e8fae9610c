"""The policies of RUNBOOK.md for the deployer: enough for CloudFormation to handle every resource, and for little more."""

import json
import re

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from support.aws import ACCOUNT, REGION
from support.runbook import policies
from template.stacks import balancer, stack

STACK = "stack"
BASIC, BALANCER = policies("## Who may deploy", "json", STACK)
# What the resource types of CloudFormation call for the sake of features that the template does not use.
UNUSED = (
    "cognito-idp:", "elasticfilesystem:", "firehose:", "s3files:", "s3:REST", "ec2:DescribeIpamPools",
    "lambda:GetCodeSigningConfig", "lambda:PassCapacityProvider", "lambda:PublishVersion", "logs:CreateLogDelivery",
    "iam:CreateServiceLinkedRole",  # of the cluster: that role is there already
    "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",  # balancer.yaml gives no targets
    # For a stack with a key: the table below the policy names these.
    "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
)  # fmt: skip
HERE, GLOBAL = f"{REGION}:{ACCOUNT}", f":{ACCOUNT}"
# What CloudFormation would call each kind of resource of the stack.
MADE = {
    "cloudformation": f"cloudformation:{HERE}:stack/{STACK}/1234",
    "cloudwatch": f"cloudwatch:{HERE}:alarm:{STACK}-FunctionFails-1A2B",
    "ec2": f"ec2:{HERE}:vpc-endpoint-service/vpce-svc-1",
    "elasticloadbalancing": f"elasticloadbalancing:{HERE}:loadbalancer/net/stac-Load-1A2B/0123456789abcdef",
    "events": f"events:{HERE}:rule/{STACK}-FailoverRule-1A2B",
    "iam": f"iam:{GLOBAL}:role/{STACK}-ExecutionRole-1A2B",
    "lambda": f"lambda:{HERE}:function:{STACK}-FailoverFunction-1A2B",
    "logs": f"logs:{HERE}:log-group:{STACK}-FailoverLogGroup-1A2B",
    "rds": f"rds:{HERE}:es:{STACK}-failoverevents-1a2b",
    "s3": "s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/0123",
    "scheduler": f"scheduler:{HERE}:schedule/default/{STACK}-FailoverFunctionReconcile-1A2B",
    "sns": f"sns:{HERE}:{STACK}-FailoverTopic-1A2B",
    "sqs": f"sqs:{HERE}:{STACK}-FailedRuns-1A2B",
    "dashboard": f"cloudwatch:{GLOBAL}:dashboard/{STACK}-{REGION}",
}
# Actions that IAM knows no resource for.
ANY = re.compile(
    r"ec2:Describe|elasticloadbalancing:Describe|logs:Describe(LogGroups|ResourcePolicies)|cloudwatch:(DescribeAlarms|.*Insight)"
    r"|vpce:|.*:List(Functions|Rules|Topics|Queues|Schedules|Roles)$|sns:(Unsubscribe|.*SubscriptionAttributes)"
)


def resource(action: str) -> str:
    kind = "dashboard" if "Dashboard" in action else action.split(":")[0]
    return "*" if ANY.match(action) else f"arn:aws:{MADE[kind]}"


def allows(policy: dict, action: str, arn: str = "", service: str = "lambda.amazonaws.com") -> bool:
    """Whether the policy allows the action on the resource; the service is whom a role is passed to."""
    keys = {"iam:passedtoservice": service}  # MiniStack compares them in lower case
    user = f"arn:aws:iam::{ACCOUNT}:user/deployer"
    context = EvalContext(user, "User", ACCOUNT, action, arn or resource(action), REGION, service_context=keys)
    return evaluate(context, [parse_policy_document(policy)]).decision == "Allow"


def calls(kinds: set[str]) -> set[str]:
    """The actions that CloudFormation's own definitions of these types name, except those of unused features."""
    schemas = [PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema["handlers"] for kind in kinds]
    named = {a for handlers in schemas for name in handlers.keys() - {"list"} for a in handlers[name]["permissions"]}
    return {action for action in named if not action.startswith(UNUSED)}


@pytest.mark.parametrize(
    ("policy", "made", "at_least"),
    [(BASIC, stack("both", "VPC", "mail"), 80), (BALANCER, balancer("database", "principals", "regions"), 40)],
    ids=["template.yaml", "balancer.yaml"],
)
def test_it_lets_cloudformation_make_change_and_delete_every_resource(policy, made, at_least):
    needed = calls({resource["Type"] for resource in made.resources.values()})
    assert len(needed) > at_least
    assert [action for action in sorted(needed) if not allows(policy, action)] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:DeleteStack", f"cloudformation:{HERE}:stack/another/1"),
        ("lambda:UpdateFunctionCode", f"lambda:{HERE}:function:another"),
        ("iam:PutRolePolicy", f"iam:{GLOBAL}:role/administrator"),
        ("sqs:DeleteQueue", f"sqs:{HERE}:orders"),
        ("elasticloadbalancing:RegisterTargets", f"elasticloadbalancing:{HERE}:targetgroup/a/1"),
        ("rds:FailoverDBCluster", f"rds:{HERE}:cluster:aurora-prod"),
        ("ec2:RunInstances", f"ec2:{HERE}:instance/*"),
    ],
)
def test_it_allows_nothing_that_is_not_the_stacks(action, resource):
    assert not allows(BASIC, action, f"arn:aws:{resource}")


@pytest.mark.parametrize(("service", "may"), [("lambda", True), ("scheduler", True), ("ec2", False), ("ecs-tasks", False)])
def test_it_passes_the_roles_only_to_the_services_that_use_them(service, may):
    assert allows(BASIC, "iam:PassRole", service=f"{service}.amazonaws.com") == may


@pytest.mark.parametrize("policy", [BASIC, BALANCER], ids=["basic", "balancer"])
def test_it_fits_into_a_managed_policy(policy):
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6_144
