"""What the matrix wants of each consumer."""

import subprocess
import sys

from consumers.mysql import Volumes
from support.project import ROOT


class Consumer:
    """Something that reads rows from a database, or writes them, over the port of its way there.

    A row is known by `at`, when it was written, in microseconds.
    """

    name = ""
    in_table = True
    """Whether the RUNBOOK's table has a row for it."""

    def __init__(self, port: int, volumes: Volumes, shortened: bool):
        self.port, self.volumes, self.shortened = port, volumes, shortened
        """`shortened`: with intervals of seconds where the defaults are a minute."""
        self.work = volumes.place

    def start(self) -> None:
        raise NotImplementedError

    def rows(self) -> list[int]:
        """What it has so far, in the order in which it came."""
        raise NotImplementedError

    def stopped(self) -> str:
        """Why it has stopped for good; empty while it goes on trying."""
        raise NotImplementedError

    def last_words(self) -> str:
        """What it has said last, where it says anything."""
        return ""

    def close(self) -> None:
        raise NotImplementedError


class Program(Consumer):
    """A consumer in a process of its own, which prints `row AT` for each row, and whose last words say why it ends."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        self.output = self.work / "output.log"
        with self.output.open("w") as output:
            command = [sys.executable, *self.command()]
            environment = {"PYTHONPATH": str(ROOT / "tests"), "PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}
            self.process = subprocess.Popen(
                command, cwd=self.work, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
            )

    def rows(self) -> list[int]:
        lines = self.output.read_text(errors="replace").splitlines()
        return [int(line.split()[1]) for line in lines if line.startswith("row ") and len(line) > 19]

    def stopped(self) -> str:
        if self.process.poll() is None:
            return ""
        return f"the program ends: {self.last_words()}"

    def last_words(self) -> str:
        lines = [line for line in self.output.read_text(errors="replace").splitlines() if line and not line.startswith("row ")]
        return lines[-1] if lines else ""

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
