"""Scores against one fixed opponent: a third entrant that comes or goes moves none of them.

Both are log2 ratios, 0 for equal and 1 for twice as good: steps to the target, and remaining loss.
Ratios of what remains to be gained weigh a step from 98 to 99 % like one from 80 to 90 %, and put
accuracies and losses on one scale. What is done per task is a ratio of means or medians over
seeds, not a mean of ratios: a single seed without any error left would make that infinite.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats.intervals import Variance


def remaining_loss(values: ArrayLike, direction: str) -> NDArray[np.float64]:
    """What is left to gain: a minimized value itself, one minus a maximized one; same shape.

    NaN throughout where any value has no such scale: a loss below 0, a score above 1.
    """
    x = np.asarray(values, dtype=float)
    left = 1.0 - x if direction == "maximize" else x
    return left if not (left < 0).any() else np.full(x.shape, np.nan)


def value(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """log2 of their mean remaining loss over ours, shape ``(..., n)`` to ``(...)``, paired.

    Who broke off more often of the pairs is worse by ∞, however good the rest: else survivors
    would be compared with everybody. Broken equally often, the pairs that both finished count;
    where there is none both are alike, 0.

    Args:
        ours, theirs: remaining losses of pairs; ∞ for a trial that broke off; NaN in either where
            there is no pair. Without any pair: NaN.
    """
    a, b = np.broadcast_arrays(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float))
    pair = ~(np.isnan(a) | np.isnan(b))
    more = (np.isinf(a) & pair).sum(axis=-1) - (np.isinf(b) & pair).sum(axis=-1)
    both = pair & np.isfinite(a) & np.isfinite(b)
    a, b = (np.where(both, x, 0.0).sum(axis=-1) for x in (a, b))
    ratio = np.where(more == 0, log2_ratio(b, a), np.where(more > 0, -np.inf, np.inf))
    return np.where(pair.any(axis=-1), ratio, np.nan)


def speed(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """log2 of their median steps to the target over ours, shape ``(..., n)`` to ``(...)``.

    A median that is a miss is ∞: only ours −∞, only theirs +∞, both 0. NaN without values.

    Args:
        ours, theirs: steps, ∞ for a miss; one a trial, not necessarily paired.
    """
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if not a.shape[-1] or not b.shape[-1]:
        return np.full(a.shape[:-1], np.nan)
    return log2_ratio(median(b), median(a))


def log2_ratio(above: ArrayLike, below: ArrayLike) -> NDArray[np.float64]:
    """log2 of a ratio of values from 0 to ∞; 0 where both are 0 or both are ∞."""
    a, b = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(a == b, 0.0, np.log2(a) - np.log2(b))


def linearize(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contributions of paired remaining losses to ``value``, same shape: their mean's variance is
    that of the log ratio, to first order (delta method). NaN where a mean is 0."""
    a, b = ours.mean(), theirs.mean()
    if not (a > 0 and b > 0):
        return np.full(ours.shape, np.nan)
    return np.asarray((theirs / b - ours / a) / math.log(2))


def scale_variance(variance: Variance, mean: float) -> Variance:
    """The variance of a mean remaining loss as one of its log2, to first order."""
    spread = variance.value / (mean * math.log(2)) ** 2 if mean > 0 else math.nan
    return Variance(spread, variance.degrees)


def median(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis; between a value and ∞ it is ∞."""
    ordered, n = np.sort(x, axis=-1), x.shape[-1]
    return np.asarray((ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2)
