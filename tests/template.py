"""Holds template.yaml to what the function really does, on the template that SAM makes of it.

Needs aws-sam-translator and PyYAML from PyPI (both come with aws-sam-cli), no network and no AWS account.
"""

import json
import re
import sys

import template_choices  # noqa: F401  (their claims join these)
import template_operations  # noqa: F401
from template_support import CLAIMS, TEMPLATE, Stack, as_list, claim, event_matches, events, source

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
# What Lambda itself does with the function's role: its log, and the queue of what failed.
LAMBDAS_OWN = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
READS = ("Describe", "Get", "List")

STACK = Stack()
THROUGH_EVENTBRIDGE = Stack(EventSource="EventBridge")


def delivered(message):
    """What SNS does with a filter on the body: one suffix of every key must match, case and spaces included."""
    subscription = STACK.properties("FailoverSubscription")
    assert subscription["FilterPolicyScope"] == "MessageBody", "the filter must look at the body, not at attributes"
    try:
        body = json.loads(message)
    except ValueError:
        return False
    matches = lambda key, rules: any(str(body.get(key)).endswith(rule["suffix"]) for rule in rules)
    return all(matches(key, rules) for key, rules in subscription["FilterPolicy"].items())


def sample_messages():
    """(name, message, is it a failover) of each SNS record in events/."""
    for name, payload in events():
        for number, record in enumerate(payload.get("Records", [])):
            message = record.get("Sns", {}).get("Message", "")
            found = re.search(r'"Event ID":\s*"[^"]*#(RDS-EVENT-\d{4})\s*"', message)
            yield f"{name}[{number}]", message, bool(found) and found[1] in FAILOVER_IDS


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
def the_rule_of_eventbridge_delivers_the_failovers_of_the_one_cluster_and_nothing_else():
    pattern = THROUGH_EVENTBRIDGE.properties("FailoverRule")["EventPattern"]
    samples = [(name, payload) for name, payload in events() if "source" in payload]
    verdicts = {name: (payload["source"] == "aws.rds", event_matches(pattern, payload)) for name, payload in samples}
    assert len(verdicts) >= 4 and len(set(verdicts.values())) == 2, f"samples are missing: only {list(verdicts)}"
    wrong = [name for name, (is_failover, passed) in verdicts.items() if is_failover != passed]
    assert not wrong, f"the pattern judges {wrong} wrongly"
    started = dict(samples)["eventbridge-started.json"]
    for number in range(1, 1000):
        event_id = f"RDS-EVENT-{number:04}"
        verdict = event_matches(pattern, started | {"detail": started["detail"] | {"EventID": event_id}})
        assert verdict == (event_id in FAILOVER_IDS), f"{event_id}: delivered is {verdict}"
    other = started | {"detail": started["detail"] | {"SourceIdentifier": "another"}}
    assert not event_matches(pattern, other), "an event of another cluster is delivered"


@claim
def the_role_allows_what_the_source_calls_and_nothing_more():
    verbs = "add|create|delete|(?:de)?register|describe|failover|modify|reboot|remove|set|start|stop"
    calls = set(re.findall(rf"\.\s*((?:{verbs})_[a-z_]+)\(\)", source("aws.rs")))
    assert calls <= ACTIONS.keys(), f"src/aws.rs makes calls that this test does not know: {calls - ACTIONS.keys()}"
    for stack, more in ((STACK, set()), (Stack(KmsKeyArn="key"), {"kms:Decrypt", "kms:GenerateDataKey"})):
        needed = {ACTIONS[call] for call in calls} | LAMBDAS_OWN | more
        allowed = {action for s in stack.statements("ExecutionRole") for action in as_list(s["Action"])}
        assert allowed == needed, f"the role lacks {needed - allowed}, and allows without need {allowed - needed}"
    assert STACK.properties("FailoverFunction")["Role"] == "ExecutionRole.Arn", "the function has another role"


@claim
def the_schedules_role_may_invoke_the_one_function_and_nothing_more():
    (statement,) = STACK.statements("SchedulerRole")
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", "FailoverFunction.Arn"), statement
    (schedule,) = STACK.of_type("AWS::Scheduler::Schedule").values()
    assert schedule["Target"]["RoleArn"] == "SchedulerRole.Arn", "the schedule has another role"


