"""What the parameters accept and choose, and the template that a release carries."""

import itertools
import re
import subprocess
import tomllib

import pytest
from cfnlint import lint

from support.project import ROOT, source
from support.runbook import block
from template.cloudformation import BALANCER, BALANCER_SOURCE, GIVEN_GROUP, SOURCE, TEMPLATE, Stack, accepts, parse, released
from template.stacks import BALANCER_CHOICES, CHOICES, balancer, stack


def combinations(make, choices):
    """Each choice alone and with each other, because a reference depends on two choices at the most; and all."""
    chosen = [*itertools.combinations(choices, 1), *itertools.combinations(choices, 2), tuple(choices)]
    return [pytest.param(make, one, id=" + ".join(one)) for one in chosen]


@pytest.mark.parametrize("template", [TEMPLATE, BALANCER], ids=["template.yaml", "balancer.yaml"])
def test_every_parameter_says_what_it_accepts_and_is_in_one_group_of_the_console(template):
    for name, parameter in template["Parameters"].items():
        typed = parameter["Type"] not in ("String", "Number")
        assert typed or {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys(), f"{name} accepts anything"
        # A pattern needs words; values and limits CloudFormation names by itself.
        assert ("ConstraintDescription" in parameter) == ("AllowedPattern" in parameter), name
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(template["Parameters"])


def test_it_fits_into_a_request_to_cloudformation_and_onto_a_screen():
    assert len(SOURCE.encode()) <= 51_200
    assert len(TEMPLATE["Parameters"]) <= 25


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused"),
    [
        (
            "IpDict",
            ["{}", '{"aurora-1": "10.0.1.11","aurora-2":"fd00::2" }'],
            ["", '{"aurora-1": 1}', '{"aurora-1": "10.0.1.11",}', "{'aurora-1': '10.0.1.11'}"],
        ),
        ("HttpsProxy", ["http://proxy.example.com:3128"], ["proxy.example.com:3128", "socks5://proxy.example.com"]),
        ("NoProxy", [".example.com,10.0.0.0/8,localhost"], ["a, b"]),
        ("DbClusterId", ["aurora-prod"], ["Aurora", "arn:aws:rds:eu-west-1:123456789012:cluster:aurora-prod"]),
        ("DbInstanceId", ["orders-2"], ["Orders", "2-orders", "orders-", "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"]),
        ("DbInstanceId", [], ["orders.abc.eu-west-1.rds.amazonaws.com", "arn:aws:rds:eu-west-1:123456789012:db:orders"]),
        ("SupportedRegions", ["", "ap-southeast-2,us-gov-west-1"], ["*", "eu-west-1, us-east-1", "eu-west-1a"]),
        ("AllowedPrincipals", [""], ["*"]),
    ],
)
def test_a_value_that_could_not_be_used_is_refused(parameter, accepted, refused):
    assert [value for value in (*accepted, *refused) if accepts(parameter, value)] == accepted


@pytest.mark.parametrize(("make", "chosen"), [*combinations(stack, CHOICES), *combinations(balancer, BALANCER_CHOICES)])
def test_no_choice_leaves_a_reference_to_what_it_does_not_make(make, chosen):
    make(*chosen)  # fails on such a reference


# A condition that always holds, or never, has no choice in CHOICES.
@pytest.mark.parametrize("condition", [*TEMPLATE["Conditions"], *BALANCER["Conditions"]])
def test_every_condition_holds_for_some_choice_and_fails_for_another(condition):
    make, choices = (stack, CHOICES) if condition in TEMPLATE["Conditions"] else (balancer, BALANCER_CHOICES)
    assert {bool(one.holds(condition)) for one in (make(), *map(make, choices))} == {True, False}


ASKS_GROUPS = {"text": BALANCER_SOURCE, "SecurityGroupsOnPrivateLink": "on"}


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ({}, ""),
        (CHOICES["both"] | CHOICES["topic"], ""),
        (CHOICES["VPC"], ""),
        (CHOICES["topic"] | CHOICES["EventBridge"], "FailoverTopicArn"),
        (CHOICES["VPC"] | {"FunctionSecurityGroupIds": ""}, "FunctionSecurityGroupIds"),
        (CHOICES["VPC"] | {"FunctionSubnetIds": ""}, "FunctionSubnetIds"),
        ({"IpDict": '{"aurora-1": "10.0.1.11"}', "SwitchOn": "completed"}, ""),
        (CHOICES["instance"] | CHOICES["both"] | {"IpDict": "{}", "SwitchOn": "started"}, ""),
        ({"DbClusterId": "", "DbInstanceId": ""}, "DbClusterId or DbInstanceId"),
        ({"DbClusterId": "aurora-prod", "DbInstanceId": "orders"}, "not both"),
        (CHOICES["instance"] | {"IpDict": '{"orders": "10.0.1.11"}'}, "IpDict"),
        (CHOICES["instance"] | {"SwitchOn": "completed"}, "SwitchOn"),
        (ASKS_GROUPS, "ClientCidr"),
        (ASKS_GROUPS | BALANCER_CHOICES["clients"], ""),
        (ASKS_GROUPS | BALANCER_CHOICES["security groups"], ""),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(parameters, refused):
    told = Stack(**parameters).broken_rules()
    assert len(told) == bool(refused)
    assert refused in "".join(told)


