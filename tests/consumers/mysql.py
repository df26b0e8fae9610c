"""MySQL servers, each with an address of its own, and the folders that they keep their data in."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
from pymysql.converters import escape_str
from pymysql.cursors import DictCursor

from consumers.addresses import PORT
from support.project import ROOT
from support.servers import wait_until

# `repl` is every consumer's user, and the only one that a gate names. `other` has as few rights, `test` has all.
# The tables are the matrix's, where its reader must have them too.
INIT = """
CREATE USER test@'%' IDENTIFIED BY 'test';
GRANT ALL ON *.* TO test@'%';
CREATE USER repl@'%' IDENTIFIED BY 'repl';
GRANT SELECT, INSERT, RELOAD, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO repl@'%';
CREATE USER other@'%' IDENTIFIED BY 'other';
GRANT SELECT ON *.* TO other@'%';
CREATE SCHEMA matrix;
CREATE TABLE matrix.pulse (id BIGINT AUTO_INCREMENT PRIMARY KEY, at BIGINT);
CREATE TABLE matrix.written (id BIGINT AUTO_INCREMENT PRIMARY KEY, at BIGINT);
"""
OPTIONS = ("--no-defaults", "--secure-file-priv=", "--mysqlx=OFF", "--skip-name-resolve", "--innodb-redo-log-capacity=8M")
UNPACKED = ROOT / "target" / "mysql"
# MySQL refuses to run as root.
USER = ["--user=nobody"] if os.getuid() == 0 else []


def mysqld() -> list[str]:
    """The command that starts a server: mysqld on PATH, or a newer system's that .ci/run has unpacked, by its own loader."""
    if found := shutil.which("mysqld"):
        base = f"--basedir={Path(found).resolve().parents[1]}"
        if Path("/etc/apparmor.d/usr.sbin.mysqld").exists():  # it lets the program at that path into its own folders alone
            found = str(shutil.copy2(found, ROOT / "target" / "mysqld"))
        return [found, *OPTIONS, base]
    loader = next(UNPACKED.glob("lib*/ld-linux-*.so.*"), None)
    library = next(UNPACKED.glob("usr/lib/*-linux-gnu"), None)
    if not loader or not library:
        return []
    return [str(loader), "--library-path", str(library), str(UNPACKED / "usr/sbin/mysqld"), *OPTIONS, f"--basedir={UNPACKED}/usr"]


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that the servers' user can write. Only the user who runs the tests can open pytest's own."""
    with tempfile.TemporaryDirectory(prefix="consumers-", dir="/tmp", ignore_cleanup_errors=True) as name:
        if USER:
            shutil.chown(name, "nobody")
        yield Path(name)


def install(place: Path) -> Path:
    """The data folder of a new server, with our users and tables."""
    volume, init = place / "volume", place / "init.sql"
    init.write_text(INIT)
    command = [*mysqld(), *USER, "--initialize-insecure", f"--datadir={volume}", f"--init-file={init}", "--disable-log-bin"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return volume


class Volumes:
    """The data folders of some servers."""

    def __init__(self, place: Path, empty: Path):
        self.place, self.empty = place, empty
        self.numbers = itertools.count(1)

    def copy(self, origin: Path | None = None) -> Path:
        """A copy of that folder, or of a new server's; a server that is started on it has another UUID."""
        volume = self.place / f"volume-{next(self.numbers)}"
        subprocess.run(["cp", "-a", str(origin or self.empty), str(volume)], check=True, timeout=60)
        for file in (volume / "auto.cnf", *volume.glob("server.sock*")):
            file.unlink(missing_ok=True)
        return volume


def connect(address: str, name: str = "test") -> pymysql.Connection:
    return pymysql.connect(
        host=address, port=PORT, user=name, password=name, autocommit=True,
        connect_timeout=2, read_timeout=10, write_timeout=10, cursorclass=DictCursor,
    )  # fmt: skip


