"""Asks a database who it is, over a new connection or one that is held."""

from argparse import Namespace
from typing import Any

import psycopg
import pymysql

Failure = (pymysql.MySQLError, psycopg.Error, OSError)
UNKNOWN_VARIABLE, ABORTED, LOST = 1193, 1184, 2013
CONNECT = 2
"""Seconds for TCP alone; the handshake comes after."""
ANSWER = 12
"""Seconds for an answer: longer than MySQL waits for a handshake (connect_timeout, 10 s), so that it is not we who leave it."""


class MySql:
    """MySQL and MariaDB."""

    def __init__(self, options: Namespace, password: str) -> None:
        host, port = options.endpoint
        self.settings: dict[str, Any] = {
            "host": host, "port": port, "user": options.user, "password": password, "database": options.database,
            "connect_timeout": CONNECT, "read_timeout": ANSWER, "write_timeout": ANSWER, "autocommit": True,
        }  # fmt: skip
        if options.ca:
            # The certificate is the instance's, while the name is the endpoint's.
            self.settings |= {"ssl_ca": options.ca, "ssl_verify_cert": True, "ssl_verify_identity": False}
        self.name = "@@aurora_server_id"

    def connect(self) -> Any:
        return pymysql.connect(**self.settings)

    def identity(self, connection: Any) -> dict[str, Any]:
        """Which instance it is, and whether it writes."""
        cursor = connection.cursor()
        try:
            cursor.execute(f"SELECT {self.name}, @@innodb_read_only, @@read_only, @@GLOBAL.init_connect")
        except pymysql.err.OperationalError as error:
            if error.args[0] != UNKNOWN_VARIABLE or self.name == "@@server_id":
                raise
            self.name = "@@server_id"  # no Aurora
            return self.identity(connection)
        (server, *read_only, gate) = cursor.fetchone()
        return {"server": str(server), "writes": not any(map(int, read_only)), "init_connect": str(gate)}


class PostgreSql:
    def __init__(self, options: Namespace, password: str) -> None:
        host, port = options.endpoint
        self.settings: dict[str, Any] = {
            "host": host, "port": port, "user": options.user, "password": password, "dbname": options.database or "postgres",
            "connect_timeout": ANSWER, "autocommit": True, "options": f"-c statement_timeout={ANSWER}s",
        }  # fmt: skip
        if options.ca:
            self.settings |= {"sslmode": "verify-ca", "sslrootcert": options.ca}
        self.name = "aurora_db_instance_identifier()"

    def connect(self) -> Any:
        return psycopg.connect(**self.settings)

    def identity(self, connection: Any) -> dict[str, Any]:
        try:
            server, recovering = connection.execute(f"SELECT {self.name}, pg_is_in_recovery()").fetchone()
        except psycopg.errors.UndefinedFunction:
            self.name = "host(inet_server_addr())"  # no Aurora
            return self.identity(connection)
        return {"server": str(server), "writes": not recovering}


def database(engine: str, options: Namespace, password: str) -> MySql | PostgreSql:
    return (PostgreSql if "postgres" in engine else MySql)(options, password)


def gated(error: Exception) -> bool:
    """Whether it was `init_connect` that refused the login, as a gated reader's does."""
    return isinstance(error, pymysql.err.OperationalError) and error.args[0] == ABORTED and "init_connect" in str(error)


def left_unfinished(error: Exception) -> bool:
    """Whether it was our timeout that ended a handshake with MySQL. (One that TCP alone has met is another error.)"""
    return isinstance(error, pymysql.err.OperationalError) and error.args[0] == LOST and "timed out" in str(error)


def reason(error: Exception) -> str:
    """In one line."""
    return " ".join(str(error.args[-1] if error.args else error).split())[:160] or type(error).__name__
