"""The consumer, HeatWave's part: a replica that reaches the cluster through the balancer alone."""

from pathlib import Path

from replication.addresses import BALANCER, CONSUMER, NAMES, PORT
from replication.mariadb import Server, Volumes, connect, query
from replication.repeated import Repeated
from replication.timeline import Timeline

SOURCE = (
    f"CHANGE MASTER TO MASTER_HOST='{BALANCER}', MASTER_PORT={PORT}, MASTER_USER='consumer', MASTER_PASSWORD='consumer', "
    "MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1"
)


class Consumer(Server):
    """A MariaDB replica that says in the timeline when its connection comes and goes."""

    def __init__(self, volumes: Volumes, log: Path, timeline: Timeline):
        super().__init__("consumer", CONSUMER, volumes, log)
        self.timeline = timeline
        self.source = ""
        """The instance that it is connected to."""
        self.error = ""
        """Why it has stopped for good."""
        self.seen = self.told = ""

    def replicate(self) -> None:
        self.sql(SOURCE, "START SLAVE")
        self.session = connect(self.address)
        self.watch = Repeated(self.look, 0.02)

    def look(self) -> None:
        (status,) = query(self.session, "SHOW SLAVE STATUS")
        running, source = status["Slave_IO_Running"], NAMES.get(f"127.0.0.{status['Master_Server_Id']}", "")
        self.error = status["Last_SQL_Error"] or (status["Last_IO_Error"] if running == "No" else "")
        before, self.seen = self.seen, self.error or (source if running == "Yes" else "")
        # The source's ID lags behind the state by a moment, so that a look counts when the next one is the same.
        if before == self.seen != self.told:
            self.told, self.source = self.seen, "" if self.error else self.seen
            self.tell()

    def tell(self) -> None:
        connected = f"is connected to {self.source}" if self.source else "has lost its connection"
        self.timeline.mark(f"the replica {f'has stopped: {self.error}' if self.error else connected}")

    def check(self) -> None:
        """Raises if it has stopped, or cannot be watched any more."""
        self.watch.check()
        assert not self.error, f"the replica has stopped: {self.error}"

    def position(self) -> str:
        return self.sql("SELECT @@gtid_slave_pos AS position")[0]["position"]
