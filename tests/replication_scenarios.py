"""The scenarios, one function each."""

import time
from contextlib import ExitStack

from replication_balancer import Aws
from replication_databases import ADDRESSES, Place
from replication_experiment import Experiment, Load
from stack.run import CLUSTER, EVENTS, WORK, equal, wait_until
from stack.with_moto import Watch

HOUR = 3600


def article(x):
    """The article's experiment: two rows, a failover, two more rows."""
    x.write(
        "CREATE SCHEMA article",
        "CREATE TABLE article.visits (id INT PRIMARY KEY, note VARCHAR(40))",
        "INSERT INTO article.visits VALUES (1, 'before the failover')",
        "INSERT INTO article.visits VALUES (2, 'before the failover, too')",
    )
    x.caught_up()
    x.failover("aurora-2", "restarts")
    x.event("started-cross-az", x.switched("aurora-2"))
    x.promote("aurora-2")
    x.event("completed", {"outcome": "unchanged", "writer": "aurora-2", "evidence": "event+rds"})
    x.write("INSERT INTO article.visits VALUES (3, 'after the failover')", "INSERT INTO article.visits VALUES (4, 'after it, too')")
    x.caught_up()
    x.back_as_reader("aurora-1")
    rows = x.consumer.sql("SELECT * FROM article.visits ORDER BY id")
    equal("the consumer's rows", [row["id"] for row in rows], ["1", "2", "3", "4"], rows)
    return "; ".join(f"{row['id']} {row['note']}" for row in rows)


def killed(x):
    """The writer is killed under a write load."""
    x.write("CREATE SCHEMA busy", "CREATE TABLE busy.entries (id INT PRIMARY KEY, writer VARCHAR(20))")
    x.caught_up()
    with Load(x) as load:
        load.acknowledges(300)
        x.failover("aurora-3", "is killed")
        x.event("started-same-az", x.switched("aurora-3"))
        x.promote("aurora-3")
        x.event("completed-rds-initiated", {"outcome": "unchanged", "evidence": "event+rds"}, instance="aurora-3")
        load.acknowledges(300)
    x.caught_up()
    x.back_as_reader("aurora-1")
    there = {int(row["id"]) for row in x.consumer.sql("SELECT id FROM busy.entries")}
    missing = set(load.acknowledged) - there
    assert not missing, f"acknowledged, but not on the consumer: {sorted(missing)}"
    in_doubt = len(there - set(load.acknowledged))
    return f"{len(load.acknowledged)} rows acknowledged, none missing; {in_doubt} more, whose acknowledgement was lost"


def failback(x):
    """To aurora-2 and back within seconds, while aurora-1 still drains."""
    x.table()
    x.failover("aurora-2", "hangs")
    x.event("started-cross-az", x.switched("aurora-2"))
    x.promote("aurora-2")
    x.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")
    x.caught_up()
    assert "aurora-1" in x.aws.targets(draining=True), "aurora-1 does not drain any more"
    x.failover("aurora-1", "restarts")
    x.event("started-cross-az", x.switched("aurora-1"), instance="aurora-1")
    x.promote("aurora-1")
    x.event("completed", {"outcome": "unchanged", "evidence": "event+rds"}, instance="aurora-1")
    x.write("INSERT INTO t.rows VALUES (3, 'on aurora-1 again')")
    x.caught_up()
    x.back_as_reader("aurora-2")


def started_lost(x):
    """The started event is lost: the completed one does it."""
    x.table()
    x.failover("aurora-2", "is killed")
    x.promote("aurora-2")
    x.event("completed", x.switched("aurora-2", "event+rds"))
    x.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")
    x.caught_up()
    x.back_as_reader("aurora-1")


def both_lost(x):
    """Both events are lost: the schedule does it, after two looks. aurora-1 stays away."""
    x.table()
    x.failover("aurora-2", "is killed")
    x.promote("aurora-2")
    x.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")
    x.event("eventbridge-scheduled", x.switched("aurora-2", "rds") | {"cause": "schedule"})
    x.caught_up()


