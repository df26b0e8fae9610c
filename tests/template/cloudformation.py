"""Evaluates a template as CloudFormation would for given parameters: only what exists, every intrinsic function."""

import copy
import functools
import logging
import re
import subprocess
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from support.project import ROOT

logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of metrics of its own at the end

SOURCE, BALANCER_SOURCE = ((ROOT / name).read_text() for name in ("template.yaml", "balancer.yaml"))
GIVEN_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/given/0123456789abcdef"
REQUIRED = {"DbClusterId": "aurora-prod", "TargetGroupArn": GIVEN_GROUP}
NETWORK = {"VpcId": "vpc-12345678", "SubnetIds": "subnet-12345678,subnet-87654321"}
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": None,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "stack",
}

parse = functools.cache(yaml_parse)


def released(*arguments: str) -> str:
    """The template that a release carries: for an architecture, and with an address of RUNBOOK.md."""
    script = ROOT / ".github" / "release-template.sh"
    return subprocess.run([script, *arguments], check=True, capture_output=True, text=True).stdout


def translate(text: str, parameters: dict[str, str]) -> dict[str, Any]:
    """The CloudFormation template, as SAM makes it of this text. SAM puts the values of some parameters in itself."""
    sam = copy.deepcopy(parse(text))
    if "Transform" not in sam:
        return sam
    # The translator wants code that has been uploaded already.
    sam["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] = "s3://bucket/key"
    return Translator({}, Parser()).translate(sam_template=sam, parameter_values=parameters)


TEMPLATE, BALANCER = translate(SOURCE, {}), parse(BALANCER_SOURCE)


def accepts(parameter: str, value: str) -> bool:
    """Whether CloudFormation accepts this value of a parameter."""
    declared = (TEMPLATE["Parameters"] | BALANCER["Parameters"])[parameter]
    allowed = [str(one) for one in declared.get("AllowedValues", [value])]
    return bool(re.search(declared.get("AllowedPattern", ""), value)) and value in allowed


class Stack:
    """What CloudFormation would make of the template with these parameters. The Ref of a resource is its name."""

    def __init__(self, text=SOURCE, **parameters):
        given = (NETWORK if text == BALANCER_SOURCE else REQUIRED) | parameters
        self.template = translate(text, given)
        declared = self.template["Parameters"]
        assert given.keys() <= declared.keys(), "no such parameters"
        self.parameters = {name: str(given.get(name, parameter.get("Default"))) for name, parameter in declared.items()}
        # What exists must be known before the first reference is looked up.
        self.resources = self.existing("Resources")
        self.resources = {name: self.value(resource) for name, resource in self.resources.items()}
        self.outputs = {name: self.value(output["Value"]) for name, output in self.existing("Outputs").items()}

    def existing(self, part):
        """The resources or outputs whose condition holds."""
        return {name: body for name, body in self.template[part].items() if self.holds(body.get("Condition"))}

    def of_type(self, kind):
        return {name: self[name] for name, resource in self.resources.items() if resource["Type"] == kind}

    def known(self, name):
        assert name in self.resources, f"this stack has no {name}"
        return name

    def __getitem__(self, name):
        """The properties of a resource."""
        return self.resources[self.known(name)].get("Properties", {})

    def statements(self, role):
        return [statement for policy in self[role]["Policies"] for statement in policy["PolicyDocument"]["Statement"]]

    def broken_rules(self):
        """The descriptions of the assertions with which CloudFormation would refuse these parameters."""
        rules = [rule for rule in self.template["Rules"].values() if self.value(rule.get("RuleCondition", True))]
        return [a["AssertDescription"] for rule in rules for a in rule["Assertions"] if not self.value(a["Assert"])]

    def holds(self, condition):
        return condition is None or self.value(self.template["Conditions"][condition])

    def value(self, node):
        """The node with every intrinsic function evaluated, and without what is AWS::NoValue."""
        if isinstance(node, list):
            return [v for v in map(self.value, node) if v is not None]
        if not isinstance(node, dict):
            return node
        function, argument = next(iter(node.items())) if len(node) == 1 else ("", None)
        if function in FUNCTIONS:
            return FUNCTIONS[function](self, argument)
        assert not function.startswith("Fn::"), f"a function that this test cannot evaluate: {function}"
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not None}

    def ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            value, kind = self.parameters[name], self.template["Parameters"][name]["Type"]
            return value.split(",") if kind.startswith("List<") else value
        return self.known(name)

    def attribute(self, argument):
        name, attribute = argument
        return f"{self.known(name)}.{attribute}"

    def substitute(self, argument):
        text, extra = argument if isinstance(argument, list) else (argument, {})

        def look_up(found):
            name = found[1]
            if name in extra:
                return self.value(extra[name])
            return self.attribute(name.split(".")) if "." in name else self.ref(name)

        return re.sub(r"\$\{([A-Za-z0-9:.]+)\}", look_up, text)


FUNCTIONS = {
    "Ref": Stack.ref,
    "Condition": Stack.holds,
    "Fn::GetAtt": Stack.attribute,
    "Fn::Sub": Stack.substitute,
    "Fn::If": lambda stack, argument: stack.value(argument[1] if stack.holds(argument[0]) else argument[2]),
    "Fn::Equals": lambda stack, argument: str(stack.value(argument[0])) == str(stack.value(argument[1])),
    "Fn::Not": lambda stack, argument: not stack.value(argument[0]),
    "Fn::And": lambda stack, argument: all(map(stack.value, argument)),
    "Fn::Or": lambda stack, argument: any(map(stack.value, argument)),
    "Fn::Split": lambda stack, argument: stack.value(argument[1]).split(argument[0]),
    "Fn::Select": lambda stack, argument: stack.value(argument[1])[int(argument[0])],
    "Fn::Join": lambda stack, argument: argument[0].join(stack.value(argument[1])),
}
