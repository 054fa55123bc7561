"""How many CPU threads a stack's steps take: as many as make them fast, seen while they run.

Two threads can halve a step, and can make it many times as long where another process is at work,
for all of a step's threads wait for the slowest. Nothing but the step itself knows which.
"""

from __future__ import annotations

import statistics

import torch

WARM_UP, STEPS = 3, 10
"""Steps after a change that are not timed, and steps that are, before the next decision."""
BETTER, WORSE = 0.9, 1.5
"""More threads stay where a step takes less than this share of the time that it took with one, and
go where it comes to take this much longer than it did."""
LATE, IN_A_ROW = 3.0, 3
"""More threads go at once where so many steps in a row take this much longer than with one."""
AGAIN = 1000
"""Steps on one thread after which more are tried again."""


class Threads:
    """Sets torch's number of threads from the times of the steps that it is told of.

    Args:
        most: threads that there may be; 1: nothing is ever changed.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._alone = 0.0  # seconds of a step on one thread
        self._together = 0.0  # on all, where they stayed
        self._times: list[float] = []
        self._late = 0
        self._wait = WARM_UP
        if most > 1:
            torch.set_num_threads(1)

    def step(self, seconds: float) -> None:
        """One step took so long."""
        if self.most == 1:
            return
        several = torch.get_num_threads() > 1
        self._late = self._late + 1 if several and seconds > LATE * self._alone else 0
        if self._late == IN_A_ROW:
            self._use(1, AGAIN)
        self._wait -= 1
        if self._wait >= 0:
            return
        self._times.append(seconds)
        if len(self._times) == STEPS:
            seconds = statistics.median(self._times)
            self._times.clear()
            self._decide(seconds)

    def _decide(self, seconds: float) -> None:
        if torch.get_num_threads() == 1:
            self._alone, self._together = seconds, 0.0
            self._use(self.most)
        elif not self._together:
            if seconds < BETTER * self._alone:
                self._together = seconds
            else:
                self._use(1, AGAIN)
        elif seconds > WORSE * self._together:
            self._use(1, AGAIN)

    def _use(self, threads: int, wait: int = 0) -> None:
        torch.set_num_threads(threads)
        self._wait = WARM_UP + wait
        self._times.clear()
