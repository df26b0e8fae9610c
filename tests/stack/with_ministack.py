"""MiniStack deploys template.yaml with our zip: a message published to the topic moves the target."""

import json
import platform
import re
import time

from samtranslator.yaml_helper import yaml_parse

from stack.run import (
    ACCOUNT, ADDRESSES, CLUSTER, EVENTS, REGION, ROOT, aws_client, equal, fresh, make_cluster, make_group, show, targets, wait_until
)  # fmt: skip

ZIP = ROOT / "target" / "lambda" / "aurora-nlb-failover" / "bootstrap.zip"
MACHINES = {"x86_64": ("x86_64", "--x86-64"), "aarch64": ("arm64", "--arm64")}
STACK = "aurora-nlb-failover"
A1, A2 = "10.0.1.11:3306", "10.0.2.22:3306"
# What the template's filter policy must drop, of the messages in events/.
DROPPED = {"other-event", "subscription-notice", "not-rds-json"}

# By default MiniStack listens on every interface, for MQTT even if BIND_HOST says otherwise.
# AUTH: it checks every call against IAM, the function's against the role that the template gives it.
MINISTACK = {
    "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": "{port}", "MINISTACK_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0",
    "MINISTACK_ACCOUNT_ID": ACCOUNT, "MINISTACK_REGION": REGION, "AUTH": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:{port}",
}  # fmt: skip


