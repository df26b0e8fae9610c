"""balancer.yaml: a target group as check wants it, and a way to it for those who are named."""

import pytest

from support.aws import ATTRIBUTES
from template.cloudformation import BALANCER_SOURCE, NETWORK, Stack
from template.stacks import BALANCER_CHOICES, balancer

SUBNETS = NETWORK["SubnetIds"].split(",")


def test_the_listener_leads_to_the_group_whose_targets_are_left_to_the_function():
    assert balancer()["Listener"]["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": "TargetGroup"}]
    assert balancer().outputs["TargetGroupArn"] == "TargetGroup"
    assert "Targets" not in balancer()["TargetGroup"], "CloudFormation would register targets"


def test_the_group_is_as_check_wants_it():
    group = balancer()["TargetGroup"]
    assert (group["TargetType"], group["Protocol"], group["HealthCheckPort"]) == ("ip", "TCP", "40000")
    assert {a["Key"]: a["Value"] for a in group["TargetGroupAttributes"]} == ATTRIBUTES


def test_nobody_is_let_in_unasked():
    made = balancer()
    assert (made["LoadBalancer"]["Scheme"], made["LoadBalancer"]["Subnets"]) == ("internal", SUBNETS)
    assert made["EndpointService"] == {"NetworkLoadBalancerArns": ["LoadBalancer"], "AcceptanceRequired": "true"}
    assert not {"EndpointServicePermissions", "DatabaseIngress"} & made.resources.keys()
    assert "SecurityGroupIngress" not in made["SecurityGroup"]
    # Through PrivateLink nothing would come by a group without rules.
    assert made["LoadBalancer"]["EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] == "off"


def test_those_who_are_named_are_let_in():
    made = balancer("principals", "clients", "regions")
    principals = BALANCER_CHOICES["principals"]["AllowedPrincipals"].split(",")
    assert made["EndpointServicePermissions"]["AllowedPrincipals"] == principals
    assert made["EndpointService"]["SupportedRegions"] == ["eu-west-1", "us-east-1"]
    (rule,) = made["SecurityGroup"]["SecurityGroupIngress"]
    assert rule["CidrIp"] == "10.0.0.0/8"


@pytest.mark.parametrize(
    ("choices", "groups", "source"),
    [
        (["database"], ["SecurityGroup.GroupId"], "SecurityGroup.GroupId"),
        (["database", "security groups"], ["sg-12345678", "sg-87654321"], "sg-12345678"),
    ],
)
def test_the_database_lets_the_balancer_in_whichever_security_groups_it_has(choices, groups, source):
    made = balancer(*choices)
    assert made["LoadBalancer"]["SecurityGroups"] == groups
    assert ("SecurityGroup" in made.resources) == ("SecurityGroupId" in made.outputs) == (groups == [source])
    ingress = made["DatabaseIngress"]
    assert (ingress["GroupId"], ingress["SourceSecurityGroupId"]) == ("sg-0123456789abcdef0", source)


@pytest.mark.parametrize("port", ["3306", "5432"])
def test_the_port_is_the_same_everywhere(port):
    made = Stack(BALANCER_SOURCE, **BALANCER_CHOICES["clients"], **BALANCER_CHOICES["database"], TargetPort=port)
    group = made["SecurityGroup"]
    rules = [*group["SecurityGroupIngress"], *group["SecurityGroupEgress"], made["DatabaseIngress"]]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(port, port)}
    assert made["TargetGroup"]["Port"] == made["Listener"]["Port"] == port


def test_the_outputs_are_what_the_function_and_the_consumer_need():
    outputs = balancer().outputs
    assert outputs["EndpointServiceName"] == "com.amazonaws.vpce.eu-west-1.EndpointService"
    assert f"--subnet-ids {' '.join(SUBNETS)} --query 'Subnets[].AvailabilityZoneId'" in outputs["ZoneIdsCommand"]
