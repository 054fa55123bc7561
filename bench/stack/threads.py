"""The number of CPU threads of a stack's steps, tuned while the steps run.

Two threads can halve a step. Where another process is at work they can also make it many times as
long, for all threads of a step wait for the slowest. Only the step itself shows which.
"""

from __future__ import annotations

import statistics

import torch

WARM_UP_STEPS, TIMED_STEPS = 3, 10
"""Steps after a change that are not timed, and timed steps before the next decision."""
GAIN, LOSS = 0.9, 1.5
"""More threads stay where a step takes less than ``GAIN`` of its time on one thread. They go where
a step takes ``LOSS`` times as long as when they came."""
STALL, STALLED_STEPS = 3.0, 3
"""More threads go after this many steps in a row of ``STALL`` times a step's time on one thread."""
RETRY_STEPS = 1000
"""Steps on one thread before more are tried again."""


class ThreadTuner:
    """A setting of torch's number of threads from the times of steps.

    Args:
        max_threads: 1: nothing is ever changed.
    """

    def __init__(self, max_threads: int) -> None:
        self.max_threads = max_threads
        self._one_s = 0.0  # seconds of a step on one thread
        self._all_s = 0.0  # on all threads, where they stayed
        self._times: list[float] = []
        self._stalled = 0
        self._wait = WARM_UP_STEPS
        if max_threads > 1:
            torch.set_num_threads(1)

    def record_step(self, seconds: float) -> None:
        """Record the time of one step; change the number of threads where that pays."""
        if self.max_threads == 1:
            return
        several = torch.get_num_threads() > 1
        self._stalled = self._stalled + 1 if several and seconds > STALL * self._one_s else 0
        if self._stalled == STALLED_STEPS:
            self._use(1, RETRY_STEPS)
        self._wait -= 1
        if self._wait >= 0:
            return
        self._times.append(seconds)
        if len(self._times) == TIMED_STEPS:
            seconds = statistics.median(self._times)
            self._times.clear()
            self._decide(seconds)

    def _decide(self, seconds: float) -> None:
        if torch.get_num_threads() == 1:
            self._one_s, self._all_s = seconds, 0.0
            self._use(self.max_threads)
        elif not self._all_s:
            if seconds < GAIN * self._one_s:
                self._all_s = seconds
            else:
                self._use(1, RETRY_STEPS)
        elif seconds > LOSS * self._all_s:
            self._use(1, RETRY_STEPS)

    def _use(self, threads: int, wait: int = 0) -> None:
        torch.set_num_threads(threads)
        self._wait = WARM_UP_STEPS + wait
        self._times.clear()
