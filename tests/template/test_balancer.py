"""The target group: a given one is used and nothing is made beside it, or the stack makes all that leads to one."""

import re

import pytest

from support.project import source
from template.choices import CHOICES, NETWORK
from template.cloudformation import GIVEN_GROUP, TEMPLATE, Stack

BALANCER = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::VPCEndpointService",
    "AWS::EC2::VPCEndpointServicePermissions",
}
ENFORCEMENT = "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"


def test_a_given_target_group_is_all_that_is_used():
    stack = Stack(**CHOICES["principals"], **CHOICES["clients"])
    assert not stack.types() & BALANCER
    assert stack.environment()["TARGET_GROUP_ARN"] == GIVEN_GROUP
    assert "EndpointServiceName" not in stack.outputs


def test_without_a_target_group_the_stack_makes_all_that_leads_to_one():
    assert Stack(**NETWORK, **CHOICES["principals"]).types() >= BALANCER


def test_the_balancer_is_an_internal_one_in_the_given_subnets(own_balancer):
    balancer = own_balancer.properties("LoadBalancer")
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internal")
    assert balancer["Subnets"] == NETWORK["SubnetIds"].split(",")


def test_the_listener_leads_to_the_group_that_the_function_owns(own_balancer):
    group, listener = own_balancer.ref("TargetGroup"), own_balancer.properties("Listener")
    assert listener["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": group}]
    assert (listener["LoadBalancerArn"], listener["Protocol"], listener["Port"]) == ("LoadBalancer", "TCP", "3306")
    assert own_balancer.environment()["TARGET_GROUP_ARN"] == group


def test_the_groups_targets_are_left_to_the_function(own_balancer):
    group = own_balancer.properties("TargetGroup")
    assert (group["TargetType"], group["Protocol"], group["Port"]) == ("ip", "TCP", "3306")
    assert "Targets" not in group, "CloudFormation would register targets"


def test_the_health_check_does_not_go_to_the_database(own_balancer):
    group = own_balancer.properties("TargetGroup")
    assert group["HealthCheckPort"] not in ("traffic-port", group["Port"])


def test_the_groups_attributes_are_those_that_check_asks_for(own_balancer):
    table = re.search(r"const ATTRIBUTES.*?= \[(.*?)\n\];", source("check"), re.DOTALL)
    assert table, "src/check.rs has no table ATTRIBUTES"
    wanted = dict(re.findall(r'\(\s*"([a-z_.]+)",\s*"(\w+)",', table[1]))
    assert len(wanted) == 5
    assert {a["Key"]: a["Value"] for a in own_balancer.properties("TargetGroup")["TargetGroupAttributes"]} == wanted


def test_the_endpoint_service_lets_in_nobody_unasked(own_balancer):
    assert not own_balancer.of_type("AWS::EC2::VPCEndpointServicePermissions")
    service = own_balancer.properties("EndpointService")
    assert service == {"NetworkLoadBalancerArns": ["LoadBalancer"], "AcceptanceRequired": "true"}
    assert own_balancer.outputs["EndpointServiceName"] == "com.amazonaws.vpce.eu-west-1.EndpointService"


def test_the_endpoint_service_lets_in_who_is_named():
    principals = "arn:aws:iam::123456789012:root,arn:aws:iam::210987654321:role/x"
    allowed = Stack(**NETWORK, AllowedPrincipals=principals).properties("EndpointServicePermissions")
    assert allowed == {"ServiceId": "EndpointService", "AllowedPrincipals": principals.split(",")}
    assert not re.search(TEMPLATE["Parameters"]["AllowedPrincipals"]["AllowedPattern"], "*"), "everybody can be allowed"


def test_the_stacks_own_security_group_lets_in_nobody_unasked(own_balancer):
    balancer = own_balancer.properties("LoadBalancer")
    assert balancer["SecurityGroups"] == ["LoadBalancerSecurityGroup"]
    assert balancer[ENFORCEMENT] == "off", "PrivateLink meets a group without rules"
    assert "SecurityGroupIngress" not in own_balancer.properties("LoadBalancerSecurityGroup")


