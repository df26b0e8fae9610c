"""Each sentence of RUNBOOK.md's section on the reader gate that MySQL alone can prove.

That a gated replica and Debezium come back by themselves is in the two other files.
"""

import re
import time
from contextlib import ExitStack, closing

import pymysql
import pytest

from consumers.addresses import INSTANCES, PORT
from consumers.gate import GATE, PARAMETER, WITH_QUOTES
from consumers.mysql import Server, Volumes, connect, folder, query, source
from measure.database import gated
from support.servers import wait_until


@pytest.fixture(scope="module")
def started(empty_volume, work):
    """A writer, a reader, and a server to make a replica of the reader."""
    with folder() as place, ExitStack() as exits:
        volumes = Volumes(place, empty_volume)
        writer, reader, replica = (exits.enter_context(Server(name, at, volumes, work)) for name, at in INSTANCES.items())
        writer.start_as_writer()
        reader.start_as_reader()
        replica.start_as_replica()
        yield writer, reader, replica


@pytest.fixture
def servers(started):
    yield started
    for server in started:
        server.has_gate("")


def lets_in(server: Server, user: str) -> bool:
    """Whether this user can log in and ask something; any other error than a gate's is an error."""
    try:
        with closing(connect(server.address, user)) as connection:
            return query(connection, "SELECT 1 AS one") == [{"one": 1}]
    except pymysql.MySQLError as error:
        if gated(error):
            return False
        raise


SEVERAL_USERS = WITH_QUOTES.replace("USER() LIKE 'repl@%'", "(USER() LIKE 'a@%' OR USER() LIKE 'repl@%')")


@pytest.mark.parametrize("value", [WITH_QUOTES, GATE, SEVERAL_USERS], ids=["with-quotes", "without-quotes", "several-users"])
def test_the_reader_refuses_the_consumers_user_and_the_writer_and_other_users_notice_nothing(servers, value):
    writer, reader, _ = servers
    writer.has_gate(value)
    reader.has_gate(value)
    assert lets_in(writer, "repl")
    assert lets_in(writer, "other")
    assert lets_in(reader, "other")
    assert lets_in(reader, "test"), "a user with CONNECTION_ADMIN is exempt"
    assert not lets_in(reader, "repl")
    assert "reader refuses consumer" in reader.log.read_text(), "the reader's error log names the text"
    assert reader.sql("SELECT @@GLOBAL.init_connect AS gate") == [{"gate": value}]


def test_the_form_without_quotes_holds_the_same_two_texts():
    def decoded(literal: re.Match[str]) -> str:
        return f"'{bytes.fromhex(literal[1]).decode()}'"

    assert "'" not in GATE
    assert '"' not in GATE
    assert re.sub(r"0x([0-9A-F]+)", decoded, GATE) == WITH_QUOTES
    assert PARAMETER["ParameterName"] == "init_connect"


def test_a_refused_login_counts_as_no_aborted_connect_and_cuts_no_other_connection(servers):
    _, reader, _ = servers
    with closing(connect(reader.address, "repl")) as held:
        reader.has_gate(GATE)
        before = reader.sql("SHOW GLOBAL STATUS LIKE 'Aborted_connects'")
        assert not any(lets_in(reader, "repl") for _ in range(10))
        assert reader.sql("SHOW GLOBAL STATUS LIKE 'Aborted_connects'") == before
        assert query(held, "SELECT 1 AS one") == [{"one": 1}]


def test_a_malformed_value_is_accepted_and_locks_out_all_but_exempt_users_on_the_writer_too(servers):
    writer, _, _ = servers
    with closing(connect(writer.address, "other")) as held:
        writer.has_gate("SET @gate = IF(")
        assert not lets_in(writer, "repl")
        assert not lets_in(writer, "other")
        assert query(held, "SELECT 1 AS one") == [{"one": 1}], "an open connection goes on"
    # The way back: a new login of a user who is exempt
    with closing(connect(writer.address, "test")) as exempt:
        query(exempt, "SET GLOBAL init_connect = ''")
    assert lets_in(writer, "repl")
    assert lets_in(writer, "other")


def test_a_replica_whose_retries_are_used_up_at_a_gated_reader_is_ended_by_them(servers):
    _, reader, replica = servers
    reader.has_gate(GATE)
    replica.sql(source(reader.address, PORT, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=3), "START REPLICA")

    def status() -> dict[str, str]:
        return replica.sql("SHOW REPLICA STATUS")[0]

    wait_until("the replica to give up", lambda: status()["Replica_IO_Running"] == "No", 30)
    reader.has_gate("")
    assert re.search(r"attempt 3/3|retries: 3", status()["Last_IO_Error"]), status()["Last_IO_Error"]
    time.sleep(3)
    assert status()["Replica_IO_Running"] == "No", "it came back by itself once it was let in"


def test_what_the_number_of_retries_is_by_default(servers):
    _, reader, replica = servers
    replica.sql("STOP REPLICA", "RESET REPLICA ALL", source(reader.address, PORT))
    (row,) = replica.sql("SELECT CONNECTION_RETRY_COUNT AS count FROM performance_schema.replication_connection_configuration")
    assert row["count"] in (10, 86_400)