@claim
def no_role_has_a_managed_policy_or_writes_on_every_resource():
    assert STACK.of_type("AWS::IAM::Role").keys() == {"ExecutionRole", "SchedulerRole"}, "other roles than expected"
    for role, properties in STACK.of_type("AWS::IAM::Role").items():
        assert not properties.get("ManagedPolicyArns"), f"{role} has a managed policy"
        for s in STACK.statements(role):
            writes = [a for a in as_list(s["Action"]) if not a.split(":")[1].startswith(READS)]
            assert not writes or "*" not in as_list(s["Resource"]), f"{role}: {writes} on *"


@claim
def each_right_is_as_narrow_as_iam_allows():
    own = Stack(TargetGroupArn="", VpcId="vpc-12345678", SubnetIds="subnet-12345678")
    for stack, group in ((STACK, STACK.parameters["TargetGroupArn"]), (own, own.fn_ref("TargetGroup"))):
        scope = {action: s["Resource"] for s in stack.statements("ExecutionRole") for action in as_list(s["Action"])}
        for action in ("RegisterTargets", "DeregisterTargets"):
            assert scope[f"elasticloadbalancing:{action}"] == group, f"{action} is not for the one group"
        assert scope["rds:DescribeDBClusters"].endswith(":123456789012:cluster:aurora-prod"), "not for the one cluster"
        assert scope["rds:DescribeDBInstances"] == "arn:aws:rds:eu-west-1:123456789012:db:*", "not for this account"
        assert scope["sqs:SendMessage"] == "FailedRuns.Arn", "not for the one queue"
        assert all(scope[a] == "FailoverLogGroup.Arn" for a in LAMBDAS_OWN if a.startswith("logs:")), "not for the one log group"


@claim
def the_environment_is_what_the_configuration_reads():
    read = set(re.findall(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"', source("config.rs")))
    given = set(STACK.properties("FailoverFunction")["Environment"]["Variables"])
    assert given == read, f"only the template sets {given - read}, only src/config.rs reads {read - given}"


@claim
def only_rds_of_this_account_may_publish():
    (s,) = as_list(STACK.properties("FailoverTopicPolicy")["PolicyDocument"]["Statement"])
    assert s["Principal"] == {"Service": "events.rds.amazonaws.com"}, f"another principal: {s['Principal']}"
    assert s["Action"] == "sns:Publish", f"more than publish: {s['Action']}"
    assert s["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}, "any account may publish"
    assert s["Condition"]["ArnLike"]["aws:SourceArn"] == "arn:aws:rds:eu-west-1:123456789012:*", "any source"


@claim
def rds_sends_the_failovers_of_the_one_cluster_once_it_may():
    (subscription,) = STACK.of_type("AWS::RDS::EventSubscription").values()
    found = [subscription[key] for key in ("SourceType", "EventCategories", "SourceIds", "SnsTopicArn")]
    topic = STACK.fn_ref("FailoverTopic")
    assert found == ["db-cluster", ["failover"], ["aurora-prod"], topic], f"subscribed to {found}"
    # A reference is what makes CloudFormation wait for the policy; RDS refuses a topic that does not let it publish.
    raw = json.dumps(TEMPLATE["Resources"]["FailoverEvents"])
    assert '{"Ref": "FailoverTopicPolicy"}' in raw, "created before the topic policy lets RDS publish"


@claim
def only_the_events_source_may_invoke_the_function():
    for stack, principal, arn in (
        (STACK, "sns.amazonaws.com", STACK.fn_ref("FailoverTopic")),
        (THROUGH_EVENTBRIDGE, "events.amazonaws.com", "FailoverRule.Arn"),
    ):
        (permission,) = stack.of_type("AWS::Lambda::Permission").values()
        assert (permission["Principal"], permission["SourceArn"]) == (principal, arn), permission


@claim
def a_second_stack_fits_into_the_same_account():
    for name, resource in TEMPLATE["Resources"].items():
        properties = resource.get("Properties", {}).items()
        names = [(key, value) for key, value in properties if key.endswith("Name") and key != "MetricName"]
        fixed = [value for _, value in names if isinstance(value, str)]
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
