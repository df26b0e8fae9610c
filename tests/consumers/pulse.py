"""A row five times a second on a writer of the matrix, so that it shows who reads on, and since when."""

import time
from collections.abc import Callable

from consumers.repeated import Repeated


class Pulse:
    def __init__(self, insert: Callable[[int], None]):
        self.insert = insert
        self.written: list[int] = []
        """When each row was written, in microseconds."""
        self.beat = Repeated(self.write, 0.2)

    def write(self) -> None:
        at = time.time_ns() // 1000
        self.insert(at)
        self.written.append(at)

    def missing(self, rows: list[int]) -> set[int]:
        """What was written between the first of these rows and the last, and is not among them."""
        self.beat.check()
        return {at for at in self.written if min(rows) < at < max(rows)} - set(rows)
