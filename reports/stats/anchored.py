"""Scores against one fixed opponent: a third entrant that comes or goes moves none of them.

Both are log2 ratios, 0 for equal and 1 for twice as good: steps to the target, and remaining loss.
Ratios of what remains to be gained weigh a step from 98 to 99 % like one from 80 to 90 %, and put
accuracies and losses on one scale. What is done per task is a ratio of means or medians over
seeds, not a mean of ratios: a single seed without any error left would make that infinite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def remaining_loss(values: ArrayLike, direction: str) -> NDArray[np.float64]:
    """What is left to gain: a minimized value itself, one minus a maximized one; same shape.

    NaN throughout where any value has no such scale: a loss below 0, a score above 1.
    """
    x = np.asarray(values, dtype=float)
    left = 1.0 - x if direction == "maximize" else x
    return left if not (left < 0).any() else np.full(x.shape, np.nan)


def value(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """log2 of their mean remaining loss over ours; shapes ``(..., m)``, ``(..., n)`` to ``(...)``.

    Of whom a larger share broke off is worse by ∞, however good the rest: else survivors would be
    compared with everybody. Where the shares are equal those that finished count; where none
    did both are alike, 0.

    Args:
        ours, theirs: remaining losses; ∞ for a trial that broke off. NaN without values.
    """
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if not a.shape[-1] or not b.shape[-1]:
        return np.full(a.shape[:-1], np.nan)
    broken_a, broken_b = (np.isinf(x).sum(axis=-1) for x in (a, b))
    more = broken_a * b.shape[-1] - broken_b * a.shape[-1]  # of whole numbers: equal is equal
    return np.where(
        more == 0, log2_ratio(_mean_finite(b), _mean_finite(a)), np.where(more > 0, -np.inf, np.inf)
    )


def _mean_finite(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of finite values; 0 where there is none."""
    finite = np.isfinite(x)
    total = np.where(finite, x, 0.0).sum(axis=-1)
    return np.asarray(total / np.maximum(1, finite.sum(axis=-1)))


def speed(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """log2 of their median steps to the target over ours, shape ``(..., n)`` to ``(...)``.

    A median that is a miss is ∞: only ours −∞, only theirs +∞, both 0. NaN without values.

    Args:
        ours, theirs: steps, ∞ for a miss; one a trial.
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


def median(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis; between a value and ∞ it is ∞."""
    ordered, n = np.sort(x, axis=-1), x.shape[-1]
    return np.asarray((ordered[..., (n - 1) // 2] + ordered[..., n // 2]) / 2)
