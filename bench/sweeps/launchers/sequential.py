"""Trials one after the other, in this process."""

from __future__ import annotations

from collections.abc import Sequence

from bench.spec import TrialResult, TrialSpec
from bench.sweeps import execute
from bench.sweeps.launchers.memory_growth import Growth
from bench.sweeps.progress import Told, say


def run_one_by_one(
    specs: Sequence[TrialSpec], uri: str, launcher: str, told: Told
) -> list[TrialResult]:
    """All trials; says where memory grows by the trial.

    Args:
        launcher: what the records say ran them.
        told: hears of each trial when it ends, by its place in ``specs``.
    """
    outcomes, growth = [], Growth()
    for at, spec in enumerate(specs):
        outcomes.append(execute.run(spec, uri, launcher))
        told(at, outcomes[-1])
        if word := growth.word():
            say(word)
    return outcomes
