"""The target group: a given one is used and nothing is made beside it, or the stack makes all that leads to one."""

import pytest

from support.aws import ATTRIBUTES
from template.cloudformation import GIVEN_GROUP, Stack, accepts
from template.stacks import CHOICES, NETWORK, stack

BALANCER = {
    "LoadBalancer", "TargetGroup", "Listener", "LoadBalancerSecurityGroup", "EndpointService", "EndpointServicePermissions",
}  # fmt: skip


def test_a_given_target_group_is_all_that_is_used():
    assert not {name for name in BALANCER if name in stack("principals", "clients")}
    assert stack("principals", "clients").environment()["TARGET_GROUP_ARN"] == GIVEN_GROUP


def test_the_listener_leads_to_the_group_whose_targets_are_left_to_the_function():
    made = stack("balancer")
    group = made.ref("TargetGroup")
    assert made["Listener"]["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": group}]
    assert made.environment()["TARGET_GROUP_ARN"] == made.outputs["TargetGroupArn"] == group
    assert "Targets" not in made["TargetGroup"], "CloudFormation would register targets"


def test_the_group_is_as_check_wants_it():
    group = stack("balancer")["TargetGroup"]
    assert (group["TargetType"], group["Protocol"], group["HealthCheckPort"]) == ("ip", "TCP", "40000")
    assert {a["Key"]: a["Value"] for a in group["TargetGroupAttributes"]} == ATTRIBUTES


def test_nobody_is_let_in_unasked():
    made = stack("balancer")
    assert made["LoadBalancer"]["Scheme"] == "internal"
    assert "EndpointServicePermissions" not in made
    assert made["EndpointService"]["AcceptanceRequired"] == "true"
    assert "SecurityGroupIngress" not in made["LoadBalancerSecurityGroup"]
    # Through PrivateLink nothing would come by a group without rules.
    assert made["LoadBalancer"]["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] == "off"


def test_who_is_named_is_let_in():
    made = stack("balancer", "principals", "clients", "regions")
    assert made["EndpointServicePermissions"]["AllowedPrincipals"] == CHOICES["principals"]["AllowedPrincipals"].split(",")
    assert made["EndpointService"]["SupportedRegions"] == ["eu-west-1", "us-east-1"]
    (rule,) = made["LoadBalancerSecurityGroup"]["SecurityGroupIngress"]
    assert rule["CidrIp"] == "10.0.0.0/8"


def test_given_security_groups_replace_the_stacks_own():
    made = stack("balancer", "security groups")
    assert made["LoadBalancer"]["SecurityGroups"] == ["sg-12345678", "sg-87654321"]
    assert "LoadBalancerSecurityGroup" not in made


@pytest.mark.parametrize("port", ["3306", "5432"])
def test_the_port_is_the_same_everywhere(port):
    made = Stack(**NETWORK, **CHOICES["clients"], TargetPort=port)
    (rule,) = made["LoadBalancerSecurityGroup"]["SecurityGroupIngress"]
    found = made["TargetGroup"]["Port"], made["Listener"]["Port"], rule["FromPort"], rule["ToPort"]
    assert {*found, made.environment()["TARGET_PORT"]} == {port}


# A permission for new connections must go when its principal is no longer given.
def test_what_carries_traffic_outlives_the_stack_and_nothing_else_does():
    made = stack("balancer", "principals").resources
    assert {name for name, one in made.items() if one.get("DeletionPolicy", "Delete") != "Delete"} == BALANCER - {
        "EndpointServicePermissions"
    }
    # Nothing stays after a first deployment that fails, and after a replacement only the new resource.
    kept = [made[name] for name in BALANCER - {"EndpointServicePermissions"}]
    assert {(one["DeletionPolicy"], one["UpdateReplacePolicy"]) for one in kept} == {("RetainExceptOnCreate", "Delete")}


@pytest.mark.parametrize(
    ("parameter", "value", "accepted"),
    [
        ("SupportedRegions", "", True),
        ("SupportedRegions", "ap-southeast-2,us-gov-west-1", True),
        ("SupportedRegions", "*", False),
        ("SupportedRegions", "eu-west-1, us-east-1", False),
        ("SupportedRegions", "eu-west-1a", False),
        ("AllowedPrincipals", "*", False),
    ],
)
def test_who_may_connect_is_named_one_by_one(parameter, value, accepted):
    assert accepts(parameter, value) == accepted
