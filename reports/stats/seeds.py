"""Seeds that went bad: a mean over two kinds of outcome describes neither."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

REACH = 5.0
"""Widths of the better group beyond which a seed is of another kind. Of normal noise about 2 in 100
tables of 10 seeds have one."""

MINIMUM = 8
"""Finished values below which there is no better group to speak of."""


def bad(values: ArrayLike, direction: str) -> NDArray[np.bool_]:
    """Which seeds went bad, shape ``(n,)``: those that broke off (NaN), and those far behind.

    Far behind is farther from the better half's worst value than ``REACH`` times that half's
    range. The better half alone sets the scale, so a second group of up to half of the seeds is
    seen, which a rule about outliers from the mean or the median absolute deviation is not.
    A better half without a range (ties) sets no scale: then only seeds that broke off are bad.
    """
    x = np.asarray(values, dtype=float)
    loss = -x if direction == "maximize" else x
    broken = np.isnan(loss)
    finite = np.sort(loss[~broken])
    if len(finite) < MINIMUM:
        return np.asarray(broken)
    half = finite[: math.ceil(len(finite) / 2)]
    width = half[-1] - half[0]
    if not width > 0:
        return np.asarray(broken)
    return np.asarray(broken | (loss > half[-1] + REACH * width))