def environment(made):
    return made["FailoverFunction"]["Environment"]["Variables"]


def test_the_environment_is_what_the_configuration_reads():
    read = set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', source("config")))
    # Lambda sets the first; the others are the AWS clients'.
    elsewhere = {"AWS_REGION", "HTTPS_PROXY", "NO_PROXY"}
    assert environment(stack()).keys() - elsewhere == read - elsewhere


def test_each_variable_has_the_value_of_its_parameter():
    given = {
        "DbClusterId": "another", "DbInstanceId": "orders", "TargetGroupArn": GIVEN_GROUP, "TargetPort": "5432",
        "TargetAvailabilityZone": "all", "IpDict": '{"aurora-1": "10.0.1.11"}', "SwitchOn": "completed", "DryRun": "true",
        "HttpsProxy": "http://proxy", "NoProxy": "a,b",
    }  # fmt: skip
    variables = {re.sub("(?<!^)(?=[A-Z])", "_", name).upper(): value for name, value in given.items()}
    assert environment(Stack(**given)) == variables


def test_a_run_for_an_instance_has_time_to_wait_for_the_address_to_move():
    assert stack("instance")["FailoverFunction"]["Timeout"] == 120
    assert stack()["FailoverFunction"]["Timeout"] == 30


@pytest.mark.parametrize(("choice", "name"), [([], "aurora-prod"), (["instance"], "orders")], ids=["cluster", "instance"])
def test_each_description_names_the_one_database(choice, name):
    made = stack(*choice, "both")
    described = ("FailoverFunction", "FailoverFunctionReconcile", "FailoverRule", "SwitchNotice")
    assert [made[one]["Description"].split()[-1] for one in described] == [name] * len(described)


def test_given_topics_are_used_and_not_touched():
    made = stack("topic", "alerts", "mail")
    assert not made.of_type("AWS::SNS::Topic") | made.of_type("AWS::SNS::TopicPolicy")
    users = {"FailoverSubscription": "TopicArn", "FailoverEvents": "SnsTopicArn", "FailoverTopicMayInvoke": "SourceArn"}
    assert {made[name][key] for name, key in users.items()} == {CHOICES["topic"]["FailoverTopicArn"]}
    assert made["AlertMail"] == {
        "TopicArn": CHOICES["alerts"]["AlertTopicArn"], "Protocol": "email", "Endpoint": "someone@example.com",
    }  # fmt: skip


def test_sns_and_eventbridge_are_two_ways_of_which_neither_needs_the_other():
    sns, eventbridge, both = stack(), stack("EventBridge"), stack("both")
    assert not eventbridge.of_type("AWS::RDS::EventSubscription") | eventbridge.of_type("AWS::SNS::Subscription")
    assert "FailoverRule" not in sns.resources
    assert both.resources.keys() == sns.resources.keys() | eventbridge.resources.keys()
    for way in (sns, eventbridge):
        assert [name for name in way.resources if way[name] != both[name]] == ["UndeliveredEventsPolicy"]


def test_the_function_runs_in_the_given_subnets_and_outside_any_vpc_unasked():
    subnets, groups = (value.split(",") for value in CHOICES["VPC"].values())
    assert stack("VPC")["FailoverFunction"]["VpcConfig"] == {"SubnetIds": subnets, "SecurityGroupIds": groups}
    assert "VpcConfig" not in stack()["FailoverFunction"]


def test_a_second_stack_fits_into_the_same_account():
    for name, resource in (TEMPLATE["Resources"] | BALANCER["Resources"]).items():
        names = {key: v for key, v in resource.get("Properties", {}).items() if key.endswith("Name") and key != "MetricName"}
        assert not [value for value in names.values() if isinstance(value, str)], f"{name} has a fixed name"


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_a_release_carries_a_template_that_needs_no_build(architecture):
    text = released(architecture)
    assert f"CodeUri: aurora-nlb-failover-{architecture}.zip\n" in text
    assert "BuildMethod" not in text, "it asks for a build"
    assert "LICENSE" not in text, "it needs a file that a release does not have"
    assert "Architecture" not in parse(text)["Parameters"], "it asks for what the zip has decided"
    assert ", Architecture" not in text
    made, built = Stack(text), Stack(Architecture=architecture)
    assert {name: made[name] for name in made.resources} == {name: built[name] for name in built.resources}


def test_a_release_knows_no_other_architecture():
    with pytest.raises(subprocess.CalledProcessError) as refused:
        released("mips")
    assert (refused.value.returncode, refused.value.stdout) == (2, "")


TEMPLATES = {
    "template.yaml": SOURCE,
    "a release's": released("arm64"),
    "balancer.yaml": BALANCER_SOURCE,
    "the runbook's for a hook": block("## Do something after a switch", "yaml"),
}


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES)
def test_cfn_lint_finds_nothing(text):
    assert lint(text) == []


def test_the_repository_metadata_agrees_with_the_crate_and_names_files_that_are_there():
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    metadata = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    found = [metadata[key] for key in ("Name", "SemanticVersion", "SpdxLicenseId")]
    assert found == [package[key] for key in ("name", "version", "license")]
    # Without them "sam deploy" fails, not only "sam publish".
    assert all((ROOT / metadata[url]).is_file() for url in ("LicenseUrl", "ReadmeUrl"))
