"""Scores of an entrant against the reference, per task and then over all tasks.

Each task gives one number: a probability, or a log2 ratio (``stats.anchored``). Of ratios the
interquartile mean over tasks counts, of probabilities the mean. A task without such a number, a
score above 1 or no target, is left out for everybody alike. Intervals come from the stratified
bootstrap over seeds within tasks, the set of tasks fixed; those of ``value`` hold the variance of
tuning too, drawn anew in each resample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.analysis.arms import Arm
from reports.analysis.arrays import pair_values
from reports.analysis.effect import measure_effect
from reports.analysis.grid import Grid
from reports.stats import anchored
from reports.stats import improvement as mann_whitney
from reports.stats.bootstrap import RESAMPLES, SEED, draws, interval
from reports.stats.intervals import UNKNOWN, Interval
from reports.stats.iqm import interquartile_mean

Scored = tuple[float, NDArray[np.float64], int]
"""One task: the score, that of each resample, shape ``(B,)``, and the values resampled."""

THEIRS = 1_000
"""Added to a stratum where the other side is drawn on its own."""


def value(grid: Grid, entrant: str) -> tuple[Interval, int]:
    """Score final test values: log2 of the reference's remaining loss over ours, and the tasks.

    It is -∞ on a task where more of our trials did not finish.
    """
    return _iqm([_value(*two, at) for two, at in _tasks(grid, entrant)])


def speed(grid: Grid, entrant: str) -> tuple[Interval, int]:
    """Score median steps to the target: log2 of the reference's over ours, and the tasks."""
    return _iqm([_speed(*two, at) for two, at in _tasks(grid, entrant)])


def improvement(grid: Grid, entrant: str) -> Interval:
    """Estimate the probability that our trial ends better than the reference's, mean over tasks."""
    scored = [_improvement(*two, at) for two, at in _tasks(grid, entrant)]
    estimates, again, sizes = _stacked(scored)
    return interval(float(estimates.mean()), again.mean(axis=-1), sizes)


def _tasks(grid: Grid, entrant: str) -> list[tuple[tuple[Arm, Arm], int]]:
    return [
        ((grid.arms[entrant, name], grid.anchors[name]), at)
        for at, name in enumerate(grid.settings)
    ]


def _iqm(scored: Sequence[Scored]) -> tuple[Interval, int]:
    known = [one for one in scored if not math.isnan(one[0])]
    if not known:
        return UNKNOWN, 0
    estimates, again, sizes = _stacked(known)
    estimate = float(interquartile_mean(estimates))
    return interval(estimate, interquartile_mean(again), sizes), len(known)


def _stacked(
    scored: Sequence[Scored],
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    estimates, again, sizes = zip(*scored, strict=True)
    return np.array(estimates), np.stack(again, axis=-1), list(sizes)


def _value(ours: Arm, theirs: Arm, stratum: int) -> Scored:
    both = pair_values(ours.test, theirs.test)
    a, b = (anchored.remaining_loss(x, ours.direction) for x in (both.ours, both.theirs))
    if (np.isnan(a) & ~np.isnan(both.ours)).any() or (np.isnan(b) & ~np.isnan(both.theirs)).any():
        return math.nan, np.full(RESAMPLES, np.nan), 0
    a, b = (np.where(both.ran & np.isnan(x), np.inf, x) for x in (a, b))
    n = a.shape[1]
    again = anchored.value(*(_flat(x[:, draws(n, stratum)]) for x in (a, b)))
    if ours is not theirs:
        again = again + _draw_tuning(ours, theirs, stratum)
    return float(anchored.value(a.ravel(), b.ravel())), again, n


def _draw_tuning(ours: Arm, theirs: Arm, stratum: int) -> NDArray[np.float64]:
    """Draw what other tunings might have made of the log ratio, once a resample."""
    known = measure_effect(ours, theirs)
    random = np.random.default_rng([SEED, stratum, 1])
    drawn = np.zeros(RESAMPLES)
    for part in known.tuning_variance if known else ():
        drawn += math.sqrt(part.value) * random.standard_t(part.degrees, size=RESAMPLES)
    return drawn


def _speed(ours: Arm, theirs: Arm, stratum: int) -> Scored:
    a, b = ours.steps, theirs.steps
    if not len(a) or not len(b):
        return math.nan, np.full(RESAMPLES, np.nan), 0
    drawn = (x[draws(len(x), stratum)] for x in (a, b))  # the same seeds where they are as many
    again = anchored.speed(*drawn)
    return float(anchored.speed(a, b)), again, min(len(a), len(b))


def _improvement(ours: Arm, theirs: Arm, stratum: int) -> Scored:
    sign = 1.0 if ours.direction == "maximize" else -1.0
    a, b = (_worst_if_unfinished(arm, sign) for arm in (ours, theirs))
    if ours is theirs:  # one half by definition, without an interval
        return 0.5, np.full(RESAMPLES, 0.5), len(a)
    places = draws(len(a), stratum), draws(len(b), stratum + THEIRS)
    again = mann_whitney.resample(a, b, *places)
    return mann_whitney.probability(a, b), again, min(len(a), len(b))


def _worst_if_unfinished(arm: Arm, sign: float) -> NDArray[np.float64]:
    """Return values of an arm's trials, the larger the better."""
    values = sign * arm.test.outcomes
    return np.where(np.isnan(values), -np.inf, values)


def _flat(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(R, B, S)`` → ``(B, R · S)``."""
    return np.moveaxis(x, 0, 1).reshape(x.shape[1], -1)
