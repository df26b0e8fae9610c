"""The policy for whoever deploys: enough for every resource of the stack, and for little more."""

import pytest

from template.choices import CHOICES, NETWORK
from template.cloudformation import Stack
from template.deployer import ACCOUNT, BALANCER, BASIC, REGION, allows, calls

# The actions on a key that the table below the policy names.
KEY = {f"kms:{verb}" for verb in ("CreateGrant", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey")}


def test_it_lets_cloudformation_make_change_and_delete_every_resource_of_the_stack():
    kinds = Stack(**CHOICES["both"], **CHOICES["VPC"], **CHOICES["mail"]).types()
    needed = calls(kinds) - KEY
    assert len(needed) > 80
    assert [action for action in sorted(needed) if not allows(BASIC, action)] == []


def test_with_the_second_policy_also_the_load_balancer():
    own = Stack(**NETWORK, **CHOICES["principals"], **CHOICES["regions"]).types() - Stack().types()
    needed = calls(own)
    missing = {action for action in needed if not allows(BASIC, action)}
    assert missing, "the second policy would not be needed"
    assert [action for action in sorted(missing) if not allows(BALANCER, action)] == []


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("cloudformation:DeleteStack", f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/another/1"),
        ("lambda:UpdateFunctionCode", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:another"),
        ("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
        ("sqs:DeleteQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"),
        ("elasticloadbalancing:RegisterTargets", f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/a/1"),
        ("rds:FailoverDBCluster", f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:aurora-prod"),
        ("ec2:RunInstances", "*"),
    ],
)
def test_it_allows_nothing_that_is_not_the_stacks(action, arn):
    assert not allows(BASIC, action, arn)


@pytest.mark.parametrize(("service", "may"), [("lambda", True), ("scheduler", True), ("ec2", False), ("ecs-tasks", False)])
def test_it_passes_the_roles_only_to_the_services_that_use_them(service, may):
    assert allows(BASIC, "iam:PassRole", service=f"{service}.amazonaws.com") == may


@pytest.mark.parametrize("policy", [BASIC, BALANCER], ids=["basic", "balancer"])
def test_it_fits_into_a_managed_policy(policy):
    assert len("".join(policy.split())) <= 6_144
