"""What both parts need: processes that are sure to end, waits that are sure to end, and steps that pass or fail."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "target" / "local-stack"
ACCOUNT, REGION = "123456789012", "eu-west-1"

# The user's own AWS settings stay out of this: a profile or an endpoint of theirs must not turn a test into the real thing.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
ENVIRONMENT |= {
    "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1,localhost",
    "NO_COLOR": "1",
    "SAM_CLI_TELEMETRY": "0",
    # MiniStack unpacks the zip there.
    "TMPDIR": str(WORK),
}


def aws_client(service, url):
    """A boto3 client for a stand-in. The key is the account's number: MiniStack takes such a key for the account's root."""
    settings = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={})
    return boto3.client(
        service, endpoint_url=url, region_name=REGION, aws_access_key_id=ACCOUNT, aws_secret_access_key="test", config=settings
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


class Run:
    """One run of the script: its processes, its counts."""

    def __init__(self):
        WORK.mkdir(parents=True, exist_ok=True)
        self.processes, self.passed, self.failed = [], 0, 0

    def __enter__(self):
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
                command, cwd=ROOT, env=ENVIRONMENT | environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self.processes.append(process)
        url = f"http://127.0.0.1:{port}"

        def answers():
            assert process.poll() is None, f"{name} ended with {process.returncode}:\n{log.read_text()[-2000:]}"
            try:
                with socket.create_connection(("127.0.0.1", int(port)), timeout=1):
                    return not health or urllib.request.urlopen(url + health, timeout=1)
            except (OSError, urllib.error.URLError):
                return False

        wait_until(f"{name} to answer on {url}, see {log}", answers, 60)
        return url

    def command(self, command, seconds, quiet=True):
        """Runs a command to its end; what it wrote, or with quiet=False shows it as it comes, and fails if it does."""
        words = [str(word) for word in command]
        try:
            done = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=quiet, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{shlex.join(words)} did not end within {seconds} s") from None
        assert quiet or done.returncode == 0, f"{shlex.join(words)} ended with {done.returncode}"
        return done

    def step(self, title, check):
        """One line: the step and what came of it. A failure is told and counted, and the next step goes on."""
        try:
            note = check()
        except Exception as error:  # whatever it is: a stand-in that fails is a failed step too
            reason = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            print(f"FAIL  {title}: {reason}", flush=True)
            self.failed += 1
            return False
        print(f"ok    {title:<36} {note}", flush=True)
        self.passed += 1
        return True

    def part(self, run_all):
        """A part that cannot even start is one failure."""
        try:
            run_all(self)
        except Exception as error:
            print(f"FAIL  {type(error).__name__}: {error}", flush=True)
            self.failed += 1

    def end(self):
        print(f"\n{self.passed} passed, {self.failed} failed")
        sys.exit(self.failed > 0)