def test_the_stacks_own_security_group_lets_in_the_given_clients():
    stack = Stack(**NETWORK, **CHOICES["clients"], SecurityGroupsOnPrivateLink="on")
    assert stack.properties("LoadBalancer")[ENFORCEMENT] == "on"
    (rule,) = stack.properties("LoadBalancerSecurityGroup")["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"]) == ("10.0.0.0/8", "3306", "3306")


def test_given_security_groups_replace_the_stacks_own():
    stack = Stack(**NETWORK, SecurityGroupIds="sg-12345678,sg-87654321")
    assert stack.properties("LoadBalancer")["SecurityGroups"] == ["sg-12345678", "sg-87654321"]
    assert not stack.of_type("AWS::EC2::SecurityGroup")


# Consumers depend on each of these; a permission for new connections must go when its principal is no longer given.
TRAFFIC = {"LoadBalancer", "LoadBalancerSecurityGroup", "TargetGroup", "Listener", "EndpointService"}


def test_what_carries_traffic_outlives_the_stack_and_nothing_else_does():
    made = Stack(**NETWORK, **CHOICES["principals"]).resources
    assert {name for name, resource in made.items() if resource.get("DeletionPolicy", "Delete") != "Delete"} == TRAFFIC
    # After a first deployment that fails nothing stays; after a replacement only the new target group stays.
    assert {(made[name]["DeletionPolicy"], made[name]["UpdateReplacePolicy"]) for name in TRAFFIC} == {
        ("RetainExceptOnCreate", "Delete")
    }


@pytest.mark.parametrize("protection", ["true", "false"])
def test_the_balancer_is_protected_from_deletion_if_that_is_wanted(protection):
    attributes = Stack(**NETWORK, DeletionProtection=protection).properties("LoadBalancer")["LoadBalancerAttributes"]
    assert attributes == [{"Key": "deletion_protection.enabled", "Value": protection}]


def test_the_outputs_name_what_outlives_the_stack(own_balancer):
    assert own_balancer.outputs["LoadBalancerArn"] == "LoadBalancer"
    assert {"TargetGroupArn", "EndpointServiceName", "LoadBalancerSecurityGroupId"} <= own_balancer.outputs.keys()


def test_the_endpoint_service_serves_the_given_regions():
    service = Stack(**NETWORK, **CHOICES["regions"]).properties("EndpointService")
    assert service["SupportedRegions"] == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize("value", ["", "us-gov-west-1", "ap-southeast-2,eu-west-1"])
def test_regions_are_accepted(value):
    assert re.search(TEMPLATE["Parameters"]["SupportedRegions"]["AllowedPattern"], value)


@pytest.mark.parametrize("value", ["*", "eu-west-1, us-east-1", "eu-west-1,", "eu-west-1a"])
def test_what_is_no_list_of_regions_is_refused(value):
    assert not re.search(TEMPLATE["Parameters"]["SupportedRegions"]["AllowedPattern"], value)


@pytest.mark.parametrize("words", ["clients or the cluster's instances", "8 free addresses"])
def test_the_subnets_are_described_by_what_they_need(words):
    assert words in TEMPLATE["Parameters"]["SubnetIds"]["Description"]


def test_the_port_says_what_a_change_asks_for():
    assert "then invoke reconcile" in TEMPLATE["Parameters"]["TargetPort"]["Description"]


@pytest.mark.parametrize("port", ["3306", "5432"])
def test_the_port_is_the_same_everywhere(port):
    stack = Stack(**NETWORK, **CHOICES["clients"], TargetPort=port)
    (rule,) = stack.properties("LoadBalancerSecurityGroup")["SecurityGroupIngress"]
    found = stack.properties("TargetGroup")["Port"], stack.properties("Listener")["Port"], rule["FromPort"], rule["ToPort"]
    assert {*found, stack.environment()["TARGET_PORT"]} == {port}
