"""MariaDB servers, each with an address of its own, and the folders that they keep their data in."""

import itertools
import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from mirakuru import TCPExecutor
from mirakuru.exceptions import ProcessExitedWithError, TimeoutExpired
from pymysql.cursors import DictCursor

from replication.addresses import PORT

USERS = """FLUSH PRIVILEGES;
CREATE USER test@'%' IDENTIFIED BY 'test';
GRANT ALL ON *.* TO test@'%';
CREATE USER consumer@'%' IDENTIFIED BY 'consumer';
GRANT REPLICATION SLAVE ON *.* TO consumer@'%';
"""
SYSTEM_SCHEMAS = "('mysql', 'sys', 'performance_schema', 'information_schema')"


def identity() -> dict[str, Any]:
    """The user whom the servers run as. MariaDB refuses to run as root."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of that user. Not one of pytest's: those are closed to all but the user who runs the tests."""
    with tempfile.TemporaryDirectory(prefix="replication-", dir="/tmp", ignore_cleanup_errors=True) as name:
        owner = identity()
        if owner:
            os.chown(name, owner["user"], owner["group"])
        yield Path(name)


def run(*command: str, cwd: Path) -> str:
    """Runs a command to its end, as that user."""
    environment = os.environ | {"TMPDIR": str(cwd)}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, **identity())
    output = done.stdout + done.stderr
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {output}"
    return output


def install(place: Path) -> Path:
    """The data folder of a new server, with our users."""
    volume, users = place / "volume", place / "users.sql"
    users.write_text(USERS)
    said = run(
        "mariadb-install-db", "--no-defaults", f"--datadir={volume}", "--auth-root-authentication-method=normal",
        "--skip-test-db", "--innodb-log-file-size=4M", f"--extra-file={users}", cwd=place,
    )  # fmt: skip
    assert "ERROR: " not in said, said
    return volume


class Volumes:
    """The data folders of one cluster."""

    def __init__(self, place: Path, empty: Path):
        self.place, self.empty = place, empty
        self.numbers = itertools.count(1)

    def copy(self, origin: Path | None = None) -> Path:
        """A copy of that folder, or of a new server's."""
        volume = self.place / f"volume-{next(self.numbers)}"
        run("cp", "-a", str(origin or self.empty), str(volume), cwd=self.place)
        return volume


def connect(address: str) -> pymysql.Connection:
    return pymysql.connect(
        host=address, port=PORT, user="test", password="test", ssl_disabled=True, autocommit=True,
        connect_timeout=2, read_timeout=10, write_timeout=10, cursorclass=DictCursor,
    )  # fmt: skip


def query(connection: pymysql.Connection, statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


class Process(TCPExecutor):
    """A server's process. It counts as started when it answers, and not when it listens: that it does long before."""

    def after_start_check(self) -> bool:
        try:
            with connect(self.host) as connection:
                return bool(query(connection, "SELECT 1"))
        except pymysql.MySQLError:
            return False


class Server:
    """One MariaDB server."""

    def __init__(self, name: str, address: str, volumes: Volumes, log: Path):
        self.name, self.address, self.volumes, self.log = name, address, volumes, log
        self.executor: Process | None = None
        self.connection: pymysql.Connection | None = None

    def start(self, volume: Path, *options: str) -> None:
        command = [
            # Sockets and files by short names in the data folder: a socket's path has 107 characters at most.
            "mariadbd", "--no-defaults", f"--datadir={volume}", "--socket=server.sock", "--pid-file=server.pid",
            f"--tmpdir={volume.parent}", f"--bind-address={self.address}", f"--port={PORT}",
            f"--server-id={self.address.rsplit('.', 1)[1]}", "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=4M", *options,
        ]  # fmt: skip
        with self.log.open("a") as output:
            self.executor = Process(
                command, self.address, PORT, cwd=str(volume), timeout=30, sleep=0.02,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, popen_kwargs=identity(),
            )  # fmt: skip
            try:
                self.executor.start()
            except (ProcessExitedWithError, TimeoutExpired) as error:
                errors = [line for line in self.log.read_text().splitlines() if "[ERROR]" in line]
                raise AssertionError(f"{self.name} did not start, see {self.log}: {' '.join(errors[-3:])}") from error

    def start_as_writer(self, volume: Path) -> None:
        # What is acknowledged is on disk, in the tables and in the binary log.
        self.start(volume, "--log-bin=binlog", "--gtid-strict-mode=1", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1")

    def start_as_reader(self) -> None:
        # No binary log: whoever asks for it is told "Binary log is not open", as by a reader of Aurora.
        self.start(self.volumes.copy(), "--read-only=1")

    def sql(self, *statements: str) -> list[dict[str, Any]]:
        """The rows of the last statement."""
        self.connection = self.connection or connect(self.address)
        return [query(self.connection, statement) for statement in statements][-1]

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, by the table's name."""
        of_users = f"WHERE table_schema NOT IN {SYSTEM_SCHEMAS} ORDER BY 1"
        tables = self.sql(f"SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables {of_users}")
        return {table["name"]: self.sql(f"SELECT * FROM {table['name']} ORDER BY 1") for table in tables}

    def shut_down(self) -> None:
        """In good order."""
        self.disconnect()
        if self.executor:
            self.executor.stop(signal.SIGTERM)

    def hang(self) -> None:
        """As a lost host: no answer, and no end of a connection either."""
        self.disconnect()
        assert self.executor
        assert self.executor.process
        os.kill(self.executor.process.pid, signal.SIGSTOP)

    def kill(self) -> None:
        self.disconnect()
        if self.executor:
            self.executor.kill()

    def disconnect(self) -> None:
        if self.connection:
            self.connection.close()
        self.connection = None
