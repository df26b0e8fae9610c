"""A MySQL replica follows one RDS Multi-AZ DB instance: its endpoint's name moves. tests/README.md says who plays what."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumers.addresses import DB_INSTANCE, ENDPOINT, NSS_WRAPPER, ZONES
from consumers.moto_world import Aws


@pytest.fixture
def aws(moto_url):
    def make(rds) -> None:
        rds.create_db_instance(DBInstanceIdentifier=DB_INSTANCE, Engine="mysql", DBInstanceClass="db.m7g.large", MultiAZ=True)

    return Aws(moto_url, "orders-a", make)


@pytest.fixture
def name_moves(tmp_path, timeline):
    """Leads the endpoint's name to a server."""

    def move(to: str) -> None:
        new = tmp_path / "hosts.new"
        new.write_text(f"{ZONES[to]} {ENDPOINT}\n")
        os.replace(new, tmp_path / "hosts")  # nss_wrapper notices another file at once, and a change only in another second
        timeline.mark(f"the name leads to {to}")

    move("orders-a")
    return move


@pytest.fixture
def variables(tmp_path, name_moves):
    return {"DB_INSTANCE_ID": DB_INSTANCE, "NSS_WRAPPER_HOSTS": str(tmp_path / "hosts")} | NSS_WRAPPER


@pytest.fixture
def addresses():
    """The primary's and its standby's."""
    return ZONES


def test_a_replica_comes_back_when_the_name_of_its_instance_moves(world, name_moves):
    # Given a primary that is lost, and its name, which still leads there when the failover is announced
    world.table()
    world.failover("orders-b", "is killed")
    moved = world.switched("orders-b", "event+dns") | {"writer": DB_INSTANCE}
    with ThreadPoolExecutor() as pool:
        announced = time.monotonic()
        answer = pool.submit(world.event, "instance-started", moved)
        # When the standby is promoted, and the name moves
        world.promote("orders-b")
        time.sleep(2)
        assert not answer.done(), answer.result()
        assert world.aws.targets() == {"orders-a"}
        waited = time.monotonic() - announced
        name_moves("orders-b")
        # Then the function, which has waited for that, moves the target
        age_on_arrival = answer.result()["event_age_ms"] / 1000
        assert age_on_arrival - 1 < waited, "the name moved before the function ran"
    world.event("instance-completed", {"outcome": "unchanged", "evidence": "event+dns", "writer": DB_INSTANCE})
    # And the replica comes back by itself, with all rows
    world.write("INSERT INTO t.rows VALUES (2, 'on the promoted standby')")
    world.caught_up()
    world.assert_followed()
