"""Starts servers on loopback, and waits for what they do."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mirakuru import HTTPExecutor, TCPExecutor
from mirakuru.exceptions import ProcessFinishedWithError

from support.project import ROOT


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as free:
        free.bind((host, 0))
        return free.getsockname()[1]


@contextmanager
def server(
    command: list[str],
    port: int,
    log: Path,
    path: str = "",
    environment: dict[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[str]:
    """Runs a server while the block lasts; its URL, once it listens on the port or answers on the path."""
    url = f"http://{host}:{port}"
    with log.open("w") as output:
        options: dict[str, Any] = {
            "cwd": str(ROOT),
            "stdin": subprocess.DEVNULL,
            "stdout": output,
            "stderr": output,
            "envvars": environment,
            "timeout": 60,
        }
        if path:
            executor: TCPExecutor = HTTPExecutor(command, url=url + path, method="GET", **options)
        else:
            executor = TCPExecutor(command, host=host, port=port, **options)
        try:
            executor.start()
            yield url
        finally:
            with suppress(ProcessFinishedWithError):  # which exit code a server has after SIGINT does not matter
                executor.stop(signal.SIGINT)


def wait_until(what: str, condition: Callable[[], Any], seconds: float) -> Any:
    """The first true answer of the condition, within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain: {what}")
