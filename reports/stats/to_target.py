"""Steps and seconds to a target over seeds, where a miss is ∞ and stays in the median."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from reports.stats.intervals import CONFIDENCE


def median_to_target(values: ArrayLike) -> tuple[float, int, int]:
    """``(median, reached, n)`` of steps or seconds to the target, where ∞ is a miss.

    NaN (no target, or the trial failed) does not count; no value at all gives ``(NaN, 0, 0)``.
    """
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if len(x) == 0:
        return math.nan, 0, 0
    return float(np.median(x)), int(np.isfinite(x).sum()), len(x)


def median_interval(values: ArrayLike, tick: float = 0.0) -> tuple[float, float]:
    """At least 95 % for the median, whatever the distribution, from two of the values in order.

    The median lies between the k-th smallest and the k-th largest unless fewer than k of n values
    fall on one of its sides: binomial, so k is exact. Below 6 values even the smallest and the
    largest cover less: NaN. Source: David and Nagaraja 2003, Order Statistics, ch. 7.1.

    Args:
        values: steps, ∞ for a miss; NaN does not count.
        tick: the evaluation interval. A target seen at step s was reached after s − tick, so the
            lower end moves down by it.
    """
    x = np.sort(np.asarray(values, dtype=float))
    x = x[~np.isnan(x)]
    k = int(stats.binom.ppf((1 - CONFIDENCE) / 2, len(x), 0.5)) if len(x) else 0
    if k == 0:
        return math.nan, math.nan
    return max(0.0, float(x[k - 1]) - tick), float(x[-k])
