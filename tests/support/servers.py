"""Starts servers on loopback, and waits for what they do."""

import atexit
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mirakuru import HTTPExecutor, TCPExecutor
from mirakuru.base import cleanup_subprocesses
from mirakuru.exceptions import ProcessFinishedWithError

from support.project import ROOT

# At exit it kills each process whose mirakuru UUID *contains* the ID of this one: with ID 123 also the servers of another run
# that has 31234, or any with these digits in a UUID. Ours are all stopped by their fixtures.
atexit.unregister(cleanup_subprocesses)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def server(
    command: list[str], port: int, log: Path, path: str = "", environment: dict[str, str] | None = None, host: str = "127.0.0.1"
) -> Iterator[str]:
    """Runs a server while the block lasts; its URL, once it listens on the port or answers on the path."""
    url = f"http://{host}:{port}"
    with log.open("w") as output:
        options: dict[str, Any] = {"cwd": str(ROOT), "envvars": environment, "timeout": 60}
        options |= {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
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
