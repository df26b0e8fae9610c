"""A MySQL replica, HeatWave's part: it reaches the cluster through the balancer alone."""

from pathlib import Path

from consumers.addresses import BALANCER, NAMES, PATHS, PORT, REPLICA
from consumers.consumer import Consumer
from consumers.mysql import Server, Volumes, connect, query
from consumers.paths import FIRST
from consumers.repeated import Repeated
from consumers.timeline import Timeline


def source(host: str, port: int, **more: int) -> str:
    """The statement that makes a server a replica of what it reaches there; `more` are options of that statement."""
    options = {"SOURCE_PORT": port, "SOURCE_AUTO_POSITION": 1, "GET_SOURCE_PUBLIC_KEY": 1} | more
    names = f"SOURCE_HOST='{host}', SOURCE_USER='repl', SOURCE_PASSWORD='repl', "
    return f"CHANGE REPLICATION SOURCE TO {names}" + ", ".join(f"{name}={value}" for name, value in options.items())


class Replica(Server):
    """A replica that notes in the timeline when its connection comes and goes."""

    def __init__(self, volumes: Volumes, log: Path, timeline: Timeline):
        super().__init__("replica", REPLICA, volumes, log)
        self.timeline = timeline
        self.source = ""
        """The instance that it is connected to."""
        self.error = ""
        """Why it has stopped for good."""
        self.seen = self.noted = ""

    def replicate(self) -> None:
        self.sql(source(BALANCER, PORT, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=100_000), "START REPLICA")
        self.session = connect(self.address)
        self.watch = Repeated(self.look, 0.02)

    def look(self) -> None:
        (status,) = query(self.session, "SHOW REPLICA STATUS")
        running, instance = status["Replica_IO_Running"], NAMES.get(f"127.0.0.{status['Source_Server_Id']}", "")
        self.error = status["Last_SQL_Error"] or (status["Last_IO_Error"] if running == "No" else "")
        before, self.seen = self.seen, self.error or (instance if running == "Yes" else "")
        # The source's ID lags behind the state by a moment, so that a look counts when the next one is the same.
        if before == self.seen != self.noted:
            self.noted, self.source = self.seen, "" if self.error else self.seen
            self.note()

    def note(self) -> None:
        connected = f"is connected to {self.source}" if self.source else "has lost its connection"
        self.timeline.mark(f"the replica {f'has stopped: {self.error}' if self.error else connected}")

    def check(self) -> None:
        """Raises if it has stopped, or cannot be watched any more."""
        self.watch.check()
        assert not self.error, f"the replica has stopped: {self.error}"

    def has(self, transactions: str) -> bool:
        """Whether it has applied these, given as GTIDs."""
        return bool(self.sql(f"SELECT GTID_SUBSET('{transactions}', @@GLOBAL.gtid_executed) AS here")[0]["here"])


class ReplicaOfMatrix(Consumer):
    name = "MySQL replica"

    def start(self) -> None:
        address = f"127.0.1.{self.port - FIRST + 1}"
        self.server = Server(f"replica {self.port}", address, self.volumes, self.work / "replica.log")
        brief = {"SOURCE_CONNECT_RETRY": 2, "SOURCE_RETRY_COUNT": 1000, "SOURCE_HEARTBEAT_PERIOD": 1} if self.shortened else {}
        self.server.start_as_replica(*(["--replica-net-timeout=4"] if self.shortened else []))
        self.server.sql(source(PATHS, self.port, **brief), "START REPLICA")

    def rows(self) -> list[int]:
        return [row["at"] for row in self.server.sql("SELECT at FROM matrix.pulse ORDER BY id")]

    def stopped(self) -> str:
        (status,) = self.server.sql("SHOW REPLICA STATUS")
        return status["Last_IO_Error"] if status["Replica_IO_Running"] == "No" else ""

    def close(self) -> None:
        self.server.kill()