def query(connection: pymysql.Connection, statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def source(host: str, port: int, **more: int) -> str:
    """The statement that makes a server a replica of what it reaches there; `more` are options of that statement."""
    options = {"SOURCE_PORT": port, "SOURCE_AUTO_POSITION": 1, "GET_SOURCE_PUBLIC_KEY": 1} | more
    names = f"SOURCE_HOST='{host}', SOURCE_USER='repl', SOURCE_PASSWORD='repl', "
    return f"CHANGE REPLICATION SOURCE TO {names}" + ", ".join(f"{name}={value}" for name, value in options.items())


class Server(AbstractContextManager["Server"]):
    """One MySQL server, which is killed at the end of the block."""

    def __init__(self, name: str, address: str, volumes: Volumes, logs: Path):
        self.name, self.address, self.volumes, self.log = name, address, volumes, logs / f"{name}.log"
        self.written: Path | None = None
        """What it had written when it was last the writer."""
        self.process: Any = None
        self.connection: pymysql.Connection | None = None

    def start(self, volume: Path, *options: str) -> None:
        _, _, third, last = self.address.split(".")
        command = [
            # Sockets and files by short names in the data folder: a socket's path has 107 characters at most.
            *mysqld(), *USER, f"--datadir={volume}", "--socket=server.sock", "--pid-file=server.pid",
            f"--bind-address={self.address}", f"--port={PORT}", f"--server-id={int(third) * 256 + int(last)}",
            "--gtid-mode=ON", "--enforce-gtid-consistency=ON", "--innodb-buffer-pool-size=16M", *options,
        ]  # fmt: skip
        with self.log.open("a") as output:
            self.process = subprocess.Popen(command, cwd=volume, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        wait_until(f"{self.name} to answer, see {self.log}", lambda: self.answers(volume), 60)

    def answers(self, volume: Path) -> bool:
        """Whether this server answers, and not one of another run at its address. It listens long before."""
        assert self.process.poll() is None, f"{self.name} has ended, see {self.log}"
        with suppress(pymysql.MySQLError), connect(self.address) as connection:
            return query(connection, "SELECT @@datadir AS place") == [{"place": f"{volume}/"}]
        return False

    def start_as_writer(self, *options: str, after: "Server | None" = None) -> None:
        """On an empty volume, or on what the writer before had written when it was lost."""
        self.written = self.volumes.copy(after.written if after else None)
        # What is acknowledged is on disk, in the tables and in the binary log.
        self.start(self.written, "--log-bin=binlog", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1", *options)

    def start_as_reader(self, *options: str) -> None:
        # As a reader of Aurora: innodb_read_only, and without a binary log.
        self.start(self.volumes.copy(), "--innodb-read-only=1", "--read-only=1", "--skip-log-bin", *options)

    def start_as_replica(self, *options: str) -> None:
        self.start(self.volumes.copy(), "--skip-log-bin", *options)

    def sql(self, *statements: str) -> list[dict[str, Any]]:
        """The rows of the last statement."""
        self.connection = self.connection or connect(self.address)
        return [query(self.connection, statement) for statement in statements][-1]

    def has_gate(self, value: str) -> None:
        self.sql(f"SET GLOBAL init_connect = {escape_str(value)}")

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every row of every table, by the table's name."""
        of_users = "table_schema NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1"
        tables = self.sql(f"SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables WHERE {of_users}")
        return {table["name"]: self.sql(f"SELECT * FROM {table['name']} ORDER BY 1") for table in tables}

    def hang(self) -> None:
        """As a lost host: no answer, and no end of a connection either."""
        self.disconnect()
        self.process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        self.disconnect()
        if self.process:
            self.process.kill()
            self.process.wait()

    def disconnect(self) -> None:
        if self.connection:
            with suppress(pymysql.MySQLError):
                self.connection.close()
        self.connection = None

    def __exit__(self, *_: object) -> None:
        self.kill()
