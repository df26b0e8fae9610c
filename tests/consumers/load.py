"""A write load on the cluster."""

import itertools
import threading
import time

import pymysql

from consumers.addresses import INSTANCES
from consumers.mysql import connect, query
from consumers.repeated import Repeated
from consumers.world import World
from support.servers import wait_until


class Own(threading.local):
    """What each thread has for itself."""

    connection: pymysql.Connection | None = None


class Load:
    """An application that writes row after row on four connections, and notes which were acknowledged."""

    def __init__(self, world: World):
        self.world, self.numbers, self.own = world, itertools.count(1), Own()
        self.acknowledged: list[int] = []

    def __enter__(self) -> "Load":
        self.writers = [Repeated(self.write, 0) for _ in range(4)]
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self.writers:
            writer.stop()

    def write(self) -> None:
        number, name = next(self.numbers), self.world.writer
        try:
            self.own.connection = self.own.connection or connect(INSTANCES[name])
            query(self.own.connection, f"INSERT INTO busy.entries VALUES ({number}, '{name}')")
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