class Stack:
    """template.yaml in MiniStack, with the target group and the cluster that it asks for."""

    def __init__(self, run, architecture):
        url = run.serve("ministack", ["ministack"], "/_ministack/health", MINISTACK)
        self.elb, self.rds, self.sns, self.logs, self.function, s3, self.cloudformation = (
            aws_client(name, url) for name in ("elbv2", "rds", "sns", "logs", "lambda", "s3", "cloudformation")
        )
        self.group, self.other_group = (make_group(self.elb, name, "vpc-1") for name in ("aurora", "another"))
        make_cluster(self.rds)
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="code", Key="bootstrap.zip", Body=ZIP.read_bytes())
        self.log_group = None
        self.parameters = {
            "DbClusterId": CLUSTER, "TargetGroupArn": self.group, "IpDict": json.dumps(ADDRESSES), "Architecture": architecture,
        }  # fmt: skip

    def deploy(self):
        template = yaml_parse((ROOT / "template.yaml").read_text())
        template["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] = "s3://code/bootstrap.zip"  # as `sam deploy` does
        # MiniStack's target groups have IDs that no group on AWS has (letters beyond f). The template rightly refuses them.
        del template["Parameters"]["TargetGroupArn"]["AllowedPattern"]
        # In a condition MiniStack cannot split. What asks so is whether the schedule's rate is in hours: it is in minutes.
        for name, condition in template["Conditions"].items():
            if "Fn::Split" in json.dumps(condition):
                template["Conditions"][name] = {"Fn::Equals": ["minutes", "hours"]}
        # For DescribeDBInstances without an instance ID, AWS asks IAM about db:*, as the template says; MiniStack about "*".
        for statement in statements(template["Resources"]["ExecutionRole"]):
            if statement["Action"] == "rds:DescribeDBInstances":
                statement["Resource"] = "*"
        left_out = self.create(template)
        stack = lambda: self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        wait_until("the stack to be made", lambda: not stack()["StackStatus"].endswith("IN_PROGRESS"), 60)
        made = stack()
        equal("stack", made["StackStatus"], "CREATE_COMPLETE", made.get("StackStatusReason"))
        outputs = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
        self.name, self.topic, self.log_group = (outputs[key] for key in ("FunctionName", "TopicArn", "LogGroupName"))
        resources = self.cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        return f"{len(resources)} resources; of types that MiniStack does not know: {', '.join(left_out) or 'none'}"

    def create(self, template):
        """Starts the stack without what MiniStack does not know; the types of that."""
        left_out = []
        while True:
            try:
                self.cloudformation.create_stack(
                    StackName=STACK, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                    Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()],
                )  # fmt: skip
                return left_out
            except self.cloudformation.exceptions.ClientError as error:
                unknown = re.search(r"Unrecognized resource types: \[(.*)\]", str(error))
                if not unknown:
                    raise
                left_out += unknown[1].split(", ")
                for name, resource in list(template["Resources"].items()):
                    if resource["Type"] in left_out:
                        del template["Resources"][name]

    def targets(self, group=None):
        return targets(self.elb, group or self.group)

    def invoke(self, payload):
        done = self.function.invoke(FunctionName=self.name, Payload=json.dumps(payload).encode())
        return json.loads(done["Payload"].read())

    def log(self):
        """The lines of the function's log."""
        if not self.log_group:
            return []
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.log_group)
        return [event["message"] for page in pages for event in page["events"]]

    def with_log(self, step):
        """The step; if it fails, with what the function said last."""
        try:
            return step()
        except AssertionError as failure:
            said = [line.strip() for line in self.log() if not line.startswith(("START ", "END ", "REPORT "))][-3:]
            raise AssertionError("\n      the log: ".join([str(failure), *said])) from None

    def runs(self):
        return sum(line.startswith("START ") for line in self.log())

    def publish(self, message):
        self.sns.publish(TopicArn=self.topic, Subject="RDS Notification Message", Message=message)

    def first_run(self):
        """MiniStack's scheduler waits for a whole interval first, so this is its run by hand, with its own payload."""
        answer = self.invoke(json.loads(EVENTS["scheduler-scheduled"].read_text()))
        equal("answer", (answer.get("outcome"), answer.get("registered")), ("switched", [A1]), answer)
        equal("target group", self.targets(), [A1], answer)
        return f"{answer['outcome']} {answer['writer']} {answer['evidence']}  [] → {show(self.targets())}"

    def started(self):
        before = self.targets()
        published = time.monotonic()
        self.publish(messages(fresh_event("started-cross-az"))[0])
        wait_until("the target to move", lambda: self.targets() == [A2], 20)
        milliseconds = (time.monotonic() - published) * 1000
        return f"{show(before)} → {show(self.targets())}  {milliseconds:.0f} ms after it was published"

    def completed(self):
        self.rds.failover_db_cluster(DBClusterIdentifier=CLUSTER, TargetDBInstanceIdentifier="aurora-2")
        runs = self.runs()
        self.publish(messages(fresh_event("completed"))[0])
        wait_until("the function to run", lambda: self.runs() > runs, 20)
        decisions = [line for line in self.log() if "decision" in line and "RDS-EVENT-0071" in line]
        assert len(decisions) == 1 and "unchanged" in decisions[0] and "event+rds" in decisions[0], f"not in the log once: {decisions}"
        equal("target group", self.targets(), [A2], decisions)
        return f"unchanged aurora-2 event+rds  {show(self.targets())}"

    def filtered(self):
        """Every message of events/, those first that the filter must drop: a later run would count them if they got through."""
        samples = [(name, message) for name in EVENTS for message in messages(json.loads(EVENTS[name].read_text()))]
        before = runs = self.runs()
        for name, message in sorted(samples, key=lambda sample: sample[0] not in DROPPED):
            self.publish(message)
            if name not in DROPPED:
                runs += 1
                wait_until(f"{name} to reach the function", lambda: self.runs() >= runs, 20)
        time.sleep(1)
        equal("runs", self.runs() - before, runs - before, sorted(DROPPED))
        equal("target group", self.targets(), [A2], "all of them are late, and RDS says aurora-2")
        return f"{runs - before} of {len(samples)} messages reached the function, not {', '.join(sorted(DROPPED))}"

    def checked(self):
        answer = self.invoke({"action": "check"})
        equal("answer", (answer.get("outcome"), answer.get("in_sync"), answer.get("writer")), ("checked", True, "aurora-2"), answer)
        # MiniStack gives every instance the endpoint 127.0.0.1, so that each entry of IP_DICT is stale: rightly said.
        findings = [finding["code"] for finding in answer["findings"]]
        equal("findings", findings, ["stale-ip-dict-entry"] * len(ADDRESSES), answer)
        return f"in sync, {findings[0]} for each instance"

    def out_of_reach(self):
        """The role writes to the one target group only. The same answer shows that MiniStack holds the function to its role."""
        variables = self.function.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        self.function.update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables | {"TARGET_GROUP_ARN": self.other_group}}
        )
        configured = lambda: self.function.get_function_configuration(FunctionName=self.name)["LastUpdateStatus"] == "Successful"
        wait_until("the new environment", configured, 20)
        answer = self.invoke({"action": "reconcile"})
        equal("error type", answer.get("errorType"), "AwsCallFailed", answer)
        assert "RegisterTargets failed: AccessDenied" in answer["errorMessage"], answer
        equal("other group", self.targets(self.other_group), [], answer)
        return f"{answer['errorType']}, RegisterTargets is denied  []"


def statements(node):
    """The policy statements anywhere below."""
    if isinstance(node, dict) and "Effect" in node:
        return [node]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return [statement for child in children for statement in statements(child)]


def fresh_event(name):
    return fresh(json.loads(EVENTS[name].read_text()))


def messages(event):
    return [record["Sns"]["Message"] for record in event.get("Records", []) if "Sns" in record]


def run_all(run):
    print("\ntemplate.yaml and the zip in MiniStack: topic, filter, function, target group")
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        print("skipped: MiniStack runs the zip as it is, which takes Linux on x86-64 or arm64")
        return
    architecture, flag = MACHINES[platform.machine()]
    # As a user builds it. cargo knows by itself whether there is anything to do.
    run.command(["cargo", "lambda", "build", "--release", "--locked", "--output-format", "zip", flag], seconds=3600, quiet=False)
    stack = Stack(run, architecture)
    steps = {
        "template.yaml deployed": stack.deploy,
        "first scheduled run": stack.first_run,
        "started, published": stack.started,
        "completed, published": stack.completed,
        "the filter policy": stack.filtered,
        "check, with the role": stack.checked,
        "another group, with the role": stack.out_of_reach,
    }
    # Each needs what the one before it left behind.
    all(run.step(title, lambda step=step: stack.with_log(step)) for title, step in steps.items())
