"""python-mysql-replication, in the loop that its documentation shows. As a program it is the consumer itself."""

import sys

from consumers.addresses import PATHS
from consumers.consumer import Program


class BinlogReader(Program):
    name = "python mysql-replication"

    def command(self) -> list[str]:
        return ["-m", "consumers.binlog_reader", str(self.port)]


def read(port: int) -> None:
    from pymysqlreplication import BinLogStreamReader
    from pymysqlreplication.row_event import WriteRowsEvent

    settings = {"host": PATHS, "port": port, "user": "repl", "passwd": "repl"}
    stream = BinLogStreamReader(
        connection_settings=settings, server_id=port, blocking=True, only_events=[WriteRowsEvent], only_tables=["pulse"]
    )
    for event in stream:
        for row in event.rows:
            print("row", list(row["values"].values())[1])  # by its place: names need binlog_row_metadata=FULL


if __name__ == "__main__":
    read(int(sys.argv[1]))
