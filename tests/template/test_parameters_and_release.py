"""What the parameters accept, what a second stack would meet, and the template that a release carries."""

import re
import subprocess
import tomllib

import pytest

from support.project import ROOT, source
from template.cloudformation import TEMPLATE, Stack, parse

RELEASE = ROOT / ".github" / "release-template.sh"


@pytest.mark.parametrize("name", TEMPLATE["Parameters"])
def test_every_parameter_says_what_it_accepts(name):
    parameter = TEMPLATE["Parameters"][name]
    assert {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys(), "it accepts anything"
    # A pattern needs words; values and limits CloudFormation names by itself.
    assert ("ConstraintDescription" in parameter) == ("AllowedPattern" in parameter)


def test_the_console_shows_every_parameter_by_its_name_in_one_group():
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    assert sorted(grouped) == sorted(TEMPLATE["Parameters"])
    assert "ParameterLabels" not in interface, "it would be shown in place of the name that the pages use"


@pytest.mark.parametrize("name", TEMPLATE["Conditions"])
def test_a_condition_is_named_by_what_is_made_given_or_used(name):
    assert re.match("(Create|Has|Use)[A-Z]", name)


@pytest.mark.parametrize("value", ["{}", '{"aurora-1": "10.0.1.11","aurora-2":"fd00::2" }'])
def test_the_map_accepts_addresses_of_instances(value):
    assert re.search(TEMPLATE["Parameters"]["IpDict"]["AllowedPattern"], value)


@pytest.mark.parametrize("value", ["", "[]", '{"aurora-1": 1}', '{"aurora-1": "10.0.1.11",}', "{'aurora-1': '10.0.1.11'}"])
def test_the_map_refuses_what_the_function_could_not_read(value):
    assert not re.search(TEMPLATE["Parameters"]["IpDict"]["AllowedPattern"], value)


def test_the_environment_is_what_the_configuration_reads(stack):
    read = set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', source("config")))
    assert stack.environment().keys() == read - {"AWS_REGION"}, "that one Lambda sets"


def test_a_second_stack_fits_into_the_same_account():
    for name, resource in TEMPLATE["Resources"].items():
        names = {key: v for key, v in resource.get("Properties", {}).items() if key.endswith("Name") and key != "MetricName"}
        assert not [value for value in names.values() if isinstance(value, str)], f"{name} has a fixed name"


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_a_release_carries_a_template_that_needs_no_build(architecture):
    text = subprocess.run([RELEASE, architecture], check=True, capture_output=True, text=True).stdout
    assert f"CodeUri: aurora-nlb-failover-{architecture}.zip\n" in text
    assert "BuildMethod" not in text, "it asks for a build"
    assert "LICENSE" not in text, "it needs a file that a release does not have"
    assert "Architecture" not in parse(text)["Parameters"], "it asks for what the zip has decided"
    assert ", Architecture" not in text
    stack = Stack(text)
    assert stack.properties("FailoverFunction")["Architectures"] == [architecture]
    assert properties(stack) == properties(Stack(Architecture=architecture)), "it differs in more than the code"


def properties(stack):
    return {name: resource["Properties"] for name, resource in stack.resources.items()}


def test_a_release_knows_no_other_architecture():
    refused = subprocess.run([RELEASE, "mips"], capture_output=True, text=True)
    assert refused.returncode != 0
    assert not refused.stdout


def test_the_repository_metadata_agrees_with_the_crate():
    package = tomllib.loads((ROOT / "Cargo.toml").read_text())["package"]
    metadata = TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"]
    found = [metadata[key] for key in ("Name", "SemanticVersion", "SpdxLicenseId")]
    assert found == [package[key] for key in ("name", "version", "license")]


@pytest.mark.parametrize("url", ["LicenseUrl", "ReadmeUrl"])
def test_the_files_that_the_metadata_names_are_there(url):
    # Without them "sam deploy" fails, not only "sam publish".
    assert (ROOT / TEMPLATE["Metadata"]["AWS::ServerlessRepo::Application"][url]).is_file()
