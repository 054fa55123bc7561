"""Steps and seconds to a target over seeds, where a miss is ∞ and stays in the median."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def median_to_target(values: ArrayLike) -> tuple[float, int, int]:
    """``(median, reached, n)`` of steps or seconds to the target, where ∞ is a miss.

    NaN (no target, or the trial failed) does not count; no value at all gives ``(NaN, 0, 0)``.
    """
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if len(x) == 0:
        return math.nan, 0, 0
    return float(np.median(x)), int(np.isfinite(x).sum()), len(x)
