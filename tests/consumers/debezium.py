"""Debezium's connectors, in its embedded engine."""

import json
import re

from consumers.addresses import PATHS
from consumers.consumer import Program

ENGINE = {
    "name": "debezium", "topic.prefix": "t", "database.hostname": PATHS, "snapshot.mode": "no_data",
    "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore", "offset.storage.file.filename": "offsets",
    "offset.flush.interval.ms": 0,
}  # fmt: skip


class Debezium(Program):
    """The engine; those below give it a connector."""

    own: dict[str, object] = {}
    brief: dict[str, object] = {}

    def command(self) -> list[str]:
        properties = ENGINE | {"database.port": self.port} | self.own | (self.brief if self.shortened else {})
        properties |= {key: value.format(self.port) for key, value in properties.items() if isinstance(value, str)}
        file = self.work / "properties.json"
        file.write_text(json.dumps(properties))
        return ["-m", "consumers.debezium_engine", str(file)]

    def last_words(self) -> str:
        """What the engine has logged as its error."""
        said = self.output.read_text(errors="replace")
        found = re.findall(r"(?:Exception|Error): ([^\n]+)", said)
        return found[-1] if found else super().last_words()


class DebeziumMySql(Debezium):
    name = "Debezium for MySQL"
    own = {
        "connector.class": "io.debezium.connector.mysql.MySqlConnector", "database.server.id": "{}", "database.user": "repl",
        "database.password": "repl", "table.include.list": "matrix.pulse", "snapshot.locking.mode": "none",
        "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
        "schema.history.internal.file.filename": "history",
    }  # fmt: skip
    brief = {"connect.keep.alive.interval.ms": 2000}


class DebeziumPostgreSql(Debezium):
    name = "Debezium for PostgreSQL"
    own = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "plugin.name": "pgoutput",
        "database.user": "test", "database.password": "test", "database.dbname": "postgres",
        "table.include.list": "public.pulse", "slot.name": "debezium_{}",
        "publication.name": "pulse", "publication.autocreate.mode": "disabled",
    }  # fmt: skip


PATIENCE: dict[str, object] = {"retriable.restart.connector.wait.ms": 30_000}


class PatientDebeziumMySql(DebeziumMySql):
    name = "Debezium for MySQL, restart after 30 s"
    in_table = False
    own = DebeziumMySql.own | PATIENCE


class PatientDebeziumPostgreSql(DebeziumPostgreSql):
    name = "Debezium for PostgreSQL, restart after 30 s"
    in_table = False
    own = DebeziumPostgreSql.own | PATIENCE
