"""Whether the policy of RUNBOOK.md for whoever deploys lets CloudFormation make, read, change and delete what the stack has."""

import json
import re

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from support.runbook import blocks

ACCOUNT, REGION, STACK = "123456789012", "eu-west-1", "stack"
BASIC, BALANCER = blocks("## Who may deploy", "json")

# What the resource types of CloudFormation call for the sake of features that the template does not use.
UNUSED = (
    "cognito-idp:", "elasticfilesystem:", "firehose:", "s3files:", "s3:REST", "ec2:DescribeIpamPools",
    "lambda:GetCodeSigningConfig", "lambda:PassCapacityProvider", "lambda:PublishVersion",
    "logs:CreateLogDelivery",
    # Of the cluster: that role is there already.
    "iam:CreateServiceLinkedRole",
    # The template gives its target group no targets.
    "elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets",
)  # fmt: skip

# What CloudFormation would call each kind of resource of the stack.
MADE = {
    "cloudformation": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1234",
    "cloudwatch": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{STACK}-FunctionFails-1A2B",
    "ec2": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-endpoint-service/vpce-svc-1",
    "elasticloadbalancing": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/stac-Load-1A2B/0123456789abcdef",
    "events": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{STACK}-FailoverRule-1A2B",
    "iam": f"arn:aws:iam::{ACCOUNT}:role/{STACK}-ExecutionRole-1A2B",
    "kms": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
    "lambda": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-FailoverFunction-1A2B",
    "logs": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{STACK}-FailoverLogGroup-1A2B",
    "rds": f"arn:aws:rds:{REGION}:{ACCOUNT}:es:{STACK}-failoverevents-1a2b",
    "s3": "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-1a2b/0123",
    "scheduler": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{STACK}-FailoverFunctionReconcile-1A2B",
    "sns": f"arn:aws:sns:{REGION}:{ACCOUNT}:{STACK}-FailoverTopic-1A2B",
    "sqs": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{STACK}-FailedRuns-1A2B",
    "vpce": "*",
}
DASHBOARD = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{STACK}-{REGION}"
# Actions that IAM knows no resource for.
ANY = (
    r"ec2:Describe|elasticloadbalancing:Describe|logs:Describe(LogGroups|ResourcePolicies)|cloudwatch:(DescribeAlarms|.*Insight)"
)
ANY += r"|.*:List(Functions|Rules|Topics|Queues|Schedules|Roles)$|sns:(Unsubscribe|.*SubscriptionAttributes)"


def resource(action: str) -> str:
    if re.match(ANY, action):
        return "*"
    return DASHBOARD if "Dashboard" in action else MADE[action.split(":")[0]]


def allows(policy: str, action: str, arn: str = "", service: str = "lambda.amazonaws.com") -> bool:
    """Whether the policy, filled in for the stack, allows the action on the resource; the service is whom a role is passed to."""
    filled = policy.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT).replace("STACK", STACK)
    keys = {"iam:passedtoservice": service}  # MiniStack compares them in lower case
    context = EvalContext(
        f"arn:aws:iam::{ACCOUNT}:user/deployer", "User", ACCOUNT, action, arn or resource(action), REGION, service_context=keys
    )
    return evaluate(context, [parse_policy_document(json.loads(filled))]).decision == "Allow"


def calls(kinds: set[str]) -> set[str]:
    """The actions that CloudFormation's own definitions of these types name, but for those of unused features."""
    found = set()
    for kind in kinds:
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema["handlers"]
        for name in handlers.keys() - {"list"}:
            found |= set(handlers[name]["permissions"])
    return {action for action in found if not action.startswith(UNUSED)}
