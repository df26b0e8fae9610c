"""What the parameters choose: SNS or EventBridge, your role, topics and key; and how often the schedule runs."""

import itertools

import pytest

from template.choices import CHOICES, NETWORK
from template.cloudformation import TEMPLATE, Stack

COMBINATIONS = [*itertools.combinations(CHOICES, 1), *itertools.combinations(CHOICES, 2), tuple(CHOICES)]


# Each alone and each with each other: a reference depends on two choices at the most.
@pytest.mark.parametrize("chosen", COMBINATIONS, ids=lambda chosen: " + ".join(chosen) if len(chosen) < 3 else "all of them")
def test_no_choice_leaves_a_reference_to_what_it_does_not_make(chosen):
    Stack(**{key: value for name in chosen for key, value in CHOICES[name].items()})  # fails on such a reference


@pytest.fixture(scope="module")
def stacks(stack):
    return [stack, *(Stack(**NETWORK | choice) for choice in CHOICES.values())]


# A condition that always holds, or never, has no choice in CHOICES.
@pytest.mark.parametrize("condition", TEMPLATE["Conditions"])
def test_every_condition_holds_for_some_choice_and_fails_for_another(stacks, condition):
    assert {bool(stack.holds(condition)) for stack in stacks} == {True, False}


ENFORCED = NETWORK | {"SecurityGroupsOnPrivateLink": "on"}


@pytest.mark.parametrize(
    "parameters",
    [{}, NETWORK, ENFORCED | CHOICES["clients"], CHOICES["EventBridge"], CHOICES["both"] | CHOICES["topic"], CHOICES["VPC"]],
)
def test_parameters_that_fit_together_are_accepted(parameters):
    assert Stack(**parameters).broken_rules() == []


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        (NETWORK | {"VpcId": ""}, "VpcId"),
        (NETWORK | {"SubnetIds": ""}, "SubnetIds"),
        (ENFORCED, "ClientCidr"),
        (CHOICES["topic"] | CHOICES["EventBridge"], "FailoverTopicArn"),
        (CHOICES["VPC"] | {"FunctionSecurityGroupIds": ""}, "FunctionSecurityGroupIds"),
        (CHOICES["VPC"] | {"FunctionSubnetIds": ""}, "FunctionSubnetIds"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(parameters, names):
    (description,) = Stack(**parameters).broken_rules()
    assert names in description


def test_a_given_role_serves_function_and_schedule_and_no_role_is_made():
    stack = Stack(**CHOICES["role"])
    assert not [kind for kind in stack.types() if kind.startswith("AWS::IAM::")]
    schedule = stack.only("AWS::Scheduler::Schedule")
    assert stack.properties("FailoverFunction")["Role"] == schedule["Target"]["RoleArn"] == CHOICES["role"]["RoleArn"]


def test_boundary_and_path_hold_for_every_role(stack):
    for name, role in Stack(**CHOICES["boundary"]).of_type("AWS::IAM::Role").items():
        assert role["PermissionsBoundary"].endswith(":policy/boundary"), f"{name} is not bounded"
        assert role["Path"] == "/service/", name
        assert "PermissionsBoundary" not in stack.properties(name), f"{name} is bounded unasked"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
        ("AWS::Lambda::Function", "KmsKeyArn"),
    ],
)
def test_a_given_key_encrypts_all_that_holds_data(stack, kind, field):
    encrypted = Stack(**CHOICES["key"]).of_type(kind)
    assert encrypted
    for name, properties in encrypted.items():
        assert properties.get(field) == CHOICES["key"]["KmsKeyArn"], f"{name} is not encrypted with the key"
        assert field not in stack.properties(name), f"{name} names a key that was not given"


def test_given_topics_are_used_and_not_touched():
    stack = Stack(**CHOICES["topic"], **CHOICES["alerts"], **CHOICES["mail"])
    assert not stack.types() & {"AWS::SNS::Topic", "AWS::SNS::TopicPolicy"}
    users = (
        stack.properties("FailoverSubscription"),
        stack.properties("FailoverEvents"),
        stack.properties("FailoverTopicMayInvoke"),
    )
    arns = {user[key] for user, key in zip(users, ("TopicArn", "SnsTopicArn", "SourceArn"), strict=True)}
    assert arns == {CHOICES["topic"]["FailoverTopicArn"]}
    assert stack.properties("AlertMail")["TopicArn"] == CHOICES["alerts"]["AlertTopicArn"]


def test_alarms_are_mailed_to_the_given_address_and_to_nobody_unasked(stack):
    mail = Stack(**CHOICES["mail"]).properties("AlertMail")
    assert (mail["Protocol"], mail["Endpoint"]) == ("email", "someone@example.com")
    assert "AlertMail" not in stack.resources


def test_with_eventbridge_nothing_of_rds_goes_through_sns(eventbridge):
    assert "AWS::Events::Rule" in eventbridge.types()
    assert not eventbridge.types() & {"AWS::RDS::EventSubscription", "AWS::SNS::Subscription"}
    assert eventbridge.of_type("AWS::SNS::Topic").keys() == {"AlertTopic"}


def test_with_sns_no_event_comes_twice(stack):
    assert "AWS::Events::Rule" not in stack.types()


def test_with_both_an_event_has_two_ways_of_which_neither_needs_the_other(both, stack, eventbridge):
    assert both.types() == stack.types() | eventbridge.types()
    for way in (stack, eventbridge):
        for name in {"FailoverEvents", "FailoverSubscription", "FailoverRule"} & way.resources.keys():
            assert both.properties(name) == way.properties(name)


def test_the_function_runs_in_the_given_subnets_and_outside_any_vpc_unasked(in_a_vpc, stack):
    assert in_a_vpc.properties("FailoverFunction")["VpcConfig"] == {
        "SubnetIds": ["subnet-12345678", "subnet-87654321"],
        "SecurityGroupIds": ["sg-12345678"],
    }
    assert "VpcConfig" not in stack.properties("FailoverFunction")
