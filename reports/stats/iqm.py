"""The interquartile mean, over seeds of one task and over tasks.

Source: Agarwal et al. 2021, arXiv:2108.13264.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from reports.stats.bootstrap import draws, interval
from reports.stats.intervals import Interval

TRIM = 0.25
"""Share that is left out at each end, rounded down: of fewer than four values none."""


def interquartile_mean(values: ArrayLike) -> NDArray[np.float64]:
    """Over the last axis, shape ``(..., n)``; NaN where +∞ and −∞ are both in the middle.

    An infinite value is trimmed like any other extreme one, and decides where it is not trimmed.
    """
    x = np.asarray(values, dtype=float)
    if x.shape[-1] == 0:
        return np.full(x.shape[:-1], np.nan)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, and is meant to be
        return np.asarray(stats.trim_mean(x, TRIM, axis=-1), dtype=float)


def iqm(values: ArrayLike) -> Interval:
    """Of one task's seeds, shape ``(n,)``, with a bootstrap interval; NaN below n = 4, where it is
    the mean, whose interval is that of ``intervals.mean``."""
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 4:
        return Interval(math.nan, math.nan, math.nan, n)
    return interval(float(interquartile_mean(x)), interquartile_mean(x[draws(n)]), [n])
