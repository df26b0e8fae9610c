"""template.yaml deployed in MiniStack, which runs the zip as it is and checks every call against IAM."""

import copy
import json
from contextlib import contextmanager

from samtranslator.yaml_helper import yaml_parse

from support import aws
from support.aws import ACCOUNT, CLUSTER, REGION, client
from support.events import messages
from support.project import ROOT
from support.servers import free_port, server
from template.cloudformation import BALANCER_SOURCE, SOURCE
from template.notices import record

ZIP = ROOT / "target" / "lambda" / "aurora-nlb-failover" / "bootstrap.zip"
UNKNOWN = ("AWS::RDS::EventSubscription", "AWS::EC2::VPCEndpointService")


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
        group = self.create("balancer", adapted(BALANCER_SOURCE), network)["TargetGroupArn"]
        self.other_group = aws.make_group(self.elb, "another", self.vpc)
        aws.make_cluster(self.rds)
        s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="code", Key="bootstrap.zip", Body=ZIP.read_bytes())
        self.architecture = architecture
        self.deploy("aurora-nlb-failover", group, DbClusterId=CLUSTER, IpDict=json.dumps(aws.ADDRESSES))

    def deploy(self, stack, group, **database):
        """Creates the stack that keeps this group on this database."""
        template = adapted(SOURCE)
        template["Resources"]["FailoverFunction"]["Properties"]["CodeUri"] = "s3://code/bootstrap.zip"  # as `sam deploy` does
        self.group = group
        self.outputs = self.create(stack, template, {"TargetGroupArn": group, "Architecture": self.architecture} | database)
        self.name = self.outputs["FunctionName"]

    def following_an_instance(self, instance):
        """A second stack with a balancer of its own, which follows a DB instance."""
        second = copy.copy(self)
        group = aws.make_group(self.elb, instance, self.vpc)
        aws.make_listener(self.elb, group, self.subnet, name=instance)
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
        self.cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        (stack,) = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def reset(self, wanted, writer):
        """Makes the group hold exactly these targets, and this instance the writer."""
        aws.set_targets(self.elb, self.group, wanted)
        members = self.rds.describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]["DBClusterMembers"]
        if writer not in [member["DBInstanceIdentifier"] for member in members if member["IsClusterWriter"]]:
            aws.set_writer(self.rds, writer)  # MiniStack refuses it for the writer itself

    def targets(self, group=None):
        return aws.targets(self.elb, group or self.group)

    def invoke(self, payload):
        done = self.function.invoke(FunctionName=self.name, Payload=json.dumps(payload).encode())
        return json.loads(done["Payload"].read())

    def publish(self, payload):
        """Hands the messages of an event to the topic."""
        for message in messages(payload):
            self.sns.publish(TopicArn=self.outputs["TopicArn"], Subject="RDS Notification Message", Message=message)

    def mailed(self):
        """A queue that gets what is mailed to people."""
        arn, sns = f"arn:aws:sqs:{REGION}:{ACCOUNT}:mailed", {"Service": "sns.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": sns, "Action": "sqs:SendMessage", "Resource": arn}
        policy = {"Policy": json.dumps({"Statement": [statement]})}
        url = self.sqs.create_queue(QueueName="mailed", Attributes=policy)["QueueUrl"]
        topic, raw = self.outputs["AlertTopicArn"], {"RawMessageDelivery": "true"}
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        return lambda: [one["Body"] for one in self.sqs.receive_message(QueueUrl=url).get("Messages", [])]

    def send_as_lambda_does(self, answer):
        """Puts an answer onto the bus: MiniStack has no destination for successes."""
        event = record(self.outputs["FunctionArn"], answer)
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        self.events.put_events(Entries=[entry])

    def log(self):
        """The lines of the function's log."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.outputs["LogGroupName"])
        return [event["message"].rstrip() for page in pages for event in page["events"]]

    def decisions(self, event_id):
        return [line for line in self.log() if "decision" in line and event_id in line]

    def runs(self):
        return sum(line.startswith("START ") for line in self.log())

    @contextmanager
    def configured(self, **variables):
        """Other variables in the function's environment, while the block lasts."""
        environment = self.function.get_function_configuration(FunctionName=self.name)["Environment"]["Variables"]
        self.configure(environment | variables)
        try:
            yield
        finally:
            self.configure(environment)

    def configure(self, environment):
        self.function.update_function_configuration(FunctionName=self.name, Environment={"Variables": environment})
        self.function.get_waiter("function_updated_v2").wait(FunctionName=self.name, WaiterConfig={"Delay": 1})


def adapted(source):
    """The template, without what MiniStack does not know, and changed where it differs from AWS."""
    template = yaml_parse(source)
    unknown = {name for name, resource in template["Resources"].items() if resource["Type"].startswith(UNKNOWN)}
    for part in ("Resources", "Outputs"):
        template[part] = {name: body for name, body in template[part].items() if not refers(name, body, unknown)}
    if "Transform" not in template:
        return template
    # MiniStack's target groups have IDs that no group on AWS has (letters beyond f). The template rightly refuses them.
    del template["Parameters"]["TargetGroupArn"]["AllowedPattern"]
    # In a condition MiniStack cannot split. The schedule's rate is in minutes here.
    template["Conditions"]["HasHourlyRate"] = {"Fn::Equals": ["minutes", "hours"]}
    # For DescribeDBInstances without an instance ID, AWS asks IAM about db:*, as the template says; MiniStack about "*".
    (policy, _) = template["Resources"]["ExecutionRole"]["Properties"]["Policies"]
    (statement,) = [one for one in policy["PolicyDocument"]["Statement"] if one.get("Sid") == "ReadInstances"]
    statement["Resource"] = {"Fn::If": ["FollowsInstance", statement["Resource"], "*"]}
    return template


def refers(name, body, names):
    """Whether this is one of these resources, or takes a value from one of them."""
    text = json.dumps(body)
    return name in names or any(f'"{one}' in text or f"${{{one}" in text for one in names)
