"""A MySQL replica follows a failover that the function leads it through. tests/README.md says who plays what.

Each scenario prints its timeline, and ends with the replica's rows compared with the writer's.
"""

import itertools
import threading
import time
from contextlib import AbstractContextManager

import pymysql

from consumers.gate import GATE
from consumers.mysql import connect, query
from consumers.repeated import Repeated
from support.servers import wait_until

RIGHT_ALREADY = {"outcome": "unchanged", "evidence": "event+rds"}


class Load(AbstractContextManager["Load"]):
    """An application that writes row after row on four connections, and notes which were acknowledged."""

    def __init__(self, world):
        self.world, self.numbers, self.own = world, itertools.count(1), threading.local()
        self.acknowledged: list[int] = []
        self.writers = [Repeated(self.write, 0) for _ in range(4)]

    def __exit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.stop()

    def write(self) -> None:
        number, writer = next(self.numbers), self.world.instances[self.world.writer]
        try:
            self.own.connection = getattr(self.own, "connection", None) or connect(writer.address)
            query(self.own.connection, f"INSERT INTO busy.entries VALUES ({number}, '{writer.name}')")
            self.acknowledged.append(number)
        except pymysql.MySQLError:  # as any application: look for the writer, go on with the next row
            self.own.connection = None
            time.sleep(0.05)

    def acknowledges(self, more: int) -> None:
        """Waits for so many rows more."""
        enough = len(self.acknowledged) + more
        wait_until(f"{more} more rows acknowledged", lambda: len(self.acknowledged) >= enough, 15)
        for writer in self.writers:
            writer.check()


def test_the_articles_experiment_brings_all_four_rows_to_the_consumer(world):
    # Given two rows, which the consumer has
    world.write(
        "CREATE SCHEMA article",
        "CREATE TABLE article.visits (id INT PRIMARY KEY, note VARCHAR(40))",
        "INSERT INTO article.visits VALUES (1, 'before the failover')",
        "INSERT INTO article.visits VALUES (2, 'before the failover, too')",
    )
    world.caught_up()
    # When the cluster fails over, and two more rows are written
    world.fails_over("aurora-2", "restarts")
    world.event("completed", RIGHT_ALREADY | {"writer": "aurora-2"})
    world.write(
        "INSERT INTO article.visits VALUES (3, 'after the failover')",
        "INSERT INTO article.visits VALUES (4, 'after it, too')",
    )
    # Then the consumer has all four
    world.caught_up()
    world.back_as_reader("aurora-1")
    rows = world.replica.sql("SELECT * FROM article.visits ORDER BY id")
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    world.assert_followed()


def test_no_acknowledged_row_is_lost_when_the_writer_is_killed_under_load(world):
    # Given an application that writes on four connections
    world.write("CREATE SCHEMA busy", "CREATE TABLE busy.entries (id INT PRIMARY KEY, writer VARCHAR(20))")
    world.caught_up()
    with Load(world) as load:
        load.acknowledges(300)
        # When the writer is killed, and another instance takes over
        world.fails_over("aurora-3", "is killed", "started-same-az")
        world.event("completed-rds-initiated", RIGHT_ALREADY, instance="aurora-3")
        load.acknowledges(300)
    # Then the consumer has every row that was acknowledged
    world.caught_up()
    world.back_as_reader("aurora-1")
    there = {row["id"] for row in world.replica.sql("SELECT id FROM busy.entries")}
    assert set(load.acknowledged) <= there
    in_doubt = len(there) - len(load.acknowledged)
    world.timeline.mark(f"{len(load.acknowledged)} rows acknowledged; {in_doubt} more, whose acknowledgement was lost")
    world.assert_followed()


def test_a_failback_within_seconds_finds_its_target_still_draining(world):
    # Given a writer that hangs, so that only the balancer ends the replica's connection to it
    world.table()
    world.fails_over("aurora-2", "hangs")
    world.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")
    world.caught_up()
    assert "aurora-1" in world.aws.targets(draining=True)
    # When the cluster fails back while the old target is still draining
    world.fails_over("aurora-1", "restarts")
    world.event("completed", RIGHT_ALREADY, instance="aurora-1")
    world.write("INSERT INTO t.rows VALUES (3, 'on aurora-1 again')")
    # Then the consumer is back on it, with all rows
    world.caught_up()
    world.back_as_reader("aurora-2")
    world.assert_followed()


def meets_the_old_writer_as_a_reader(world) -> None:
    """The target is right at once, but the balancer follows only after the old writer is back as a reader."""
    world.table()
    world.balancer.propagation = 60
    world.failover("aurora-2", "restarts")
    world.event("started-cross-az", world.switched("aurora-2"))
    world.back_as_reader("aurora-1")
    world.promote("aurora-2")
    world.rds_shows("aurora-2")
    world.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")


def test_a_consumer_that_a_reader_has_refused_comes_back_only_by_hand(world):
    # Given a consumer that has met the old writer as a reader
    meets_the_old_writer_as_a_reader(world)
    wait_until("the replica to be refused", lambda: "1236" in world.replica.error, 30)
    # When the balancer follows
    world.balancer.propagation = 0
    world.balancer_follows("aurora-2")
    # Then the consumer stays away, longer than three of its retries, until somebody starts it
    time.sleep(4)
    assert "1236" in world.replica.error, "the replica came back by itself"
    world.replica.sql("START REPLICA")
    world.timeline.mark("START REPLICA, by hand")
    wait_until("the replica to run again", lambda: not world.replica.error, 10)
    world.caught_up()
    world.assert_followed()


def test_a_consumer_that_a_gated_reader_has_refused_comes_back_by_itself(world):
    # Given a gate on every instance, and a consumer that the old writer refuses as a gated reader
    world.gate = GATE
    meets_the_old_writer_as_a_reader(world)
    log = world.instances["aurora-1"].log
    wait_until("the gate to refuse the replica", lambda: log.read_text().count("init_connect") >= 2, 30)
    world.replica.check()
    # When the balancer follows
    world.balancer.propagation = 0
    world.balancer_follows("aurora-2")
    # Then the consumer comes back without anybody's help
    world.caught_up()
    world.assert_followed()
