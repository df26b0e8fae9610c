"""template.yaml deployed in MiniStack, which runs the zip as it is and checks every call against IAM."""

import copy
import json
import platform
from contextlib import contextmanager
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from support.aws import (
    ACCOUNT,
    ADDRESSES,
    CLUSTER,
    REGION,
    client,
    make_cluster,
    make_group,
    make_listener,
    set_targets,
    set_writer,
    targets,
)
from support.project import ROOT
from support.servers import free_port, server, wait_until
from template.notices import record

ZIP = ROOT / "target" / "lambda" / "aurora-nlb-failover" / "bootstrap.zip"
UNKNOWN = ("AWS::RDS::EventSubscription", "AWS::EC2::VPCEndpointService")
# This machine's architecture, as the template and as cargo-lambda name it.
ARCHITECTURES = {("Linux", "x86_64"): ("x86_64", "--x86-64"), ("Linux", "aarch64"): ("arm64", "--arm64")}
ARCHITECTURE = ARCHITECTURES.get((platform.system(), platform.machine()))


@contextmanager
def ministack(work, name="ministack"):
    """The URL of a server that holds every call to IAM: the function's to the role that the template gives it."""
    port = free_port()
    environment = {
        # By default it listens on every interface, for MQTT even if BIND_HOST says otherwise.
        "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0", "MINISTACK_ACCOUNT_ID": ACCOUNT, "MINISTACK_REGION": REGION, "AUTH": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "TMPDIR": str(work),  # it unpacks the zip there
    }  # fmt: skip
    with server(["ministack"], port, work / f"{name}.log", "/_ministack/health", environment) as url:
        yield url


