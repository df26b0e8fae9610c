"""The world of a scenario: a cluster, its consumer and what lies between, and what can be done to them."""

import json
import re
from dataclasses import dataclass
from typing import Any

from consumers.balancer import Balancer
from consumers.moto_world import Aws, target
from consumers.mysql import Server
from consumers.replica import Replica
from consumers.timeline import Timeline
from support.aws import set_writer
from support.events import fresh
from support.function import Function
from support.servers import wait_until


@dataclass
class World:
    instances: dict[str, Server]
    replica: Replica
    aws: Aws
    function: Function
    balancer: Balancer
    timeline: Timeline
    writer: str
    gate: str = ""
    """What every instance that starts from now on has as its init_connect."""

    def write(self, *statements: str) -> None:
        """As an application does, at the writer itself and not through the balancer."""
        self.instances[self.writer].sql(*statements)
        self.timeline.mark(f"{len(statements)} row(s) written on {self.writer}")

    def table(self) -> None:
        """A table with one row, which is on the consumer too."""
        create = "CREATE TABLE t.rows (id INT PRIMARY KEY, note VARCHAR(40))"
        self.write("CREATE SCHEMA t", create, "INSERT INTO t.rows VALUES (1, 'first')")
        self.caught_up()

    def failover(self, to: str, how: str) -> None:
        """The writer is lost; the one to be promoted restarts as well, as with Aurora."""
        self.timeline.begin(f"failover to {to} begins: {self.writer} {how}")
        self.instances[to].kill()
        # A shutdown in good order would take MySQL ten seconds, and Aurora leaves its writer no such time.
        if how == "hangs":
            self.instances[self.writer].hang()
        else:
            self.instances[self.writer].kill()

    def promote(self, name: str) -> None:
        """The new writer opens the volume. RDS does not show it yet."""
        self.instances[name].start_as_writer(f"--init-connect={self.gate}", after=self.instances[self.writer])
        self.writer = name
        self.timeline.mark(f"{name} is the writer")

    def rds_shows(self, name: str) -> None:
        set_writer(self.aws.rds, name)
        self.timeline.mark(f"RDS shows {name} as the writer")

    def fails_over(self, to: str, how: str, event: str = "started-cross-az") -> None:
        """From the loss of the writer to when RDS shows the new one. The event moves the target."""
        self.failover(to, how)
        self.event(event, self.switched(to), instance=to)
        self.promote(to)
        self.rds_shows(to)

    def back_as_reader(self, name: str) -> None:
        self.instances[name].kill()
        self.instances[name].start_as_reader(f"--init-connect={self.gate}")
        self.timeline.mark(f"{name} is back, as a reader without a binary log")

    def switched(self, writer: str, evidence: str = "event") -> dict[str, Any]:
        """The answer that a move from the group's only target to this instance gets."""
        (before,) = self.aws.targets()
        new = target(writer)
        moved = {"target": new, "registered": [new], "deregistered": [target(before)]}
        return {"outcome": "switched", "writer": writer, "evidence": evidence} | moved

    def event(self, name: str, expected: dict[str, Any], instance: str = "") -> dict[str, Any]:
        """Invokes the function with a file of events/, made fresh, about this instance; the answer, once it is as expected."""
        payload = fresh(name)
        if instance:
            payload = json.loads(re.sub(r"(?<=: )aurora-\d", instance, json.dumps(payload)))
        self.timeline.mark(f"event in: {name}{f', now {instance}' if instance else ''}")
        reply = self.function.invoke(payload)
        told = {key: reply.answer[key] for key in ("outcome", "writer", "evidence", "reason") if key in reply.answer}
        self.timeline.mark(f"answer: {told or reply.text}")
        assert {key: reply.answer.get(key) for key in expected} == expected, reply.text
        return reply.answer

    def balancer_follows(self, name: str) -> None:
        what, seconds = f"the balancer to send to {name} alone", self.balancer.propagation + 5
        wait_until(what, lambda: self.balancer.serving() == {name}, seconds)

    def caught_up(self) -> None:
        written = self.instances[self.writer].sql("SELECT @@GLOBAL.gtid_executed AS gtids")[0]["gtids"]

        def reached() -> bool:
            self.balancer.watch.check()
            self.replica.check()
            (row,) = self.replica.sql(f"SELECT GTID_SUBSET('{written}', @@GLOBAL.gtid_executed) AS has_all")
            return row["has_all"] and self.replica.source == self.writer

        wait_until(f"the consumer to catch up with {self.writer}", reached, self.balancer.propagation + 15)
        self.timeline.mark("the consumer has caught up")

    def assert_followed(self) -> None:
        """The consumer has what the writer has, row by row, and everything points to the writer alone."""
        rows = self.instances[self.writer].rows()
        assert self.replica.rows() == rows
        self.balancer.watch.check()
        assert self.aws.targets() == {self.writer}
        assert self.balancer.serving() == {self.writer}
        wait_until(f"the replica to be connected to {self.writer}", lambda: self.replica.source == self.writer, 5)
        self.timeline.mark(f"{sum(map(len, rows.values()))} rows of {self.writer} are on the consumer")
