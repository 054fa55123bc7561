"""A word when each trial leaves memory behind, as with a package that keeps its models."""

from __future__ import annotations

from itertools import pairwise

from bench.runtime.processes import resident_mib

TRIALS = 6
"""In a row that have to leave memory behind; the first trials of a process load what stays."""
LEFT = 20.0
"""MiB that each of them has to leave at the least: more than an allocator's habits."""


class Growth:
    """Looks at this process after each trial; ``word()`` is said once."""

    def __init__(self) -> None:
        self._held: list[float] = []
        self._said = False

    def word(self) -> str:
        """What to say now; empty where memory does not grow trial by trial."""
        self._held.append(resident_mib())
        recent = self._held[-TRIALS - 1 :]
        steps = [after - before for before, after in pairwise(recent)]
        if self._said or len(steps) < TRIALS or min(steps) < LEFT:
            return ""
        self._said = True
        return (
            f"memory grows by some {sum(steps) / len(steps):.0f} MiB a trial and stands at "
            f"{recent[-1]:.0f} MiB: something keeps what a trial has made; "
            "the same command goes on where it was ended"
        )
