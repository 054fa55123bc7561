"""A warning where each trial leaves memory behind, as with a package that keeps its models."""

from __future__ import annotations

from itertools import pairwise

from bench.runtime.processes import resident_mib

TRIALS = 6
"""Trials in a row that have to leave memory behind; the first of a process load what stays."""
LEFT_MIB = 20.0
"""The least that each of them has to leave: more than an allocator's habits."""


class MemoryGrowth:
    """The memory of this process after each trial."""

    def __init__(self) -> None:
        self._resident: list[float] = []
        self._warned = False

    def check(self) -> str:
        """Return a warning, once, where memory grows trial by trial; else nothing."""
        self._resident.append(resident_mib())
        recent = self._resident[-TRIALS - 1 :]
        steps = [after - before for before, after in pairwise(recent)]
        if self._warned or len(steps) < TRIALS or min(steps) < LEFT_MIB:
            return ""
        self._warned = True
        return (
            f"memory grows by some {sum(steps) / len(steps):.0f} MiB a trial and stands at "
            f"{recent[-1]:.0f} MiB: something keeps what a trial has made; "
            "the same command goes on where it was ended"
        )
