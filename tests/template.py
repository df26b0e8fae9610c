"""Holds template.yaml to what the function really does, on the template that SAM makes of it.

Needs aws-sam-translator and PyYAML from PyPI (both come with aws-sam-cli), no network and no AWS account.
"""

import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")  # the translator asks boto3 for one as it is imported
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parent.parent
FAILOVER_IDS = {f"RDS-EVENT-00{n}" for n in range(69, 74)}
# The IAM action of each SDK call. A call that is not here fails the test: decide first what the role must allow.
ACTIONS = {
    "register_targets": "elasticloadbalancing:RegisterTargets",
    "deregister_targets": "elasticloadbalancing:DeregisterTargets",
    "describe_target_health": "elasticloadbalancing:DescribeTargetHealth",
    "describe_target_groups": "elasticloadbalancing:DescribeTargetGroups",
    "describe_target_group_attributes": "elasticloadbalancing:DescribeTargetGroupAttributes",
    "describe_db_clusters": "rds:DescribeDBClusters",
    "describe_db_instances": "rds:DescribeDBInstances",
}
LOG_ACTIONS = {"logs:CreateLogStream", "logs:PutLogEvents"}  # Lambda's own, with the function's role
READS = ("Describe", "Get", "List")

SAM = yaml_parse((ROOT / "template.yaml").read_text())
# The translator wants code that has been uploaded already.
SAM["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] = "s3://bucket/key"
MANAGED = {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
TEMPLATE = Translator(MANAGED, Parser()).translate(sam_template=SAM, parameter_values={})
RESOURCES = TEMPLATE["Resources"]
CLAIMS = []


def claim(function):
    CLAIMS.append(function)
    return function


def the_only(kind):
    found = [resource for resource in RESOURCES.values() if resource["Type"] == kind]
    assert len(found) == 1, f"expected one {kind}, found {len(found)}"
    return found[0]


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(role="ExecutionRole"):
    return [s for p in RESOURCES[role]["Properties"].get("Policies", []) for s in as_list(p["PolicyDocument"]["Statement"])]


def source(name):
    return (ROOT / "src" / name).read_text().split("#[cfg(test)]")[0]


def delivered(message):
    """What SNS does with a filter on the body: one suffix of every key must match, case and spaces included."""
    subscription = the_only("AWS::SNS::Subscription")["Properties"]
    assert subscription["FilterPolicyScope"] == "MessageBody", "the filter must look at the body, not at attributes"
    try:
        body = json.loads(message)
    except ValueError:
        return False
    matches = lambda key, rules: any(str(body.get(key)).endswith(rule["suffix"]) for rule in rules)
    return all(matches(key, rules) for key, rules in subscription["FilterPolicy"].items())


def sample_messages():
    """(name, message, is it a failover) of each SNS record in events/."""
    for path in sorted((ROOT / "events").glob("*.json")):
        for number, record in enumerate(json.loads(path.read_text()).get("Records", [])):
            message = record.get("Sns", {}).get("Message", "")
            found = re.search(r'"Event ID":\s*"[^"]*#(RDS-EVENT-\d{4})\s*"', message)
            yield f"{path.name}[{number}]", message, bool(found) and found[1] in FAILOVER_IDS


@claim
def the_filter_delivers_every_failover_of_events():
    failovers = {name: message for name, message, is_failover in sample_messages() if is_failover}
    assert len(failovers) >= 10, f"failover messages are missing from events/: only {list(failovers)}"
    dropped = [name for name, message in failovers.items() if not delivered(message)]
    assert not dropped, f"the filter policy would drop {dropped}"


@claim
def the_filter_drops_everything_else_of_events():
    others = {name: message for name, message, is_failover in sample_messages() if not is_failover}
    assert {"other-event.json[0]", "subscription-notice.json[0]"} <= others.keys(), f"samples are missing: only {list(others)}"
    passed = [name for name, message in others.items() if delivered(message)]
    assert not passed, f"the filter policy would deliver {passed}"


@claim
def the_filter_knows_the_five_failover_ids_and_no_other():
    for number in range(1, 1000):
        event_id = f"RDS-EVENT-{number:04}"
        for tail in ("", " "):
            verdict = delivered(json.dumps({"Event ID": f"http://example.com/page.html#{event_id}{tail}"}))
            assert verdict == (event_id in FAILOVER_IDS), f"{event_id!r} followed by {tail!r}: delivered is {verdict}"


@claim
def the_role_allows_what_the_source_calls_and_nothing_more():
    verbs = "add|create|delete|(?:de)?register|describe|failover|modify|reboot|remove|set|start|stop"
    calls = set(re.findall(rf"\.\s*((?:{verbs})_[a-z_]+)\(\)", source("aws.rs")))
    assert calls <= ACTIONS.keys(), f"src/aws.rs makes calls that this test does not know: {calls - ACTIONS.keys()}"
    needed = {ACTIONS[call] for call in calls} | LOG_ACTIONS
    allowed = {action for s in statements() for action in as_list(s["Action"])}
    assert allowed == needed, f"the role lacks {needed - allowed}, and allows without need {allowed - needed}"


@claim
def the_role_has_no_managed_policy():
    for name, resource in RESOURCES.items():
        if resource["Type"] == "AWS::IAM::Role":
            assert not resource["Properties"].get("ManagedPolicyArns"), f"{name} has a managed policy"
    assert RESOURCES["FailoverFunction"]["Properties"]["Role"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}, "another role"


@claim
def no_write_is_allowed_on_every_resource():
    for role in [name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::IAM::Role"]:
        for s in statements(role):
            writes = [a for a in as_list(s["Action"]) if not a.split(":")[1].startswith(READS)]
            assert not writes or "*" not in as_list(s["Resource"]), f"{writes} on *"


@claim
def each_right_is_as_narrow_as_iam_allows():
    scope = {action: s["Resource"] for s in statements() for action in as_list(s["Action"])}
    for action in ("RegisterTargets", "DeregisterTargets"):
        assert scope[f"elasticloadbalancing:{action}"] == {"Ref": "TargetGroupArn"}, f"{action} is not for the one group"
    assert scope["rds:DescribeDBClusters"]["Fn::Sub"].endswith(":cluster:${DbClusterId}"), "not for the one cluster"
    assert "${AWS::Region}:${AWS::AccountId}:db:" in scope["rds:DescribeDBInstances"]["Fn::Sub"], "not for this account"
    assert all(scope[a] == {"Fn::GetAtt": ["FailoverLogGroup", "Arn"]} for a in LOG_ACTIONS), "not for the one log group"


@claim
def the_environment_is_what_the_configuration_reads():
    read = set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', source("config.rs")))
    given = set(RESOURCES["FailoverFunction"]["Properties"]["Environment"]["Variables"])
    assert given == read, f"only the template sets {given - read}, only src/config.rs reads {read - given}"


@claim
def only_rds_of_this_account_may_publish():
    (s,) = as_list(the_only("AWS::SNS::TopicPolicy")["Properties"]["PolicyDocument"]["Statement"])
    assert s["Principal"] == {"Service": "events.rds.amazonaws.com"}, f"another principal: {s['Principal']}"
    assert s["Action"] == "sns:Publish", f"more than publish: {s['Action']}"
    assert s["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}, "any account may publish"
    assert ":rds:${AWS::Region}:${AWS::AccountId}:" in s["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"], "any source"


@claim
def rds_sends_the_failovers_of_the_one_cluster_once_it_may():
    subscription = the_only("AWS::RDS::EventSubscription")
    found = [subscription["Properties"][key] for key in ("SourceType", "EventCategories", "SourceIds")]
    assert found == ["db-cluster", ["failover"], [{"Ref": "DbClusterId"}]], f"subscribed to {found}"
    assert "FailoverTopicPolicy" in as_list(subscription.get("DependsOn", [])), "created before the topic policy lets RDS publish"


@claim
def a_second_stack_fits_into_the_same_account():
    for name, resource in RESOURCES.items():
        properties = resource.get("Properties", {}).items()
        fixed = [value for key, value in properties if key.endswith("Name") and isinstance(value, str)]
        assert not fixed, f"{name} has the fixed name {fixed[0]}"


@claim
def every_parameter_says_what_it_accepts():
    for name, parameter in TEMPLATE["Parameters"].items():
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & parameter.keys(), f"{name} accepts anything"
        assert parameter.get("ConstraintDescription"), f"{name} does not say what it accepts"
    pattern = TEMPLATE["Parameters"]["IpDict"]["AllowedPattern"]
    for value in ("{}", '{"aurora-1": "10.0.1.11","aurora-2":"fd00::2" }'):
        assert re.search(pattern, value), f"IpDict refuses {value}"
    for value in ("", "[]", '{"aurora-1": 1}', '{"aurora-1": "10.0.1.11",}', "{'aurora-1': '10.0.1.11'}"):
        assert not re.search(pattern, value), f"IpDict accepts {value}"


if __name__ == "__main__":
    failed = 0
    for check in CLAIMS:
        try:
            check()
        except Exception as error:
            failed += 1
            print(f"FAILED {check.__name__.replace('_', ' ')}\n       {type(error).__name__}: {error}")
    print(f"{len(CLAIMS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
