"""Seeds that went bad: a mean over two kinds of outcome describes neither."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAP = 5.0
"""Ranges of the better half: a gap wider than so many sets a second kind of outcome apart."""

MINIMUM = 5
"""Finished seeds below which a half has no range to speak of."""


def bad(values: ArrayLike, direction: str) -> NDArray[np.bool_]:
    """Which seeds went bad, shape ``(n,)``: those that broke off (NaN), and those far behind.

    Far behind is beyond a gap, between neighbours in order, of more than ``GAP`` times the range
    of the better half. That half alone sets the scale, so a second group of up to half of the
    seeds is seen, which a rule about outliers from the mean or the median absolute deviation does
    not do. A half without a range (ties) sets no scale: then only seeds that broke off are bad.
    """
    x = np.asarray(values, dtype=float)
    loss = -x if direction == "maximize" else x
    broken = np.isnan(loss)
    finite = np.sort(loss[~broken])
    if len(finite) < MINIMUM:
        return broken
    half = math.ceil(len(finite) / 2)
    width = finite[half - 1] - finite[0]
    wide = np.flatnonzero(np.diff(finite[half - 1 :]) > GAP * width)
    if not width > 0 or not len(wide):
        return broken
    return broken | (loss > finite[half - 1 + wide[0]])
