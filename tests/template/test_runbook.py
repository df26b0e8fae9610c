"""What RUNBOOK.md gives to paste speaks of parameters, outputs, files and fields that there are."""

import json
import re
import subprocess
import tomllib

import hcl2
import pytest

from support.project import ROOT
from support.runbook import block, blocks
from template.cloudformation import GIVEN_GROUP, TEMPLATE, Stack, as_list, parse
from template.log import LINES

RELEASE = subprocess.run([ROOT / ".github" / "release-template.sh", "arm64"], check=True, capture_output=True, text=True).stdout
ZIP = re.findall(r"CodeUri: (\S+\.zip)", RELEASE)
PLACEHOLDERS = {"DbClusterId": "aurora-prod", "TargetGroupArn": GIVEN_GROUP}


def accepted(parameters):
    """Whether CloudFormation accepts these values."""
    for name, value in parameters.items():
        parameter = TEMPLATE["Parameters"][name]
        assert re.search(parameter.get("AllowedPattern", ""), value), name
        assert value in [str(allowed) for allowed in parameter.get("AllowedValues", [value])], name
    assert Stack(**parameters).broken_rules() == []
    required = {name for name, parameter in TEMPLATE["Parameters"].items() if "Default" not in parameter}
    return required <= parameters.keys()


@pytest.fixture(scope="module")
def settings():
    return tomllib.loads(block("### Settings", "toml"))["default"]


def test_the_sample_settings_are_parameters_of_the_template(settings):
    assert accepted(settings["deploy"]["parameters"]["parameter_overrides"])


def test_the_sample_settings_build_what_they_deploy(settings):
    built = settings["build"]["parameters"]["parameter_overrides"]
    assert built == {"Architecture": settings["deploy"]["parameters"]["parameter_overrides"]["Architecture"]}


@pytest.mark.parametrize("page", ["README.md", "RUNBOOK.md"])
def test_the_one_command_names_parameters_of_the_template(page):
    (overrides,) = re.findall(
        r"sam deploy --save-params[^\n]*(?: \\\n *[^\n]*)?--parameter-overrides ([^\n]*)", (ROOT / page).read_text()
    )
    names = re.findall(r"(\w+)=", overrides)
    assert accepted({name: PLACEHOLDERS[name] for name in names})


@pytest.fixture(scope="module")
def hcl():
    return block("## Terraform and CDK", "hcl")


@pytest.fixture(scope="module")
def terraform(hcl):
    """What Terraform would read: kind or type → name → body. The parser keeps the quotes of strings."""
    found: dict[str, dict] = {}
    for kind, entries in hcl2.loads(hcl).items():
        for entry in entries if kind in ("variable", "output", "locals", "resource") else []:
            named = {plain(key): value for key, value in entry.items() if key != "__is_block__"}
            if kind == "resource":
                ((kind_of_resource, body),) = named.items()
                found.setdefault(kind_of_resource, {}).update({plain(key): value for key, value in body.items()})
            else:
                found.setdefault(kind, {}).update(named)
    return found


def plain(text):
    return text.strip('"')


@pytest.fixture(scope="module")
def stack(terraform):
    return terraform["aws_cloudformation_stack"]["failover"]


def test_terraform_gives_parameters_of_the_template(stack):
    given = {name: plain(value) for name, value in stack["parameters"].items()}
    variables = {"${var.db_cluster_id}": "aurora-prod", "${var.target_group_arn}": GIVEN_GROUP}
    assert accepted({name: variables.get(value, value) for name, value in given.items()})


def test_terraform_reads_outputs_of_the_template(hcl):
    read = set(re.findall(r'outputs\["(\w+)"\]', hcl))
    assert read
    assert read <= TEMPLATE["Outputs"].keys()


def test_terraform_may_make_roles_and_let_sam_transform(stack):
    assert {plain(capability) for capability in stack["capabilities"]} == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}