class Deployment:
    """Both stacks, the second with the target group of the first, and the cluster that it asks for."""

    def __init__(self, url, architecture):
        self.elb, self.rds, self.sns, self.sqs, self.logs, self.function, self.events, self.cloudformation = (
            client(name, url) for name in ("elbv2", "rds", "sns", "sqs", "logs", "lambda", "events", "cloudformation")
        )
        s3, ec2 = client("s3", url), client("ec2", url)
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        self.subnet, self.vpc = subnets[0], ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        network = {"VpcId": self.vpc, "SubnetIds": ",".join(subnets[:2])}
        group = self.create("balancer", adapted("balancer.yaml"), network)["TargetGroupArn"]
        self.other_group = make_group(self.elb, "another", self.vpc)
        make_cluster(self.rds)
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="code", Key="bootstrap.zip", Body=ZIP.read_bytes())
        self.architecture = architecture
        self.deploy("aurora-nlb-failover", group, DbClusterId=CLUSTER, IpDict=json.dumps(ADDRESSES))

    def deploy(self, stack, group, **database):
        """Creates the stack that keeps this group on this database."""
        template = adapted("template.yaml")
        template["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] = "s3://code/bootstrap.zip"  # as `sam deploy` does
        outputs = self.create(stack, template, {"TargetGroupArn": group, "Architecture": self.architecture} | database)
        names = ("FunctionName", "TopicArn", "LogGroupName", "AlertTopicArn", "FunctionArn")
        self.group = group
        self.name, self.topic, self.log_group, self.alerts, self.arn = (outputs[key] for key in names)

    def following_an_instance(self, instance):
        """A second stack with a balancer of its own, which follows a DB instance."""
        second = copy.copy(self)
        group = make_group(self.elb, instance, self.vpc)
        make_listener(self.elb, group, self.subnet, name=instance)
        self.rds.create_db_instance(
            DBInstanceIdentifier=instance, Engine="mysql", DBInstanceClass="db.m7g.large", MultiAZ=True, AllocatedStorage=20,
            MasterUsername="admin", MasterUserPassword="password",
        )  # fmt: skip
        second.deploy(f"{instance}-failover", group, DbInstanceId=instance)
        return second

    def create(self, name, template, parameters):
        """Its outputs."""
        self.cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )  # fmt: skip
        ended = f"{name} to be made", lambda: not self.stack(name)["StackStatus"].endswith("IN_PROGRESS")
        wait_until(*ended, seconds=60)
        assert self.stack(name)["StackStatus"] == "CREATE_COMPLETE", self.stack(name).get("StackStatusReason")
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack(name)["Outputs"]}

    def stack(self, name):
        return self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]

    def reset(self, wanted, writer):
        """Makes the group hold exactly these targets, and this instance the writer."""
        set_targets(self.elb, self.group, wanted)
        members = self.rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]["DBClusterMembers"]
        if writer not in [member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]]:
            set_writer(self.rds, writer)  # MiniStack refuses it for the writer itself

    def targets(self, group=None):
        return targets(self.elb, group or self.group)

    def invoke(self, payload):
        done = self.function.invoke(FunctionName=self.name, Payload=json.dumps(payload).encode())
        return json.loads(done["Payload"].read())

    def publish(self, message):
        self.sns.publish(TopicArn=self.topic, Subject="RDS Notification Message", Message=message)

    def mailed(self):
        """A queue that gets what is mailed to people."""
        url = self.sqs.create_queue(QueueName="mailed")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        from_sns = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [from_sns]})})
        self.sns.subscribe(TopicArn=self.alerts, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        return lambda: [one["Body"] for one in self.sqs.receive_message(QueueUrl=url).get("Messages", [])]

    def send_as_lambda_does(self, answer):
        """Puts an answer onto the bus: MiniStack has no destination for successes."""
        event = record(self.arn, answer)
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        self.events.put_events(Entries=[entry])

    def log(self):
        """The lines of the function's log."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.log_group)
        return [event["message"].rstrip() for page in pages for event in page["events"]]

    def runs(self):
        return sum(line.startswith("START ") for line in self.log())

    def wait_for_runs(self, number):
        wait_until(f"run {number} of the function", lambda: self.runs() >= number, 20)

    def configure(self, **variables):
        """Changes the function's environment."""
        environment = self.function.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        self.function.update_function_configuration(FunctionName=self.name, Environment={"Variables": environment | variables})
        wait_until("the new environment", self.is_configured, 20)

    def is_configured(self):
        return self.function.get_function_configuration(FunctionName=self.name)["LastUpdateStatus"] == "Successful"


def adapted(file):
    """The template, without what MiniStack does not know, and changed where it differs from AWS."""
    template = yaml_parse(Path(ROOT, file).read_text())
    unknown = {name for name, resource in template["Resources"].items() if resource["Type"].startswith(UNKNOWN)}
    for part in ("Resources", "Outputs"):
        template[part] = {
            name: made for name, made in template[part].items() if name not in unknown and not refers(made, unknown)
        }  # fmt: skip
    if "Transform" not in template:
        return template
    # MiniStack's target groups have IDs that no group on AWS has (letters beyond f). The template rightly refuses them.
    del template["Parameters"]["TargetGroupArn"]["AllowedPattern"]
    # In a condition MiniStack cannot split. What asks so is whether the schedule's rate is in hours: it is in minutes.
    for name, condition in template["Conditions"].items():
        if "Fn::Split" in json.dumps(condition):
            template["Conditions"][name] = {"Fn::Equals": ["minutes", "hours"]}
    # For DescribeDBInstances without an instance ID, AWS asks IAM about db:*, as the template says; MiniStack about "*".
    for statement in statements(template["Resources"]["ExecutionRole"]):
        if statement["Action"] == "rds:DescribeDBInstances":
            statement["Resource"] = {"Fn::If": ["FollowsInstance", statement["Resource"], "*"]}
    return template


def refers(node, names):
    """Whether anything below takes its value from one of these resources."""
    return any(f'"{name}' in text or f"${{{name}" in text for text in [json.dumps(node)] for name in names)


def statements(node):
    """The policy statements anywhere below."""
    if isinstance(node, dict) and "Effect" in node:
        return [node]
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return [statement for child in children for statement in statements(child)]
