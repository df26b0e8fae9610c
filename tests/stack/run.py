"""What both parts need: processes that are sure to end, waits that are sure to end, and steps that pass or fail."""

import copy
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "target" / "local-stack" / str(os.getpid())  # for logs and the like; its own, so that two runs do not meet
EVENTS = {path.stem: path for path in sorted((ROOT / "events").glob("*.json"))}
ACCOUNT, REGION = "123456789012", "eu-west-1"
CLUSTER = "aurora-prod"
ADDRESSES = {"aurora-1": "10.0.1.11", "aurora-2": "10.0.2.22", "aurora-3": "10.0.3.33"}
PORT = 3306
# What `check` wants of the target group (see README.md). moto stores any attribute, but has not the defaults of AWS.
ATTRIBUTES = {
    "target_health_state.unhealthy.connection_termination.enabled": "false",
    "deregistration_delay.connection_termination.enabled": "true",
    "deregistration_delay.timeout_seconds": "0",
    "load_balancing.cross_zone.enabled": "true",
    "preserve_client_ip.enabled": "false",
}

# The user's own settings stay out of this: an AWS profile or endpoint of theirs must not turn a test into the real thing.
for key in list(os.environ):
    if key.startswith(("AWS_", "TARGET_", "IP_DICT", "DB_CLUSTER_ID", "DRY_RUN")):
        del os.environ[key]
os.environ |= {
    "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": f"{os.environ.get('NO_PROXY', '')},127.0.0.1",
    "NO_COLOR": "1",
    "TMPDIR": str(WORK),  # MiniStack unpacks the zip there
    "CARGO_TARGET_DIR": str(ROOT / "target"),  # so that the zip is where it is looked for
}

# Never by way of a proxy, whatever the environment says.
fetch = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def aws_client(service, url):
    """A boto3 client for a stand-in. The key is the account's number: MiniStack takes such a key for the account's root."""
    settings = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={})
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=ACCOUNT, aws_secret_access_key="test", config=settings
    )


def make_group(elb, name, vpc):
    """A target group as the README asks for it; its ARN."""
    group = elb.create_target_group(
        Name=name, TargetType="ip", Protocol="TCP", Port=PORT, VpcId=vpc, HealthCheckProtocol="TCP", HealthCheckPort="40000"
    )["TargetGroups"][0]["TargetGroupArn"]
    attributes = [{"Key": key, "Value": value} for key, value in ATTRIBUTES.items()]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=attributes)
    return group


def targets(elb, group):
    """What the group holds."""
    listed = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return sorted("{Id}:{Port}".format(**entry["Target"]) for entry in listed)


def show(group):
    return f"[{', '.join(sorted(group))}]"


def make_cluster(rds):
    """An Aurora cluster whose writer is its first instance."""
    rds.create_db_cluster(DBClusterIdentifier=CLUSTER, Engine="aurora-mysql", MasterUsername="admin", MasterUserPassword="password")
    for instance in ADDRESSES:
        rds.create_db_instance(
            DBInstanceIdentifier=instance, DBClusterIdentifier=CLUSTER, Engine="aurora-mysql", DBInstanceClass="db.r6g.large"
        )


def equal(what, found, expected, context):
    assert found == expected, f"{what}: expected {expected!r}, found {found!r}\n      in {context}"


def wait_until(what, condition, seconds):
    """The first true answer of the condition, within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def fresh(event):
    """The event with the current time, in every place where a time stands."""
    event, now = copy.deepcopy(event), datetime.now(timezone.utc) - timedelta(seconds=1)
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}"
    for record in event.get("Records", []):
        message = json.loads(record["Sns"]["Message"])
        message["Event Time"] = stamp.replace("T", " ")
        record["Sns"] |= {"Message": json.dumps(message), "Timestamp": stamp + "Z"}
    if "detail" in event:
        event["detail"]["Date"] = stamp + "Z"
        event["time"] = stamp[:19] + "Z"
    return event


class Run:
    """One run of the script: its processes, its counts."""

    def __init__(self):
        WORK.mkdir(parents=True, exist_ok=True)
        self.processes, self.passed, self.failed = [], 0, 0

    def __enter__(self):
        sys.stdout.reconfigure(line_buffering=True)  # so that our lines and those of cargo come in order, in a pipe too
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # as an exception, so that __exit__ is reached
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)

    def stop(self, process):
        """Ends a process and those it started, which share its group and nobody else does."""
        for sign, seconds in ((signal.SIGINT, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(process.pid, sign)
                process.wait(seconds)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue

    def serve(self, name, command, health="", environment=()):
        """Starts a server on a free loopback port, which replaces {port}; its URL, once it answers there."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        command = [str(word).replace("{port}", port) for word in command]
        environment = {key: value.replace("{port}", port) for key, value in dict(environment).items()}
        log = WORK / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        url = f"http://127.0.0.1:{port}"

        def answers():
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{log.read_text()[-2000:]}"
            try:
                with socket.create_connection(("127.0.0.1", int(port)), timeout=1):
                    return not health or fetch(url + health, timeout=1)
            except (OSError, urllib.error.URLError):
                return False

        wait_until(f"{name} to answer on {url}, see {log}", answers, 60)
        return url

    def command(self, command, seconds, quiet=True):
        """Runs a command to its end. quiet=False shows what it writes as it comes, and fails if it fails."""
        words = [str(word) for word in command]
        try:
            done = subprocess.run(
                words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=quiet, text=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{shlex.join(words)} did not end within {seconds} s") from None
        assert quiet or done.returncode == 0, f"{shlex.join(words)} ended with {done.returncode}"
        return done

    def step(self, title, check):
        """One line: the step and what came of it. A failure is told and counted, and the next step goes on."""
        try:
            note = check()
        except Exception as error:  # whatever it is: a stand-in that fails is a failed step too
            self.fail(title, error)
            return False
        print(f"ok    {title:<36} {note}")
        self.passed += 1
        return True

    def part(self, run_all):
        """A part that cannot even start is one failure."""
        try:
            run_all(self)
        except Exception as error:
            self.fail(run_all.__module__, error)

    def fail(self, title, error):
        print(f"FAIL  {title}: {error if isinstance(error, AssertionError) else repr(error)}")
        self.failed += 1

    def end(self):
        if self.failed:
            print(f"\nlogs: {WORK}", end="")
        else:
            shutil.rmtree(WORK, ignore_errors=True)
        print(f"\n{self.passed} passed, {self.failed} failed")
        sys.exit(self.failed > 0)
