"""The MariaDB servers: the cluster's instances and the consumer."""

import itertools
import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from stack.run import WORK, wait_until

PORT = 3306
ADDRESSES = {"aurora-1": "127.0.0.11", "aurora-2": "127.0.0.12", "aurora-3": "127.0.0.13"}
NAMES = {address: name for name, address in ADDRESSES.items()}
CONSUMER = "127.0.0.20"
USERS = """FLUSH PRIVILEGES;
CREATE USER test@'%' IDENTIFIED BY 'test';
GRANT ALL ON *.* TO test@'%';
CREATE USER consumer@'%' IDENTIFIED BY 'consumer';
GRANT REPLICATION SLAVE ON *.* TO consumer@'%';
"""
SYSTEM_SCHEMAS = "('mysql', 'sys', 'performance_schema', 'information_schema')"


class Lost(Exception):
    """The server refused a statement, or went away."""


class Place:
    """A scratch folder, and the user whose it is: MariaDB does not run as root."""

    def __init__(self):
        self.nobody = pwd.getpwnam("nobody")
        self.identity = {"user": self.nobody.pw_uid, "group": self.nobody.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        self.counter, self.folder = itertools.count(1), WORK / "replication"
        if not self.is_usable():
            self.folder = Path(tempfile.mkdtemp(prefix="replication-", dir="/tmp"))
            assert self.is_usable(), self.folder

    def is_usable(self):
        """Not by `nobody`, if the checkout is in root's own home."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.identity:
            os.chown(self.folder, self.nobody.pw_uid, self.nobody.pw_gid)
        return self.run(["touch", self.folder / "users.sql"]).returncode == 0

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_volumes(self):
        for volume in self.folder.glob("volume-*"):
            shutil.rmtree(volume, ignore_errors=True)

    def run(self, command, **more):
        words = [str(word) for word in command]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, env=self.environment(), **self.identity, **more)

    def environment(self):
        return os.environ | {"TMPDIR": str(self.folder)}

    def spawn(self, command, log):
        with (self.folder / log).open("a") as output:
            return subprocess.Popen(
                [str(word) for word in command], cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, **self.identity,
            )  # fmt: skip

    def volume(self, origin=None):
        """A new data folder: a copy of that one, or of an empty server's."""
        copy = self.folder / f"volume-{next(self.counter)}"
        copied = self.run(["cp", "-a", origin or self.template(), copy])
        assert copied.returncode == 0, copied.stderr
        return copy

    def template(self):
        template, users = self.folder / "template", self.folder / "users.sql"
        if not template.exists():
            users.write_text(USERS)
            command = ["mariadb-install-db", "--no-defaults", f"--datadir={template}", "--auth-root-authentication-method=normal"]
            made = self.run([*command, "--skip-test-db", "--innodb-log-file-size=4M", f"--extra-file={users}"], cwd=self.folder)
            assert made.returncode == 0 and "ERROR: " not in made.stdout + made.stderr, f"mariadb-install-db: {made.stdout}{made.stderr}"
        return template


class Session:
    """One connection, by the `mariadb` client: a statement goes in, its rows come out."""

    def __init__(self, address):
        words = ["mariadb", "--no-defaults", "--batch", "--unbuffered", "--skip-reconnect", "--connect-timeout=2"]
        words += ["--user=test", "--password=test", f"--host={address}", f"--port={PORT}"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.client = subprocess.Popen(words, bufsize=0, start_new_session=True, **pipes)

    def ask(self, statement, seconds=10):
        """The rows, each a dict of strings. Raises Lost; the session is of no use after that."""
        end, answer, text = time.monotonic() + seconds, b"end_of_answer\n1\n", b""
        try:
            self.client.stdin.write(f"{statement};\nSELECT 1 AS end_of_answer;\n".encode())
        except BrokenPipeError:
            pass  # the client has ended; what it said is still to be read
        while not text.endswith(answer):
            ready, _, _ = select.select([self.client.stdout], [], [], max(0, end - time.monotonic()))
            chunk = os.read(self.client.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                self.close()
                raise Lost(text.decode().strip() or f"no answer to {statement} within {seconds} s")
            text += chunk
        lines = [line.split("\t") for line in text.removesuffix(answer).decode().splitlines()]
        return [dict(zip(lines[0], line)) for line in lines[1:]]

    def close(self):
        self.client.kill()
        self.client.wait(5)
        self.client.stdin.close()
        self.client.stdout.close()


class Server:
    """One MariaDB server with an address of its own."""

    def __init__(self, place, name, address):
        self.place, self.name, self.address = place, name, address
        self.process = self.session = None

    def start(self, volume, *options):
        # Sockets and files by short names in the data folder: a socket's path has 107 characters at most.
        words = ["mariadbd", "--no-defaults", f"--datadir={volume}", "--socket=server.sock", "--pid-file=server.pid"]
        words += [f"--bind-address={self.address}", f"--port={PORT}", f"--server-id={self.address.rsplit('.', 1)[1]}"]
        words += ["--skip-name-resolve", "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", *options]
        self.process = self.place.spawn(words, f"{self.name}.log")

    def start_as_writer(self, volume):
        # What is acknowledged is on disk, in the tables and in the binary log.
        self.start(volume, "--log-bin=binlog", "--gtid-strict-mode=1", "--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1")

    def start_as_reader(self):
        # No binary log: whoever asks for it is told "Binary log is not open", as by a reader of Aurora.
        self.start(self.place.volume(), "--read-only=1")

    def ready(self):
        if self.process.poll() is not None:
            log = self.place.folder / f"{self.name}.log"
            errors = [line for line in log.read_text().splitlines() if "[ERROR]" in line]
            raise AssertionError(f"{self.name} ended with {self.process.returncode}, see {log}: {' '.join(errors[-3:])}")
        try:
            return self.sql("SELECT 1")
        except Lost:
            return False

    def wait(self):
        wait_until(f"{self.name} to answer on {self.address}", self.ready, 20)

    def sql(self, *statements):
        """The rows of the last statement."""
        self.session = self.session or Session(self.address)
        try:
            return [self.session.ask(statement) for statement in statements][-1]
        except Lost:
            self.forget()
            raise

    def forget(self):
        if self.session:
            self.session.close()
        self.session = None

    def rows(self):
        """Every row of every table, by the table's name."""
        of_users = f"WHERE table_schema NOT IN {SYSTEM_SCHEMAS} ORDER BY 1"
        tables = self.sql(f"SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables {of_users}")
        return {table["name"]: self.sql(f"SELECT * FROM {table['name']} ORDER BY 1") for table in tables}

    def hang(self):
        """As a lost host: no answer, and no end of a connection either."""
        os.kill(self.process.pid, signal.SIGSTOP)
        self.forget()

    def stop(self, sign=signal.SIGKILL):
        self.forget()
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, sign)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


class Consumer(Server):
    """The replica behind the balancer, HeatWave's part; notes in the timeline when its connection comes and goes."""

    def replicate(self, balancer, timeline):
        self.timeline, self.source, self.error, self.over = timeline, "", "", threading.Event()
        to = f"MASTER_HOST='{balancer}', MASTER_PORT={PORT}, MASTER_USER='consumer', MASTER_PASSWORD='consumer'"
        self.sql(f"CHANGE MASTER TO {to}, MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1", "START SLAVE")
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        session = Session(self.address)
        try:
            before, known = "", ""
            while not self.over.wait(0.02):
                status = session.ask("SHOW SLAVE STATUS")[0]
                running, source = status["Slave_IO_Running"], f"127.0.0.{status['Master_Server_Id']}"
                self.error = status["Last_SQL_Error"] or (status["Last_IO_Error"] if running == "No" else "")
                now = self.error or (NAMES[source] if running == "Yes" else "")
                # The source's ID lags behind the state by a moment, so that a look counts when the next one is the same.
                if now == before and now != known:
                    known, self.source = now, "" if self.error else now
                    connected = f"the replica is connected to {now}" if now else "the replica has lost its connection"
                    self.timeline.mark(f"the replica has stopped: {now}" if self.error else connected)
                before = now
        except Lost as lost:
            self.error = f"cannot be watched: {lost}"
        finally:
            session.close()

    def position(self):
        return self.sql("SELECT @@gtid_slave_pos AS position")[0]["position"]

    def stop(self, sign=signal.SIGKILL):
        if hasattr(self, "over"):
            self.over.set()
            self.watcher.join(15)
        super().stop(sign)
