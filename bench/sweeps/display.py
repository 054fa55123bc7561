"""The display of a running phase of a study: trials done, best values, time left.

A terminal has one display that stays in place; a log file gets a line now and then.
"""

from __future__ import annotations

import atexit
import math
import time
from collections import Counter
from collections.abc import Sequence

from rich.live import Live
from rich.text import Text

from bench.spec import Status, TrialResult, TrialSpec, protocol
from bench.sweeps import progress
from bench.sweeps.progress import OnTrialEnd, format_duration

LOG_EVERY_S = 10.0
"""Seconds between lines in a log file."""


def show_phase(phase: str, pending: Sequence[TrialSpec]) -> OnTrialEnd:
    """Return a callback that shows the ends of a phase's trials; failures are printed at once."""
    tally = Tally(phase, pending)
    console = progress.make_console()
    live = None
    if console.is_terminal and pending:
        live = Live(console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    if live is not None:
        atexit.register(live.stop)  # an interrupted sweep leaves the terminal as it was
    printed_at = time.monotonic()

    def on_end(at: int, result: TrialResult) -> None:
        nonlocal printed_at
        tally.add(at, result)
        if result.status is Status.FAILED:
            console.print(progress.format_end(pending[at], result))
        last = tally.done == len(pending)
        if live is not None:
            live.start()
            live.update(Text("\n".join([tally.summarize(), *tally.list_leaders()])))
        if last and live is not None:
            live.stop()
        if last or (live is None and time.monotonic() - printed_at > LOG_EVERY_S):
            printed_at = time.monotonic()
            progress.say(tally.summarize())

    return on_end


class Tally:
    """Counts, values and times of a phase's trials that have ended so far."""

    def __init__(self, phase: str, pending: Sequence[TrialSpec]) -> None:
        self.phase, self.pending = phase, list(pending)
        self.statuses: Counter[str] = Counter()
        self.values: dict[tuple[str, str], list[float]] = {}
        self._last = time.monotonic()
        self._seconds: dict[str, list[float]] = {}  # by task, seconds since the end before

    @property
    def done(self) -> int:
        return self.statuses.total()

    def add(self, at: int, result: TrialResult) -> None:
        """Count one more end."""
        spec = self.pending[at]
        self.statuses[result.status] += 1
        now = time.monotonic()
        self._seconds.setdefault(spec.task.name, []).append(now - self._last)
        self._last = now
        entrant = protocol.label(spec.optimizer.name, spec.schedule.name)
        value = result.final_value(f"val/{spec.task.target_metric.metric}")
        if not math.isnan(value):
            self.values.setdefault((spec.task.name, entrant), []).append(value)

    def summarize(self) -> str:
        """Return ``tuning 12/64: 11 finished, 1 diverged, about 40 seconds left``."""
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        left = self._estimate_left()
        rest = f", about {format_duration(left)} left" if left is not None else ""
        return f"{self.phase} {self.done}/{len(self.pending)}: {counts}{rest}"

    def _estimate_left(self) -> float | None:
        """Estimate seconds by the pace of each task; None at the end, or where a task has none yet.

        Tasks run one after the other, and a trial of one can take a thousand times another's.
        """
        missing = Counter(spec.task.name for spec in self.pending)
        missing -= Counter({task: len(seconds) for task, seconds in self._seconds.items()})
        if not missing or missing.keys() - self._seconds.keys():
            return None
        paces = {task: math.fsum(seconds) / len(seconds) for task, seconds in self._seconds.items()}
        return math.fsum(count * paces[task] for task, count in missing.items())

    def list_leaders(self) -> list[str]:
        """Return the best validation value so far of each entrant, a line a task."""
        directions = {s.task.name: s.task.target_metric.direction for s in self.pending}
        lines = []
        for task in sorted({task for task, _ in self.values}):
            best = max if directions[task] == "maximize" else min
            values = {e: best(v) for (t, e), v in self.values.items() if t == task}
            order = sorted(values, key=values.__getitem__, reverse=best is max)
            lines.append(f"  {task}: " + ", ".join(f"{e} {values[e]:.4g}" for e in order[:8]))
        return lines
