"""`sam deploy` in MiniStack with the settings and the policy of RUNBOOK.md, and with no other right."""

import json
import os
import subprocess
import zipfile

import pytest

from stack.deployment import adapted, ministack
from support.aws import ACCOUNT, REGION, client
from support.runbook import block, policies
from template.cloudformation import BALANCER_SOURCE, released

STACK = "aurora-nlb-failover"


class Deployer:
    """A user with that policy and a folder with a release and that samconfig.toml."""

    def __init__(self, url, folder):
        self.url, self.folder, self.settings = url, folder, folder / "samconfig.toml"
        self.iam, self.cloudformation = (client(name, url) for name in ("iam", "cloudformation"))
        self.key = self.user("deployer", policies("## Who may deploy", "json", STACK)[0])
        (folder / "template.yaml").write_text(json.dumps(adapted(released("x86_64")), indent=1))
        with zipfile.ZipFile(folder / "aurora-nlb-failover-x86_64.zip", "w") as code:
            code.writestr("bootstrap", "never run here")
        self.settings.write_text(block("### Settings", "toml") + 'EventSource = "EventBridge"\n')

    def user(self, name, policy):
        """The key of a user that may do what the policy says."""
        self.iam.create_user(UserName=name)
        made = self.iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))
        self.iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def sam(self, *arguments, key=None):
        """Runs SAM CLI, as the deployer if no other key is given; what it says."""
        key_id, secret = key or self.key
        environment = os.environ | {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": secret,
            "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.5", "HOME": str(self.folder),
        }  # fmt: skip
        done = subprocess.run(["sam", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def change(self, before, after):
        """Edits the settings."""
        text = self.settings.read_text()
        assert before in text
        self.settings.write_text(text.replace(before, after))

    def stack(self):
        (stack,) = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stack
        return stack

    def parameter(self, name):
        (value,) = [one["ParameterValue"] for one in self.stack()["Parameters"] if one["ParameterKey"] == name]
        return value


@pytest.fixture(scope="module")
def deployer(work, tmp_path_factory):
    with ministack(work, "ministack-deployer") as url:
        made = Deployer(url, tmp_path_factory.mktemp("release"))
        # An administrator's first use of SAM CLI makes its bucket.
        made.sam("package", "--resolve-s3", "--output-template-file", "packaged.yaml", key=(ACCOUNT, "test"))
        # Its policy refuses plain HTTP, which is what MiniStack speaks.
        s3 = client("s3", url)
        (bucket,) = s3.list_buckets()["Buckets"]
        s3.delete_bucket_policy(Bucket=bucket["Name"])
        made.sam("deploy")
        yield made


def test_a_bare_deployment_makes_what_the_settings_say(deployer):
    assert deployer.parameter("ScheduleRate") == "rate(2 minutes)"
    assert json.loads(deployer.parameter("IpDict")) == {"aurora-1": "10.0.1.11", "aurora-2": "10.0.2.22"}
    assert {tag["Key"]: tag["Value"] for tag in deployer.stack()["Tags"]} == {"team": "data", "env": "prod"}


def test_an_edited_setting_comes_with_the_next_bare_deployment_and_takes_back_what_was_said_once(deployer):
    deployer.change('ScheduleRate = "rate(2 minutes)"', 'ScheduleRate = "rate(3 minutes)"')
    deployer.sam("deploy", "--parameter-overrides", "ScheduleRate='rate(9 minutes)'")
    assert deployer.parameter("ScheduleRate") == "rate(9 minutes)"
    deployer.sam("deploy")
    assert deployer.parameter("ScheduleRate") == "rate(3 minutes)"


def test_a_setting_that_is_taken_out_keeps_its_value(deployer):
    deployer.change('AlertEmail = "data-on-call@example.com"\n', 'LogRetentionDays = "30"\n')
    deployer.sam("deploy")
    assert deployer.parameter("AlertEmail") == "data-on-call@example.com"


def test_the_second_policy_is_enough_to_deploy_the_balancer(deployer):
    _, policy = policies("## Who may deploy", "json", "balancer")
    ec2, mine = client("ec2", deployer.url), client("cloudformation", deployer.url, deployer.user("network", policy))
    network = {"VpcId": ec2.describe_vpcs()["Vpcs"][0]["VpcId"], "SubnetIds": ec2.describe_subnets()["Subnets"][0]["SubnetId"]}
    # What `aws cloudformation deploy` calls.
    names = {"StackName": "balancer", "ChangeSetName": "first"}
    mine.create_change_set(
        **names, ChangeSetType="CREATE", TemplateBody=json.dumps(adapted(BALANCER_SOURCE)),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in network.items()],
    )  # fmt: skip
    mine.get_waiter("change_set_create_complete").wait(**names, WaiterConfig={"Delay": 1})
    mine.execute_change_set(**names)
    mine.get_waiter("stack_create_complete").wait(StackName="balancer", WaiterConfig={"Delay": 1})
    with pytest.raises(mine.exceptions.ClientError, match="not authorized to perform"):
        mine.delete_stack(StackName=STACK)


def test_another_stack_is_out_of_reach(deployer):
    # Also shows that MiniStack holds the deployer to the policy.
    with pytest.raises(AssertionError, match="not authorized to perform"):
        deployer.sam("delete", "--stack-name", "aws-sam-cli-managed-default", "--no-prompts", "--region", REGION)


def test_the_stack_can_be_deleted(deployer):
    deployer.sam("delete", "--stack-name", STACK, "--no-prompts", "--region", REGION)
    with pytest.raises(deployer.cloudformation.exceptions.ClientError, match="does not exist"):
        deployer.stack()
