"""The stacks that the tests look at: a template with one or more of the choices that its parameters offer."""

import functools

import pytest

from template.cloudformation import BALANCER_SOURCE, Stack

# Each as the other value than the default, which for the database is a cluster.
CHOICES: dict[str, dict[str, str]] = {
    "cluster": {},
    "instance": {"DbClusterId": "", "DbInstanceId": "orders"},
    "EventBridge": {"EventSource": "EventBridge"},
    "both": {"EventSource": "Both"},
    "VPC": {"FunctionSubnetIds": "subnet-12345678,subnet-87654321", "FunctionSecurityGroupIds": "sg-12345678"},
    "topic": {"FailoverTopicArn": "arn:aws:sns:eu-west-1:123456789012:theirs"},
    "role": {"RoleArn": "arn:aws:iam::123456789012:role/theirs"},
    "boundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary"},
    "key": {"KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"},
    "alerts": {"AlertTopicArn": "arn:aws:sns:eu-west-1:123456789012:alerts"},
    "silent": {"NotifySwitches": "false"},
    "mail": {"AlertEmail": "someone@example.com"},
    "hours": {"ScheduleRate": "rate(2 hours)"},
    "no dashboard": {"Dashboard": "false"},
    "no reservation": {"ReservedConcurrency": "0"},
}
BALANCER_CHOICES = {
    "security groups": {"SecurityGroupIds": "sg-12345678,sg-87654321"},
    "database": {"DatabaseSecurityGroupId": "sg-0123456789abcdef0"},
    "clients": {"ClientCidr": "10.0.0.0/8"},
    "principals": {"AllowedPrincipals": "arn:aws:iam::123456789012:root,arn:aws:iam::210987654321:role/x"},
    "regions": {"SupportedRegions": "eu-west-1,us-east-1"},
}
of_each_kind = pytest.mark.parametrize("kind", ["cluster", "instance"])


@functools.cache
def stack(*choices: str) -> Stack:
    """Of template.yaml, with the required parameters only, and these choices."""
    return Stack(**{key: value for name in choices for key, value in CHOICES[name].items()})


@functools.cache
def balancer(*choices: str) -> Stack:
    """Of balancer.yaml."""
    return Stack(BALANCER_SOURCE, **{key: value for name in choices for key, value in BALANCER_CHOICES[name].items()})
