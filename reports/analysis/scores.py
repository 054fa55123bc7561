"""Scores of an entrant against the reference, per task and then over all tasks.

Each task gives one log2 ratio (``stats.anchored``); the interquartile mean over tasks counts. A
task without such a number, a score above 1 or no target, is left out for everybody alike. Intervals
come from the stratified bootstrap over the results within each task, the set of tasks fixed. A
result of a tuned arm is a whole tuning, so its interval holds all that chance decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.analysis.arms import Arm
from reports.analysis.grid import Grid
from reports.stats import anchored
from reports.stats.bootstrap import RESAMPLES, draws, interval
from reports.stats.intervals import UNKNOWN, Interval
from reports.stats.iqm import interquartile_mean

Ratio = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""A log2 ratio of two samples, shapes ``(..., m)`` and ``(..., n)`` to ``(...)``."""
Scored = tuple[float, NDArray[np.float64], int]
"""One task: the score, that of each resample, shape ``(B,)``, and the values resampled."""
UNSCORED: Scored = (math.nan, np.full(RESAMPLES, np.nan), 0)

THEIRS = 1_000
"""Added to a stratum where the other side is drawn on its own."""


def value(grid: Grid, entrant: str) -> tuple[Interval, int]:
    """Score final test values: log2 of the reference's remaining loss over ours, and the tasks.

    It is −∞ on a task where a larger share of our trials did not finish.
    """
    return _iqm([_value(*two, at) for two, at in _tasks(grid, entrant)])


def speed(grid: Grid, entrant: str) -> tuple[Interval, int]:
    """Score median steps to the target: log2 of the reference's over ours, and the tasks."""
    scored = [
        _score(anchored.speed, ours.steps, theirs.steps, ours is theirs, at)
        for (ours, theirs), at in _tasks(grid, entrant)
    ]
    return _iqm(scored)


def _tasks(grid: Grid, entrant: str) -> Iterator[tuple[tuple[Arm, Arm], int]]:
    for at, name in enumerate(grid.settings):
        yield (grid.arms[entrant, name], grid.anchors[name]), at


def _iqm(scored: Sequence[Scored]) -> tuple[Interval, int]:
    known = [one for one in scored if not math.isnan(one[0])]
    if not known:
        return UNKNOWN, 0
    estimates, again, sizes = zip(*known, strict=True)
    estimate = float(interquartile_mean(np.array(estimates)))
    resampled = interquartile_mean(np.stack(again, axis=-1))
    return interval(estimate, resampled, list(sizes)), len(known)


def _value(ours: Arm, theirs: Arm, stratum: int) -> Scored:
    losses = [anchored.remaining_loss(arm.test, arm.direction) for arm in (ours, theirs)]
    for arm, loss in zip((ours, theirs), losses, strict=True):
        if (np.isnan(loss) & ~np.isnan(arm.test)).any():  # the metric has no such scale
            return UNSCORED
    a, b = (np.where(np.isnan(loss), np.inf, loss) for loss in losses)
    return _score(anchored.value, a, b, ours is theirs, stratum)


def _score(
    ratio: Ratio, a: NDArray[np.float64], b: NDArray[np.float64], same: bool, stratum: int
) -> Scored:
    """Score two samples; an arm beside itself is drawn together, so that its score is 0."""
    if not len(a) or not len(b):
        return UNSCORED
    drawn = draws(len(a), stratum), draws(len(b), stratum if same else stratum + THEIRS)
    return float(ratio(a, b)), ratio(a[drawn[0]], b[drawn[1]]), min(len(a), len(b))
