"""The pages lead where they say, and what they give to paste speaks of parameters, outputs, files and fields that there are."""

import re
import tomllib
from pathlib import Path
from typing import Any

import hcl2
import pytest

from support.project import ROOT
from support.runbook import block, blocks
from template.cloudformation import BALANCER, GIVEN_GROUP, REQUIRED, SOURCE, TEMPLATE, Stack, accepts, parse, released
from template.log import FIELDS

PAGES = sorted(page for pattern in ("*.md", ".github/*.md", "events/*.md", "tests/*.md") for page in ROOT.glob(pattern))
RUNBOOK = (ROOT / "RUNBOOK.md").read_text()
LINK = "https://example.com/RUNBOOK.md"
RELEASE = released("arm64", LINK)
ZIP = re.findall(r"CodeUri: (\S+\.zip)", RELEASE)


def prose(page: Path) -> str:
    """The page without its blocks of code, whose comments look like headings."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> list[str]:
    """What GitHub makes of the page's headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_has_its_file_and_heading_and_every_numbered_source_its_address(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", prose(page)):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchors(target).count(anchor) == 1, link
    given = re.findall(r"^\[(\d+)\]: https://", prose(page), re.MULTILINE)
    assert sorted(given) == sorted(set(re.findall(r"\[(\d+)\](?![:(])", re.sub("`[^`]*`", "", prose(page)))))


ALARMS = Stack().of_type("AWS::CloudWatch::Alarm")


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_names_its_section_of_the_runbook(alarm: str) -> None:
    assert ALARMS[alarm]["AlarmDescription"].endswith(f"See RUNBOOK.md, {alarm}.")
    assert f"\n### {alarm}\n" in RUNBOOK


def test_a_release_leads_to_the_runbook_of_its_version() -> None:
    assert RELEASE.count("RUNBOOK.md") == RELEASE.count(LINK) == SOURCE.count("RUNBOOK.md") > len(ALARMS)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def required(template: dict[str, Any]) -> set[str]:
    return {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}


def deployable(parameters: dict[str, str]) -> bool:
    """Whether CloudFormation accepts these values, and asks for no other."""
    assert [name for name, value in parameters.items() if not accepts(name, value)] == []
    return required(TEMPLATE) <= parameters.keys() and Stack(**parameters).broken_rules() == []


def test_the_sample_settings_are_parameters_and_build_what_they_deploy() -> None:
    settings = tomllib.loads(block("### Settings", "toml"))["default"]
    deployed = settings["deploy"]["parameters"]["parameter_overrides"]
    assert deployable(deployed)
    assert settings["build"]["parameters"]["parameter_overrides"] == {"Architecture": deployed["Architecture"]}


def overrides(page: str, command: str) -> list[set[str]]:
    """The names of the parameters that each such command of the page gives, on its first or its second line."""
    given = re.findall(rf"{command}[^\n]*(?:\\\n[^\n]*)?--parameter-overrides ([^\n]*)", (ROOT / page).read_text())
    return [set(re.findall(r"(\w+)=", one)) for one in given]


@pytest.mark.parametrize("page", ["README.md", "RUNBOOK.md"])
def test_the_commands_to_deploy_give_what_the_templates_require(page: str) -> None:
    (function,) = overrides(page, "sam deploy --save-params")
    assert deployable({name: REQUIRED[name] for name in function})
    first, *later = overrides(page, "aws cloudformation deploy [^\n]*--template-file balancer.yaml")
    assert required(BALANCER) <= first
    assert all(given <= BALANCER["Parameters"].keys() for given in [first, *later])


def plain(text: str) -> str:
    """The parser keeps the quotes of strings."""
    return text.strip('"')


def test_terraform_hands_the_release_to_cloudformation() -> None:
    text = block("## Terraform and CDK", "hcl")
    read = hcl2.loads(text)
    resources = {plain(kind): body for entry in read["resource"] for kind, body in entry.items()}
    stack = resources["aws_cloudformation_stack"]['"failover"']
    variables = {"${var.db_cluster_id}": "aurora-prod", "${var.target_group_arn}": GIVEN_GROUP}
    given = {name: plain(value) for name, value in stack["parameters"].items()}
    assert deployable({name: variables.get(value, value) for name, value in given.items()})
    assert {plain(one) for one in stack["capabilities"]} == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
    assert set(re.findall(r'outputs\["(\w+)"\]', text)) <= TEMPLATE["Outputs"].keys()
    # What it refers to is declared.
    kinds = {"variable": "var", "locals": "local"}
    declared = {f"{kinds[kind]}.{plain(name)}" for kind in kinds for entry in read[kind] for name in entry}
    declared |= {f"{plain(kind)}.{plain(name)}" for entry in read["resource"] for kind, body in entry.items() for name in body}
    assert set(re.findall(r"\b((?:var|local|aws_\w+)\.\w+)", text)) <= declared
    # The zip is uploaded, and the template points at it.
    ((file, before, after),) = re.findall(r'replace\(\s*file\("[^"]*/([^"/]+)"\),\s*"([^"]+)",\s*"([^"]+)"', text)
    uploaded = RELEASE.replace(before, after.replace("${aws_s3_bucket.code.id}", "b").replace("${aws_s3_object.zip.key}", "k"))
    assert (file, RELEASE.count(before)) == ("template-arm64.yaml", 1)
    assert parse(uploaded)["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] == "s3://b/k"
    assert re.findall(r'zip = "\${path.module}/(.*)"', text) == ZIP


def test_cdk_sets_parameters_of_the_template_and_uploads_the_release() -> None:
    text = block("## Terraform and CDK", "ts")
    assert deployable(dict(re.findall(r"getParameter\('(\w+)'\)\.default = '([^']+)'", text)))
    assert set(re.findall(r"getResource\('(\w+)'\)", text)) <= TEMPLATE["Resources"].keys()
    assert (re.findall(r"path: '([^']+)'", text), "templateFile: 'template-arm64.yaml'" in text) == (ZIP, True)


@pytest.mark.parametrize("query", blocks("## Queries", ""))
def test_a_query_reads_fields_that_the_log_has(query: str) -> None:
    made = {name for names in re.findall(r"\?<(\w+)>| as (\w+)", query) for name in names}
    words = re.findall(r"(?:fields|by|ispresent\(|coalesce\() ?([\w@., ]+)", query)
    used = {word.strip().split(".")[0] for part in words for word in part.split(",")} - {"", "coalesce"}
    assert {word for word in used if not word.startswith("@")} <= FIELDS | made
