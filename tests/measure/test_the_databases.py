"""Who answers, and whether it writes: the questions to a database that is no Aurora."""

import ssl
from pathlib import Path

import botocore
import psycopg
import pymysql
import pytest
from pymysql.err import OperationalError

from measure.database import MySql, PostgreSql, gated, left_unfinished
from measure.options import parse

WORDS = ["--stack", "prod", "--endpoint", "[::1]:5432", "--user", "probe"]


class Answers:
    """A connection, and its own cursor, that knows no name of Aurora's."""

    def __init__(self, error, row):
        self.error, self.row, self.asked = error, row, []

    def cursor(self):
        return self

    def execute(self, question):
        self.asked.append(question.split(",")[0])
        if "aurora" in question:
            raise self.error
        return self

    def fetchone(self):
        return self.row


@pytest.mark.parametrize(("row", "writes"), [((12, 0, 0, ""), True), ((12, 1, 0, ""), False), ((12, 0, 1, ""), False)])
def test_mysql_is_asked_by_auroras_name_once_and_then_by_its_number(row, writes):
    database = MySql(parse(WORDS), "secret")
    connection = Answers(OperationalError(1193, "Unknown system variable 'aurora_server_id'"), row)
    expected = {"server": "12", "writes": writes, "init_connect": ""}
    assert database.identity(connection) == database.identity(connection) == expected
    assert connection.asked == ["SELECT @@aurora_server_id", "SELECT @@server_id", "SELECT @@server_id"]


def test_with_ca_mysql_is_reached_over_tls_alone_and_its_certificate_is_verified():
    authorities = str(Path(botocore.__file__).parent / "cacert.pem")
    options = parse([*WORDS, "--ca", authorities])
    connection = pymysql.Connection(**MySql(options, "secret").settings, defer_connect=True)
    assert connection._ssl_required
    assert connection.ctx.verify_mode == ssl.CERT_REQUIRED
    assert not connection.ctx.check_hostname


@pytest.mark.parametrize(("recovering", "writes"), [(False, True), (True, False)])
def test_postgresql_writes_unless_it_is_in_recovery(recovering, writes):
    database = PostgreSql(parse(WORDS), "secret")
    connection = Answers(psycopg.errors.UndefinedFunction("no such function"), ("10.0.2.22", recovering))
    assert database.identity(connection) == database.identity(connection) == {"server": "10.0.2.22", "writes": writes}
    assert len(connection.asked) == 3


REFUSED = "Aborted connection 9 to db: 'unconnected' user: 'repl' host: '10.0.1.5' "


@pytest.mark.parametrize(
    ("code", "text", "is_gated", "is_unfinished"),
    [
        (1184, REFUSED + "(init_connect command failed)", True, False),
        (1184, REFUSED + "(some other reason)", False, False),
        (1045, "Access denied for user 'repl'@'10.0.1.5' (using password: YES)", False, False),
        (2013, "Lost connection to MySQL server during query (timed out)", False, True),
        (2013, "Lost connection to MySQL server during query", False, False),
        (2003, "Can't connect to MySQL server on 'host' (timed out)", False, False),
    ],
)
def test_what_counts_as_gated_and_what_as_a_handshake_that_our_own_timeout_ended(code, text, is_gated, is_unfinished):
    error = OperationalError(code, text)
    assert (gated(error), left_unfinished(error)) == (is_gated, is_unfinished)
