"""Who answers, and whether it writes: the questions to a database that is no Aurora."""

import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore
import psycopg
import pymysql
import pytest

from measure.database import MySql, PostgreSql, gated, left_unfinished
from measure.options import parse

OPTIONS = parse(["--stack", "prod", "--endpoint", "[::1]:5432", "--user", "probe"])


class Answers:
    """A connection that knows no name of Aurora's."""

    def __init__(self, error: Exception, row: tuple[Any, ...]) -> None:
        self.error, self.row, self.asked = error, row, list[str]()

    def execute(self, question: str) -> Any:
        self.asked.append(question)
        if "aurora" in question:
            raise self.error
        return SimpleNamespace(fetchone=self.fetchone)

    def fetchone(self) -> tuple[Any, ...]:
        return self.row

    def cursor(self) -> "Answers":
        return self

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        """A cursor's end."""


@pytest.mark.parametrize(("row", "writes"), [((12, 0, 0, ""), True), ((12, 1, 0, ""), False), ((12, 0, 1, ""), False)])
def test_mysql_is_asked_by_auroras_name_once_and_then_by_its_number(row: tuple[Any, ...], writes: bool) -> None:
    database = MySql(OPTIONS, "secret")
    connection = Answers(pymysql.err.OperationalError(1193, "Unknown system variable 'aurora_server_id'"), row)
    assert (
        database.identity(connection) == database.identity(connection) == {"server": "12", "writes": writes, "init_connect": ""}
    )
    assert [question.split(",")[0] for question in connection.asked] == [
        "SELECT @@aurora_server_id",
        "SELECT @@server_id",
        "SELECT @@server_id",
    ]


def test_with_ca_mysql_is_reached_over_tls_alone_and_its_certificate_is_verified() -> None:
    authorities = str(Path(botocore.__file__).parent / "cacert.pem")
    options = parse(["--stack", "prod", "--endpoint", "host:3306", "--user", "probe", "--ca", authorities])
    connection = pymysql.Connection(**MySql(options, "secret").settings, defer_connect=True)
    assert connection._ssl_required
    assert connection.ctx.verify_mode == ssl.CERT_REQUIRED
    assert not connection.ctx.check_hostname


@pytest.mark.parametrize(("recovering", "writes"), [(False, True), (True, False)])
def test_postgresql_writes_unless_it_is_in_recovery(recovering: bool, writes: bool) -> None:
    database = PostgreSql(OPTIONS, "secret")
    connection = Answers(psycopg.errors.UndefinedFunction("no such function"), ("10.0.2.22", recovering))
    assert database.identity(connection) == database.identity(connection) == {"server": "10.0.2.22", "writes": writes}
    assert len(connection.asked) == 3


@pytest.mark.parametrize(
    ("code", "text", "counts"),
    [
        (1184, "Aborted connection 9 to db: 'unconnected' user: 'repl' host: '10.0.1.5' (init_connect command failed)", True),
        (1184, "Aborted connection 9 to db: 'unconnected' user: 'repl' host: '10.0.1.5' (some other reason)", False),
        (1045, "Access denied for user 'repl'@'10.0.1.5' (using password: YES)", False),
    ],
)
def test_a_login_counts_as_gated_where_init_connect_refused_it(code: int, text: str, counts: bool) -> None:
    assert gated(pymysql.err.OperationalError(code, text)) is counts


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query (timed out)"), True),
        (pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query"), False),
        (pymysql.err.OperationalError(2003, "Can't connect to MySQL server on 'host' (timed out)"), False),
    ],
)
def test_a_handshake_counts_as_unfinished_where_our_own_timeout_ended_it(error: Exception, counts: bool) -> None:
    assert left_unfinished(error) is counts
