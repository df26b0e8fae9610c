"""balancer.yaml: a target group as check wants it, and a way to it for those who are named."""

import pytest

from support.aws import ATTRIBUTES
from template.cloudformation import BALANCER_SOURCE, NETWORK, Stack, accepts
from template.stacks import BALANCER_CHOICES, balancer

SUBNETS = NETWORK["SubnetIds"].split(",")


def test_the_listener_leads_to_the_group_whose_targets_are_left_to_the_function():
    group = balancer().ref("TargetGroup")
    assert balancer()["Listener"]["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": group}]
    assert balancer().outputs["TargetGroupArn"] == group
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
    assert made["EndpointServicePermissions"]["AllowedPrincipals"] == BALANCER_CHOICES["principals"]["AllowedPrincipals"].split(
        ","
    )
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
    assert ("SecurityGroup" in made) == ("SecurityGroupId" in made.outputs) == (groups == [source])
    ingress = made["DatabaseIngress"]
    assert (ingress["GroupId"], ingress["SourceSecurityGroupId"]) == ("sg-0123456789abcdef0", source)


@pytest.mark.parametrize("port", ["3306", "5432"])
def test_the_port_is_the_same_everywhere(port):
    made = Stack(BALANCER_SOURCE, **BALANCER_CHOICES["clients"], **BALANCER_CHOICES["database"], TargetPort=port)
    (clients,) = made["SecurityGroup"]["SecurityGroupIngress"]
    (egress,) = made["SecurityGroup"]["SecurityGroupEgress"]
    rules = [(rule["FromPort"], rule["ToPort"]) for rule in (clients, egress, made["DatabaseIngress"])]
    assert {made["TargetGroup"]["Port"], made["Listener"]["Port"], *(end for rule in rules for end in rule)} == {port}


def test_the_outputs_are_what_the_function_and_the_consumer_need():
    outputs = balancer().outputs
    assert outputs["EndpointServiceName"] == "com.amazonaws.vpce.eu-west-1.EndpointService"
    assert f"--subnet-ids {' '.join(SUBNETS)} --query 'Subnets[].AvailabilityZoneId'" in outputs["ZoneIdsCommand"]


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
