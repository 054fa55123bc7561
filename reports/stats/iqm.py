"""The interquartile mean over tasks. Source: Agarwal et al. 2021, arXiv:2108.13264."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

TRIM = 0.25
"""Share of tasks that is left out at each end, rounded down: of fewer than four none."""


def interquartile_mean(scores: ArrayLike) -> NDArray[np.float64]:
    """Over the last axis, shape ``(..., T)``; NaN where +∞ and −∞ are both in the middle.

    An infinite score is trimmed like any other extreme one, and decides where it is not trimmed.
    """
    x = np.asarray(scores, dtype=float)
    if x.shape[-1] == 0:
        return np.full(x.shape[:-1], np.nan)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, and is meant to be
        return np.asarray(stats.trim_mean(x, TRIM, axis=-1), dtype=float)
