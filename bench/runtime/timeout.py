"""Time limit of a trial or a check."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bench.runtime import guard
from bench.spec.errors import TimeLimitExceeded


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise ``TimeLimitExceeded`` after so many seconds, even in an endless loop.

    The system's alarm reaches the main thread between two lines of Python, so it cannot end a call
    into C that never returns. It rings again each second: a user's code may catch everything.
    At the end of a guarded function it is raised even so (``bench.runtime.guard``).
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        guard.stop(TimeLimitExceeded(f"trainer.max_seconds={seconds:g} are over"))

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    with guard.watch_interrupts():  # and forget this limit afterwards
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
