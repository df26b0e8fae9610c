"""What happens in a scenario, and when."""

import threading
import time


class Timeline:
    """Prints what happens, in milliseconds since the failover began. pytest shows it with -s, and when the test fails."""

    def __init__(self):
        self.began: float | None = None
        self.lock = threading.Lock()

    def begin(self, text: str) -> None:
        """A second failover of the same scenario counts from the first."""
        self.began = self.began or time.monotonic()
        self.mark(text)

    def mark(self, text: str) -> None:
        """Prints nothing before the failover."""
        with self.lock:  # so that the lines of several threads come in order
            if self.began:
                print(f"{round((time.monotonic() - self.began) * 1000):>8} ms  {text}", flush=True)
