"""A PostgreSQL primary with a physical standby as its reader, and a server that subscribes."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import psycopg
from mirakuru import TCPExecutor

from consumers.addresses import POSTGRES, PRIMARY, STANDBY, SUBSCRIBER

OPTIONS = ("wal_level=logical", "max_wal_senders=40", "max_replication_slots=40", "max_logical_replication_workers=20",
           "max_worker_processes=40", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB")  # fmt: skip


def program(name: str) -> str:
    """The newest of Debian's and Ubuntu's versions, or the one on PATH; empty if there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(installed[-1]) if installed else shutil.which(name) or ""


def version() -> str:
    said = subprocess.run([program("postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return "PostgreSQL " + said.split()[2]


def identity() -> dict[str, Any]:
    """The user whom the servers run as. PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(*command: str) -> None:
    done = subprocess.run([program(command[0]), *command[1:]], cwd="/", capture_output=True, text=True, timeout=60, **identity())
    assert done.returncode == 0, done.stderr


def connect(address: str, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(host=address, port=POSTGRES, user="test", dbname=database, autocommit=True, connect_timeout=5)


def sql(address: str, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
    with connect(address, database) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


class Postgres:
    """The three, in this folder."""

    def __init__(self, place: Path, shortened: bool):
        self.place, self.shortened = place, shortened
        self.running: list[TCPExecutor] = []

    def __enter__(self) -> "Postgres":
        for address in (PRIMARY, SUBSCRIBER):
            data = self.place / address
            run("initdb", "--username=test", "--auth=trust", "--no-sync", "--encoding=UTF8", f"--pgdata={data}")
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n")
        # The sender's timeout too: until it gives up, a connection that is lost keeps its slot from the next one.
        brief = ["wal_receiver_timeout=5s", "wal_sender_timeout=5s"] if self.shortened else []
        self.serve(PRIMARY, *brief)
        run("pg_basebackup", f"--host={PRIMARY}", "--username=test", f"--pgdata={self.place / STANDBY}", "--write-recovery-conf",
            "--checkpoint=fast", "--no-sync")  # fmt: skip
        self.serve(STANDBY)
        self.serve(SUBSCRIBER, *brief)
        return self

    def serve(self, address: str, *more: str) -> None:
        options = [f"-c{option}" for option in (*OPTIONS, *more)]
        command = [program("postgres"), "-D", str(self.place / address), "-h", address, "-p", str(POSTGRES), *options]
        with (self.place / f"{address}.log").open("w") as output:
            server = TCPExecutor(
                command, host=address, port=POSTGRES, cwd="/", timeout=30, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                popen_kwargs=identity(),
            )  # fmt: skip
            server.start()
        self.running.append(server)

    def __exit__(self, *_: object) -> None:
        for server in self.running:
            server.stop(signal.SIGQUIT)
