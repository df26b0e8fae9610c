"""An application that writes a row five times a second through SQLAlchemy's connection pool. As a program it is that."""

import sys
import time

from consumers.addresses import PATHS
from consumers.consumer import Program


class Pool(Program):
    name = "connection pool that writes"

    def command(self) -> list[str]:
        return ["-m", "consumers.pool", str(self.port)]


def write(port: int) -> None:
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


if __name__ == "__main__":
    write(int(sys.argv[1]))
