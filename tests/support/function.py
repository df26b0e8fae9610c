"""The function under `cargo lambda watch`, invoked by `cargo lambda invoke`."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.aws import ACCOUNT, REGION
from support.project import EVENTS, ROOT
from support.servers import free_port, server


@dataclass
class Reply:
    """What came of one invocation."""

    answer: dict[str, Any]
    """Empty if it failed."""
    text: str
    log: str
    """What was logged meanwhile."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]


@contextmanager
def function(work: Path, name: str, url: str, variables: dict[str, str]) -> Iterator["Function"]:
    """The function with one environment, and with AWS at this URL."""
    # An env file, as --env-var splits its value at every comma; the quotes are for the braces of a map.
    aws = {"AWS_ENDPOINT_URL": url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test"}
    env_file, log, port = work / f"{name}.env", work / f"{name}.log", free_port()
    all_of_them = variables | aws | {"AWS_LAMBDA_LOG_FORMAT": "JSON"}
    env_file.write_text("".join(f"{key}='{value}'\n" for key, value in all_of_them.items()))
    # -A: the default listens on every interface.
    command = ["cargo", "lambda", "watch", "--ignore-changes", "-A", "127.0.0.1", "-P", str(port), "--env-file", str(env_file)]
    with server(command, port, log):
        started = Function(port, log)
        # The first invocation starts the function, and waits for any other cargo at work here. No test's time must include that.
        reply = started.invoke(EVENTS["subscription-notice"], seconds=900)
        assert reply.answer, f"the function does not work: {reply.text}\n{reply.log}"
        yield started


@dataclass
class Function:
    port: int
    log: Path

    def invoke(self, payload: Path | dict[str, Any], seconds: float = 60) -> Reply:
        data = ["--data-ascii", json.dumps(payload)] if isinstance(payload, dict) else ["--data-file", str(payload)]
        command = ["cargo", "lambda", "invoke", "-A", "127.0.0.1", "-P", str(self.port), *data]
        logged = len(self.log.read_text())
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        answer = {} if done.returncode else json.loads(done.stdout)
        return Reply(answer, done.stdout + done.stderr, self.log.read_text()[logged:])
