"""Work that goes on beside a test."""

import threading
from collections.abc import Callable


class Repeated:
    """Repeats a step in a thread of its own, until it is stopped or the step fails."""

    def __init__(self, step: Callable[[], None], pause: float):
        self.step, self.pause = step, pause
        self.failure: Exception | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            while not self.over.wait(self.pause):
                self.step()
        except Exception as error:  # raised by check(), in the thread of the test
            self.failure = error

    def check(self) -> None:
        """Raises what the step has raised."""
        if self.failure:
            raise self.failure

    def stop(self) -> None:
        self.over.set()
        self.thread.join(15)