def late(x):
    """A started event for a reader is an hour late: nothing moves."""
    x.table()
    connection = x.binlog_connection()
    x.timeline.begin("an hour after some failover; aurora-1 is the writer")
    answer = x.event("late", {"outcome": "unchanged", "writer": "aurora-1", "evidence": "rds"}, age=HOUR)
    if answer:
        assert HOUR <= answer["event_age_ms"] / 1000 <= HOUR + 10, answer
    time.sleep(x.bridge.propagation + 0.5)
    x.write("INSERT INTO t.rows VALUES (2, 'on aurora-1 still')")
    x.caught_up()
    equal("changes of the target group", x.bridge.changes, 0, answer)
    equal("the replica's connection on aurora-1", x.binlog_connection(), connection, answer)
    return "the same connection all the time"


def reverted(x):
    """The failover fails, and the previous primary is promoted again. aurora-2 does not get up."""
    x.table()
    x.failover("aurora-2", "restarts")
    x.event("started-cross-az", x.switched("aurora-2"))
    x.balancer_follows("aurora-2")
    x.promote("aurora-1")
    x.event("promoting-previous-primary", x.switched("aurora-1", "event+rds"))
    x.event("failed", {"outcome": "unchanged", "writer": "aurora-1", "evidence": "rds"})
    x.write("INSERT INTO t.rows VALUES (2, 'on aurora-1 again')")
    x.caught_up()
    x.back_as_reader("aurora-2")


def refused(x):
    """The old writer is back as a reader before the balancer has moved, and refuses the binary log."""
    propagation, x.bridge.propagation = x.bridge.propagation, 60  # longer than a restart, as the NLB's is
    x.table()
    x.failover("aurora-2", "restarts")
    x.event("started-cross-az", x.switched("aurora-2"))
    x.back_as_reader("aurora-1")
    x.promote("aurora-2")
    wait_until("the replica to be refused", lambda: "1236" in x.consumer.error, 10)
    x.write("INSERT INTO t.rows VALUES (2, 'on aurora-2')")
    x.bridge.propagation = propagation
    x.balancer_follows("aurora-2")
    time.sleep(2)  # two of its retries, if it made any
    assert "1236" in x.consumer.error, "the replica came back by itself"
    x.consumer.sql("START SLAVE")
    x.timeline.mark("START REPLICA, by hand")
    wait_until("the replica to run again", lambda: not x.consumer.error, 10)
    x.caught_up()


SCENARIOS = {
    "article": article, "killed": killed, "failback": failback, "started-lost": started_lost, "both-lost": both_lost,
    "late": late, "reverted": reverted, "refused": refused,
}  # fmt: skip


def run_all(run, chosen):
    # What `cargo lambda watch` runs. Built here, where one can see it, for a first invocation would wait for it in silence.
    run.command(["cargo", "build", "--bin", "aurora-nlb-failover"], seconds=3600, quiet=False)
    place, aws = Place(), Aws(run)
    aws.reset("aurora-1")
    watch = Watch(run, "replication", aws, ADDRESSES, "" if chosen.broken == "rds" else CLUSTER)
    # Also starts the function: the first timeline must not show that.
    _, error, text = watch.invoke(EVENTS["subscription-notice" if chosen.broken else "check"])
    assert not error, f"the function does not work: {text}"
    for name in chosen.scenario or SCENARIOS:
        scenario = SCENARIOS[name]
        print(f"\n{name}: {scenario.__doc__}")
        run.step(name, lambda: play(scenario, place, aws, watch, chosen))
    if not run.failed:
        place.remove()
    elif WORK not in place.folder.parents:
        print(f"\nlogs of the servers: {place.folder}", end="")


def play(scenario, place, aws, watch, chosen):
    started = time.monotonic()
    with ExitStack() as exits:
        exits.callback(place.remove_volumes)
        x = Experiment(place, aws, watch, chosen, exits)
        exits.callback(x.timeline.print)
        note = scenario(x)
        return "; ".join(filter(None, (x.verdict(), note, f"{time.monotonic() - started:.1f} s")))
