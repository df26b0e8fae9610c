"""A MySQL replica, HeatWave's part: it reaches the cluster through the balancer alone."""

from pathlib import Path

from consumers.addresses import BALANCER, NAMES, PORT, REPLICA
from consumers.mysql import Server, Volumes, connect, query, source
from consumers.repeated import Repeated
from consumers.timeline import Timeline


class Replica(Server):
    """A replica that notes in the timeline when its connection comes and goes."""

    def __init__(self, volumes: Volumes, logs: Path, timeline: Timeline):
        super().__init__("replica", REPLICA, volumes, logs)
        self.timeline = timeline
        self.source = self.error = ""
        """The instance that it is connected to, and why it has stopped for good."""
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
            connected = f"is connected to {self.source}" if self.source else "has lost its connection"
            self.timeline.mark(f"the replica {f'has stopped: {self.error}' if self.error else connected}")

    def check(self) -> None:
        """Raises if it has stopped, or cannot be watched any more."""
        self.watch.check()
        assert not self.error, f"the replica has stopped: {self.error}"
