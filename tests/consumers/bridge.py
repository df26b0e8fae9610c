"""Leads each change of the target group to the balancer, as the NLB's control plane does."""

import time

from consumers.balancer import Balancer
from consumers.moto_world import Aws
from consumers.repeated import Repeated
from consumers.timeline import Timeline


class Bridge:
    """From the moment that it is made, the balancer follows the target group, so many seconds later."""

    def __init__(self, aws: Aws, balancer: Balancer, timeline: Timeline, propagation: float):
        self.aws, self.balancer, self.timeline, self.propagation = aws, balancer, timeline, propagation
        self.pending: list[tuple[float, float, set[str]]] = []
        self.lingering = 0.0
        """For how many seconds more a target that has left the group gets connections."""
        self.changes = 0
        """How often the target group has changed."""
        self.seen = self.applied = aws.targets()
        for name in self.applied:
            balancer.add(name)
        self.watch = Repeated(self.look, 0.03)

    def look(self) -> None:
        now = self.aws.targets()
        if now != self.seen:
            self.changes += 1
            self.timeline.mark(f"target group: {show(self.seen)} → {show(now)}")
            self.pending.append((time.monotonic(), self.lingering if self.seen - now else 0, now))
            self.seen = now
        while self.pending and time.monotonic() - self.pending[0][0] >= self.propagation + self.pending[0][1]:
            since, _, now = self.pending.pop(0)
            self.apply(since, now)

    def apply(self, since: float, now: set[str]) -> None:
        before, self.applied = self.applied, now
        for name in sorted(now - before):
            self.balancer.add(name)
        for name in sorted(before - now):
            self.balancer.remove(name)
        self.timeline.mark(f"the balancer follows, {time.monotonic() - since:.1f} s later: {show(before)} → {show(now)}")
        for name in sorted(before - now):
            if self.aws.cuts_connections() and (count := self.balancer.cut(name)):
                self.timeline.mark(f"the balancer cuts {count} connection{'s' * (count > 1)} to {name}")


def show(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "no target"
