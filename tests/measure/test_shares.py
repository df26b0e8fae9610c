"""The moments and shares of a failover, from observations alone."""

import pytest

from measure.example import COMPLETED, CUT, DECIDED, FLIPPED, REQUEST, RIGHT, SHOWN, STARTED, WHOLE, endpoint, event, record, seen
from measure.moments import Logins, gates, logins, moments, shares, zero
from measure.timeline import table


def test_each_moment_is_found():
    assert list(moments(WHOLE).values()) == [2, 3, 3.5, 4, 7, 9, 11, 2.8, 8, 10, 13]


def test_the_shares_come_in_the_order_of_time_and_add_up():
    found = shares(WHOLE)
    assert [one.at for one in found] == [2, 2.8, 3, 3.5, 4, 7, 8, 9, 10, 11, 13]
    assert sum(one.share for one in found) == 11
    assert sorted(one.moment for one in found) == sorted(moments(WHOLE))


def test_connections_that_met_a_reader_are_counted_since_the_request():
    assert logins(WHOLE) == Logins(readers=2, gated=0, every=6)


def test_a_login_that_a_gate_refuses_counts_as_gated_and_the_gates_of_the_others_are_shown():
    let_in = {**endpoint(10, "aurora-2", True), "init_connect": "SET @gate = 1"}
    refused = seen("endpoint", 5, gated="Aborted connection 9 … (init_connect command failed)")
    guarded = record(REQUEST, refused, let_in, {**endpoint(11, "aurora-9", False), "init_connect": ""})
    assert logins(guarded) == Logins(readers=1, gated=1, every=3)
    assert gates(guarded) == {"aurora-2": "SET @gate = 1", "aurora-9": ""}
    said = table(guarded)
    assert "1 of 3 new connections met a reader; a gate refused 1" in said
    assert "init_connect of aurora-2: SET @gate = 1" in said
    assert "init_connect of server aurora-9: empty" in said


def test_the_table_counts_from_the_request_and_tells_of_init_and_duration():
    told = table(WHOLE)
    assert "    1500       500  function called" in told
    assert "2 of 6 new connections met a reader" in told
    assert "the function's runs: 203 ms after 6 ms of init" in told


@pytest.mark.parametrize(
    ("gone", "moment"),
    [
        (STARTED, "started event"), (DECIDED, "function called"), (RIGHT, "group right"), (SHOWN, "RDS's status shows it"),
        (COMPLETED, "completed"), (CUT, "old connection cut"),
    ],
)  # fmt: skip
def test_what_was_not_seen_is_no_share_and_the_others_still_add_up(gone, moment):
    others = [one for one in WHOLE.observations if one not in (gone, FLIPPED)] + [{**FLIPPED, "status": "available"}]
    some = record(*others)
    assert moments(some)[moment] is None
    assert f"       –         –  {moment}: not seen" in table(some)
    assert sum(one.share for one in shares(some)) == 11


def test_without_a_request_the_started_event_is_zero():
    watched = record(*(one for one in WHOLE.observations if one is not REQUEST))
    assert zero(watched) == 3
    assert moments(watched)["request"] is None
    assert shares(watched)[0].moment == "started event"


def test_a_log_without_platform_lines_gives_the_time_of_the_decision():
    assert moments(record(REQUEST, DECIDED))["function called"] == 3.7


def test_a_target_is_the_writers_by_the_word_of_the_function_before_that_of_dns():
    mapped = {**DECIDED, "line": {**DECIDED["line"], "target": "172.16.0.2:3306"}}
    group = seen("targets", 4, targets={"172.16.0.2:3306": "initial"})
    assert moments(record(REQUEST, mapped, group, FLIPPED))["group right"] == 4
    assert moments(record(REQUEST, DECIDED, group, FLIPPED))["group right"] is None


def test_a_failover_that_is_taken_back_has_no_new_instance():
    found = moments(
        record(REQUEST, STARTED, endpoint(3, "aurora-1", True), event(9, "Promoting previous primary again: aurora-1"))
    )
    assert [name for name, at in found.items() if at is not None] == ["request", "started event"]
