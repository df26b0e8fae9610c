"""The consumers that are programs, a function each, which prints `row AT` for each row."""

import json
import sys
import time
from typing import Any

from consumers.addresses import PATHS


def read(port: str) -> None:
    """python-mysql-replication, in the loop that its documentation shows."""
    from pymysqlreplication import BinLogStreamReader
    from pymysqlreplication.row_event import WriteRowsEvent

    settings = {"host": PATHS, "port": int(port), "user": "repl", "passwd": "repl"}
    stream = BinLogStreamReader(
        connection_settings=settings, server_id=int(port), blocking=True, only_events=[WriteRowsEvent], only_tables=["pulse"]
    )
    for event in stream:
        for row in event.rows:
            print("row", list(row["values"].values())[1])  # by its place: names need binlog_row_metadata=FULL


def write(port: str) -> None:
    """An application that writes a row five times a second through SQLAlchemy's connection pool."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    engine = create_engine(f"mysql+pymysql://repl:repl@{PATHS}:{port}/matrix")
    while True:
        at = time.time_ns() // 1000
        try:
            with engine.begin() as connection:
                connection.execute(text("INSERT INTO written (at) VALUES (:at)"), {"at": at})
            print("row", at)
        except SQLAlchemyError as error:
            print(str(error).splitlines()[0])
        time.sleep(0.2)


def debezium(properties: str) -> None:
    """Debezium's embedded engine; ends when the engine ends."""
    from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine

    class Rows(BasePythonChangeHandler):
        def handleJsonBatch(self, records: list[Any]) -> None:  # noqa: N802
            for record in records:
                row = json.loads(str(record.value()))["payload"].get("after") if record.value() else None
                if row and "at" in row:
                    print(f"row {row['at']}")

    DebeziumJsonEngine(properties=json.loads(properties), handler=Rows()).run()


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