def test_terraform_uploads_the_release_and_points_the_template_at_it(terraform, hcl):
    found = re.search(r'replace\(\s*file\("[^"]*/([^"/]+)"\),\s*"([^"]+)",\s*"([^"]+)"', hcl)
    assert found
    file, before, after = found.groups()
    assert (file, RELEASE.count(before)) == ("template-arm64.yaml", 1)
    uploaded = parse(
        RELEASE.replace(before, after.replace("${aws_s3_bucket.code.id}", "b").replace("${aws_s3_object.zip.key}", "k"))
    )
    assert uploaded["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] == "s3://b/k"
    assert [plain(terraform["locals"]["zip"]).rsplit("/", 1)[1]] == ZIP


def test_terraform_refers_only_to_what_it_declares(terraform, hcl):
    declared = {f"{kind}.{name}" for kind, bodies in terraform.items() for name in bodies}
    declared = {name.replace("variable.", "var.").replace("locals.", "local.") for name in declared}
    used = set(re.findall(r"\b((?:var|local|aws_\w+)\.\w+)", hcl))
    assert used <= declared
    assert {name for name in declared if name.startswith(("var.", "local."))} <= used


def test_cdk_sets_parameters_of_the_template_and_uploads_the_release():
    text = block("## Terraform and CDK", "ts")
    given = dict(re.findall(r"getParameter\('(\w+)'\)\.default = '([^']+)'", text))
    assert accepted(given)
    assert set(re.findall(r"getResource\('(\w+)'\)|dehydratedResources: \['(\w+)'\]|overrideLogicalId\('(\w+)'\)", text)) == {
        ("FailoverFunction", "", ""),
        ("", "FailoverFunction", ""),
        ("", "", "FailoverFunction"),
    }
    assert re.findall(r"path: '([^']+)'", text) == ZIP
    assert "templateFile: 'template-arm64.yaml'" in text


@pytest.fixture(scope="module")
def samples():
    """The statements of the sample role, and those of the sample key policy."""
    texts = [re.sub(r"^//.*$", "", text, flags=re.MULTILINE) for text in blocks("## Bring your own", "jsonc")]
    filled = [text.replace("REGION", "eu-west-1").replace("ACCOUNT", "123456789012").replace("STACK", "stack") for text in texts]
    return [json.loads(text) for text in filled]


def actions(statements):
    return {action for statement in statements for action in as_list(statement["Action"])}


def test_the_sample_role_allows_what_the_stacks_own_roles_do(samples):
    role, _ = samples
    stack = Stack()
    assert actions(role) == actions(stack.statements("ExecutionRole") + stack.statements("SchedulerRole"))


def test_the_sample_roles_patterns_fit_the_names_that_cloudformation_makes(samples):
    named = {as_list(s["Action"])[0]: s["Resource"].split("stack-")[1] for s in samples[0] if "stack-" in s["Resource"]}
    assert named == {
        "logs:CreateLogStream": "FailoverLogGroup-*",
        "sqs:SendMessage": "FailedRuns-*",
        "lambda:InvokeFunction": "FailoverFunction-*",
    }


def test_the_sample_key_lets_in_every_service_and_asks_for_the_source_where_that_works(samples):
    _, key = samples
    conditions = {service: s.get("Condition", {}) for s in key for service in as_list(s["Principal"]["Service"])}
    from_the_source = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    rds, alarms = (
        f"arn:aws:{service}:eu-west-1:123456789012:{what}" for service, what in (("rds", "*"), ("cloudwatch", "alarm:*"))
    )
    log = "arn:aws:logs:eu-west-1:123456789012:log-group:stack-FailoverLogGroup-*"
    assert conditions == {
        "events.rds.amazonaws.com": from_the_source | {"ArnLike": {"aws:SourceArn": rds}},
        "cloudwatch.amazonaws.com": from_the_source | {"ArnLike": {"aws:SourceArn": alarms}},
        "sns.amazonaws.com": {},
        "events.amazonaws.com": {},
        "logs.eu-west-1.amazonaws.com": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log}},
    }


@pytest.mark.parametrize("query", blocks("## Queries", ""))
def test_a_query_reads_fields_that_the_log_has(query):
    made = re.findall(r"\?<(\w+)>| as (\w+)", query)
    known = set().union(*(line for line, _ in LINES.values())) | {name for names in made for name in names}
    words = re.findall(r"(?:fields|by|ispresent\(|coalesce\() ?([\w@., ]+)", query)
    used = {word.strip().split(".")[0] for part in words for word in part.split(",")} - {"", "coalesce"}
    assert {word for word in used if not word.startswith("@")} <= known


def test_the_query_for_failures_names_a_refused_configuration():
    failures = blocks("## Queries", "")[2]
    line, _ = LINES["a bad configuration"]
    assert 'level = "ERROR"' in failures
    assert "coalesce(errorType," in failures
    assert line["errorType"]
