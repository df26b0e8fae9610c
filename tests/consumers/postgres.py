"""A PostgreSQL primary with a physical standby as its reader, and a server that subscribes."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


def identity() -> dict[str, Any]:
    """The user whom the servers run as. PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def run(name: str, *options: str) -> None:
    done = subprocess.run([program(name), *options], cwd="/", capture_output=True, text=True, timeout=60, **identity())
    assert done.returncode == 0, done.stderr


def connect(address: str, database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(host=address, port=POSTGRES, user="test", dbname=database, autocommit=True, connect_timeout=5)


def sql(address: str, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
    with connect(address, database) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def running(place: Path, shortened: bool) -> Iterator[None]:
    """The three, in this folder."""
    # The sender's timeout too: until it gives up, a connection that is lost keeps its slot from the next one.
    brief = ["wal_receiver_timeout=5s", "wal_sender_timeout=5s"] if shortened else []
    with ExitStack() as servers:
        for address in (PRIMARY, SUBSCRIBER):
            data = place / address
            run("initdb", "--username=test", "--auth=trust", "--no-sync", "--encoding=UTF8", f"--pgdata={data}")
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust\n")
            servers.callback(serve(address, data, *brief).stop)
        data, options = place / STANDBY, ("--write-recovery-conf", "--checkpoint=fast", "--no-sync")
        run("pg_basebackup", f"--host={PRIMARY}", "--username=test", f"--pgdata={data}", *options)
        servers.callback(serve(STANDBY, data).stop)
        yield


def serve(address: str, data: Path, *more: str) -> TCPExecutor:
    options = [f"-c{option}" for option in (*OPTIONS, *more)]
    command = [program("postgres"), "-D", str(data), "-h", address, "-p", str(POSTGRES), *options]
    with Path(f"{data}.log").open("w") as output:
        files = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        server = TCPExecutor(
            command, address, POSTGRES, cwd="/", timeout=30, stop_signal=signal.SIGQUIT, popen_kwargs=identity(), **files
        )
        return server.start()
