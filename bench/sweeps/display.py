"""What a person sees while a phase of a study runs: how far, how well, how long; one calm display.

On a terminal it stays in its place; in a log file it is a line now and then.
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
from bench.sweeps.progress import Told, duration

SECONDS = 10.0
"""Between lines in a log file."""


def display(phase: str, pending: Sequence[TrialSpec]) -> Told:
    """What hears of the ends of a phase's trials; a failed one is said at once."""
    tally = Tally(phase, pending)
    console = progress.console()
    live = None
    if console.is_terminal and pending:
        live = Live(console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    if live is not None:
        atexit.register(live.stop)  # an interrupted sweep leaves the terminal as it was
    said_at = time.monotonic()

    def told(at: int, result: TrialResult) -> None:
        nonlocal said_at
        tally.add(at, result)
        if result.status is Status.FAILED:
            console.print(progress.shown(pending[at], result))
        last = tally.done == len(pending)
        if live is not None:
            live.start()
            live.update(Text("\n".join([tally.head(), *tally.leaders()])))
        if last and live is not None:
            live.stop()
        if last or (live is None and time.monotonic() - said_at > SECONDS):
            said_at = time.monotonic()
            progress.say(tally.head())

    return told


class Tally:
    """The ends of a phase's trials so far."""

    def __init__(self, phase: str, pending: Sequence[TrialSpec]) -> None:
        self.phase, self.pending = phase, list(pending)
        self.statuses: Counter[str] = Counter()
        self.values: dict[tuple[str, str], list[float]] = {}
        self._last = time.monotonic()
        self._took: dict[str, list[float]] = {}  # by task, seconds since the end before

    @property
    def done(self) -> int:
        return self.statuses.total()

    def add(self, at: int, result: TrialResult) -> None:
        """One more has ended."""
        spec = self.pending[at]
        self.statuses[result.status] += 1
        now = time.monotonic()
        self._took.setdefault(spec.task.name, []).append(now - self._last)
        self._last = now
        entrant = protocol.label(spec.optimizer.name, spec.schedule.name)
        value = result.final_value(f"val/{spec.task.target_metric.metric}")
        if not math.isnan(value):
            self.values.setdefault((spec.task.name, entrant), []).append(value)

    def head(self) -> str:
        """``tuning 12/64: 11 finished, 1 diverged, about 40 seconds left``."""
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        left = self._left()
        rest = f", about {duration(left)} left" if left is not None else ""
        return f"{self.phase} {self.done}/{len(self.pending)}: {counts}{rest}"

    def _left(self) -> float | None:
        """Seconds, by the pace of each task; None where one of them has shown none, and at the end.

        Tasks run one after the other, and a trial of one can take a thousand times another's.
        """
        missing = Counter(spec.task.name for spec in self.pending)
        missing -= Counter({task: len(took) for task, took in self._took.items()})
        if not missing or missing.keys() - self._took.keys():
            return None
        paces = {task: math.fsum(took) / len(took) for task, took in self._took.items()}
        return math.fsum(count * paces[task] for task, count in missing.items())

    def leaders(self) -> list[str]:
        """The best validation value so far of each entrant, a line a task."""
        directions = {s.task.name: s.task.target_metric.direction for s in self.pending}
        lines = []
        for task in sorted({task for task, _ in self.values}):
            best = max if directions[task] == "maximize" else min
            found = {e: best(v) for (t, e), v in self.values.items() if t == task}
            order = sorted(found, key=found.__getitem__, reverse=best is max)
            lines.append(f"  {task}: " + ", ".join(f"{e} {found[e]:.4g}" for e in order[:8]))
        return lines
