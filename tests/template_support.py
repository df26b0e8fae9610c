"""What tests/template.py and tests/template_operations.py stand on: template.yaml as the stack that given parameters make
of it, and small readings of the patterns that SNS, EventBridge and CloudWatch Logs match."""

import copy
import functools
import json
import logging
import operator
import os
import re
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")  # the translator asks boto3 for one as it is imported
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of metrics of its own at the end

ROOT = Path(__file__).resolve().parent.parent
GIVEN_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/given/0123456789abcdef"
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "stack",
}
# Resources whose Ref is an ARN, with the service's part of it.
ARN_REFS = {
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:eu-west-1:123456789012:targetgroup/{}/fedcba9876543210",
    "AWS::SNS::Topic": "sns:eu-west-1:123456789012:{}",
}
MANAGED = {"AWSLambdaBasicExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}
CLAIMS = []


def claim(function):
    CLAIMS.append(function)
    return function


parse = functools.cache(yaml_parse)


def translate(text, parameters):
    """The CloudFormation template that SAM makes of this text for these parameters: it puts the values of some in itself."""
    sam = copy.deepcopy(parse(text))
    # The translator wants code that has been uploaded already.
    sam["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] = "s3://bucket/key"
    return Translator(MANAGED, Parser()).translate(sam_template=sam, parameter_values=parameters)


SOURCE = (ROOT / "template.yaml").read_text()
TEMPLATE = translate(SOURCE, {})


def as_list(value):
    return value if isinstance(value, list) else [value]


def source(name):
    return (ROOT / "src" / name).read_text().split("#[cfg(test)]")[0]


def events():
    """(name, payload) of each file in events/."""
    return [(path.name, json.loads(path.read_text())) for path in sorted((ROOT / "events").glob("*.json"))]


class Stack:
    """What CloudFormation would make with these parameters: only what exists, every function evaluated."""

    def __init__(self, text=SOURCE, **parameters):
        given = {"DbClusterId": "aurora-prod", "TargetGroupArn": GIVEN_GROUP} | parameters
        self.template = template = translate(text, given)
        unknown = parameters.keys() - template["Parameters"].keys()
        assert not unknown, f"no such parameters: {unknown}"
        defaults = {name: p["Default"] for name, p in template["Parameters"].items() if "Default" in p}
        self.parameters = {name: str(value) for name, value in (defaults | given).items()}
        self.existing = {name for name, r in template["Resources"].items() if self.holds(r.get("Condition"))}
        self.resources = {name: self.value(template["Resources"][name]) for name in sorted(self.existing)}
        outputs = template["Outputs"].items()
        self.outputs = {name: self.value(output["Value"]) for name, output in outputs if self.holds(output.get("Condition"))}

    def holds(self, condition):
        return condition is None or self.value(self.template["Conditions"][condition])

    def value(self, node):
        if isinstance(node, list):
            return [v for v in map(self.value, node) if v is not None]
        if not isinstance(node, dict):
            return node
        function, argument = next(iter(node.items())) if len(node) == 1 else (None, None)
        evaluate = getattr(self, "fn_" + str(function).replace("Fn::", "").lower(), None)
        if evaluate and (function in ("Ref", "Condition") or str(function).startswith("Fn::")):
            return evaluate(argument)
        values = {key: self.value(value) for key, value in node.items() if key != "Condition" or isinstance(value, dict)}
        return {key: value for key, value in values.items() if value is not None}

    def fn_ref(self, name):
        if name in PSEUDO or name in self.parameters:
            return PSEUDO.get(name) if name in PSEUDO else self.parameters[name]
        assert name in self.existing, f"a reference to {name}, which this stack does not have"
        form = ARN_REFS.get(self.template["Resources"][name]["Type"])
        return f"arn:aws:{form.format(name)}" if form else name

    def fn_getatt(self, argument):
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        assert name in self.existing, f"a reference to {name}, which this stack does not have"
        return f"{name}.{attribute}"

    def fn_sub(self, argument):
        text, extra = argument if isinstance(argument, list) else (argument, {})
        extra = {key: self.value(value) for key, value in extra.items()}
        look_up = lambda name: extra[name] if name in extra else self.fn_getatt(name) if "." in name else self.fn_ref(name)
        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", lambda found: look_up(found[1]), text)

    fn_condition = holds
    fn_if = lambda self, argument: self.value(argument[1] if self.holds(argument[0]) else argument[2])
    fn_equals = lambda self, argument: str(self.value(argument[0])) == str(self.value(argument[1]))
    fn_not = lambda self, argument: not self.value(argument[0])
    fn_and = lambda self, argument: all(map(self.value, argument))
    fn_or = lambda self, argument: any(map(self.value, argument))
    fn_split = lambda self, argument: self.value(argument[1]).split(argument[0])
    fn_select = lambda self, argument: self.value(argument[1])[int(argument[0])]
    fn_join = lambda self, argument: argument[0].join(self.value(argument[1]))

    def of_type(self, kind):
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == kind}

    def properties(self, name):
        assert name in self.resources, f"this stack has no {name}"
        return self.resources[name]["Properties"]

    def statements(self, role):
        policies = self.properties(role).get("Policies", [])
        return [s for policy in policies for s in as_list(policy["PolicyDocument"]["Statement"])]

    def broken_rules(self):
        """The descriptions of the assertions with which CloudFormation would refuse these parameters."""
        rules = [rule for rule in self.template["Rules"].values() if self.value(rule.get("RuleCondition", True))]
        return [a["AssertDescription"] for rule in rules for a in rule["Assertions"] if not self.value(a["Assert"])]


def event_matches(pattern, event):
    """EventBridge: every key of the pattern, down to a list that holds the event's value."""
    if isinstance(pattern, list):
        return any(value in pattern for value in as_list(event))
    return isinstance(event, dict) and all(key in event and event_matches(rest, event[key]) for key, rest in pattern.items())


COMPARE = {"=": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
TOKEN = re.compile(r'\s*(&&|\|\||[()]|\$\.(?P<path>[\w.]+)\s*(?P<op>!=|>=|<=|=|>|<)\s*(?:"(?P<text>[^"]*)"|(?P<number>-?[\d.]+)))')


def line_matches(pattern, line):
    """CloudWatch Logs: a filter pattern for JSON. A field that is missing, or of another kind, matches nothing."""
    assert pattern.startswith("{") and pattern.endswith("}"), f"not a pattern for JSON: {pattern}"
    rest, python = pattern[1:-1].strip(), []
    while rest:
        token = TOKEN.match(rest)
        assert token, f"cannot be read: {rest}"
        rest = rest[token.end():].strip()
        python.append({"&&": "and", "||": "or"}.get(token[1], token[1]) if not token["path"] else str(compare(token, line)))
    return eval(" ".join(python))  # by now only True, False, and, or, brackets


def compare(token, line):
    for key in token["path"].split("."):
        line = line.get(key) if isinstance(line, dict) else None
    wanted = token["text"] if token["text"] is not None else float(token["number"])
    alike = isinstance(line, str) if isinstance(wanted, str) else isinstance(line, (int, float)) and not isinstance(line, bool)
    return alike and COMPARE[token["op"]](line, wanted)
