"""The experiment that the scenarios are made of: a cluster, a consumer and a balancer, and what can be done to them."""

import itertools
import json
import re
import signal
import threading
import time
from datetime import datetime, timedelta, timezone

from replication_balancer import BALANCER, Balancer, Bridge
from replication_databases import ADDRESSES, CONSUMER, PORT, Consumer, Lost, Server, Session
from stack.run import EVENTS, WORK, equal, fresh, wait_until

LOSSES = {"restarts": lambda server: server.stop(signal.SIGTERM), "is killed": Server.stop, "hangs": Server.hang}


class Timeline:
    """What happened when, in milliseconds since the failover began."""

    def __init__(self):
        self.started, self.marks = None, []

    def begin(self, text):
        self.started = self.started or time.monotonic()
        self.mark(text)

    def mark(self, text):
        if self.started:
            self.marks.append((round((time.monotonic() - self.started) * 1000), text))

    def print(self):
        for at, text in sorted(self.marks, key=lambda mark: mark[0]):
            print(f"{at:>8} ms  {text}")


class Experiment:
    """One scenario's world: a new cluster, consumer and balancer; moto and the function serve all scenarios."""

    def __init__(self, place, aws, watch, chosen, exits):
        self.aws, self.watch, self.place, self.broken = aws, watch, place, chosen.broken
        self.timeline, self.writer, self.volume = Timeline(), "aurora-1", place.volume()
        self.servers = {name: Server(place, name, address) for name, address in ADDRESSES.items()}
        self.consumer = Consumer(place, "consumer", CONSUMER)
        for server in (*self.servers.values(), self.consumer):
            exits.callback(server.stop)
            server.start_as_writer(self.volume) if server.name == self.writer else server.start_as_reader()
        aws.reset(self.writer)
        aws.set_cuts(chosen.broken != "cut")
        self.balancer = Balancer(place)
        exits.callback(self.balancer.stop)
        self.bridge = Bridge(aws, self.balancer, self.timeline, chosen.propagation)
        exits.callback(self.bridge.stop)
        for server in (*self.servers.values(), self.consumer):
            server.wait()
        self.consumer.replicate(BALANCER, self.timeline)

    def write(self, *statements):
        """As an application does, at the writer itself and not through the balancer."""
        self.servers[self.writer].sql(*statements)
        self.timeline.mark(f"{len(statements)} row{'s' * (len(statements) > 1)} written on {self.writer}")

    def table(self):
        self.write("CREATE SCHEMA t", "CREATE TABLE t.rows (id INT PRIMARY KEY, note VARCHAR(40))", "INSERT INTO t.rows VALUES (1, 'first')")
        self.caught_up()

    def failover(self, to, how):
        """The writer is lost; the one to be promoted restarts as well, as with Aurora."""
        self.timeline.begin(f"failover to {to} begins: {self.writer} {how}")
        self.servers[to].stop()
        LOSSES[how](self.servers[self.writer])

    def promote(self, name):
        """The new writer opens the volume, and RDS says so."""
        self.volume = self.place.volume(self.volume)
        self.servers[name].start_as_writer(self.volume)
        self.servers[name].wait()
        self.aws.show_writer(name)
        self.writer = name
        self.timeline.mark(f"{name} is the writer")

    def back_as_reader(self, name):
        self.servers[name].stop()
        self.servers[name].start_as_reader()
        self.servers[name].wait()
        self.timeline.mark(f"{name} is back, as a reader without a binary log")

    def switched(self, writer, evidence="event"):
        """The answer that a move from the group's only target to this instance gets."""
        was, now = ([f"{ADDRESSES[name]}:{PORT}"] for name in (next(iter(self.aws.targets())), writer))
        return {"outcome": "switched", "writer": writer, "target": now[0], "evidence": evidence, "registered": now, "deregistered": was}

    def event(self, name, expected, instance=None, age=1):
        """Invokes the function with a file of events/, made this old, about this instance; the answer, once it is as expected."""
        text = EVENTS[name].read_text()
        if instance:
            text = re.sub(r"(?<=: )aurora-\d", instance, text)
        event = fresh(json.loads(text))
        if age > 1:
            message = json.loads(event["Records"][0]["Sns"]["Message"])
            message["Event Time"] = f"{datetime.now(timezone.utc) - timedelta(seconds=age):%Y-%m-%d %H:%M:%S.000}"
            event["Records"][0]["Sns"]["Message"] = json.dumps(message)
        if self.broken == "function":
            self.timeline.mark(f"{name}: nobody invokes the function")
            return None
        path = WORK / f"replication-{name}.json"
        path.write_text(json.dumps(event))
        self.timeline.mark(f"event in: {name}{f', now {instance}' if instance else ''}")
        answer, _, text = self.watch.invoke(path)
        self.timeline.mark(f"answer: {answer.get('outcome', text)}, writer {answer.get('writer')}, evidence {answer.get('evidence')}")
        if not self.broken:  # else it is for the databases to show
            equal(f"the answer to {name}", {key: answer.get(key) for key in expected}, expected, text)
        return answer

    def balancer_follows(self, name):
        wait_until(f"the balancer to send to {name} alone", lambda: self.balancer.serving() == {name}, self.bridge.propagation + 5)

    def caught_up(self):
        position = self.servers[self.writer].sql("SELECT @@gtid_binlog_pos AS position")[0]["position"]

        def reached():
            self.bridge.check()
            assert not self.consumer.error, f"the replica has stopped: {self.consumer.error}"
            return self.consumer.position() == position and self.consumer.source == self.writer

        wait_until(f"the consumer to catch up with {self.writer}", reached, self.bridge.propagation + 15)
        self.timeline.mark("the consumer has caught up")

    def binlog_connection(self):
        """The replica's connection, as the writer numbers it."""
        found = self.servers[self.writer].sql("SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump'")
        return [row["id"] for row in found]

    def verdict(self):
        """The consumer has what the writer has, row by row, and everything points to the writer alone."""
        rows = self.servers[self.writer].rows()
        equal("the consumer's rows", self.consumer.rows(), rows, f"{self.writer}'s rows")
        self.bridge.check()
        equal("targets", self.aws.targets(), {self.writer}, "moto's target group")
        equal("the balancer's servers", self.balancer.serving(), {self.writer}, "HAProxy")
        wait_until(f"the replica to be connected to {self.writer}", lambda: self.consumer.source == self.writer, 5)
        return f"{sum(map(len, rows.values()))} rows of {self.writer} are on the consumer"


class Load:
    """An application that writes row after row on four connections, and notes which were acknowledged."""

    def __init__(self, x):
        self.x, self.acknowledged, self.numbers, self.over = x, [], itertools.count(1), threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(4)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(15)

    def run(self):
        session = None
        while not self.over.is_set():
            number = next(self.numbers)
            try:
                session = session or Session(ADDRESSES[self.x.writer])
                session.ask(f"INSERT INTO busy.entries VALUES ({number}, '{self.x.writer}')")
                self.acknowledged.append(number)
            except Lost:  # as any application: look for the writer, go on with the next row
                session = None
                self.over.wait(0.05)
        if session:
            session.close()

    def acknowledges(self, more):
        """Waits for so many rows more."""
        enough = len(self.acknowledged) + more
        wait_until(f"{more} more rows acknowledged", lambda: len(self.acknowledged) >= enough, 15)
