"""Seeds that went bad: a mean over two kinds of outcome describes neither."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

GAP = 5.0
"""Ranges of the better half: a gap wider than so many sets a second kind of outcome apart."""

MINIMUM = 5
"""Finished seeds below which a half has no range to speak of."""


@dataclass(frozen=True)
class Group:
    """Seeds that ended alike: how many, and the range of their values; NaN where they broke off."""

    n: int
    low: float
    high: float


def bad(values: ArrayLike, direction: str) -> NDArray[np.bool_]:
    """Which seeds went bad, shape ``(n,)``: those that broke off (NaN), and those far behind.

    Far behind is beyond a gap, between neighbours in order, of more than ``GAP`` times the range
    of the better half. That half alone sets the scale, so a second group of up to half of the
    seeds is seen, which a rule about outliers from the mean or the median absolute deviation does
    not do. A half without a range (ties) sets no scale: then only seeds that broke off are bad.
    """
    loss = _loss(values, direction)
    broken = np.isnan(loss)
    ends = _ends(np.sort(loss[~broken]))
    return broken | (loss > ends[0]) if ends else broken


def groups(values: ArrayLike, direction: str) -> tuple[Group, ...]:
    """Seeds parted wherever ``bad`` sees a gap, best group first, those that broke off last."""
    loss = _loss(values, direction)
    finite = np.sort(loss[~np.isnan(loss)])
    after = [np.searchsorted(finite, end, side="right") for end in _ends(finite)]
    parts = [np.sort(-x if direction == "maximize" else x) for x in np.split(finite, after)]
    finished = [Group(len(x), float(x[0]), float(x[-1])) for x in parts if len(x)]
    broken = len(loss) - len(finite)
    return (*finished, *([Group(broken, math.nan, math.nan)] if broken else []))


def _loss(values: ArrayLike, direction: str) -> NDArray[np.float64]:
    x = np.asarray(values, dtype=float)
    return -x if direction == "maximize" else x


def _ends(ordered: NDArray[np.float64]) -> list[float]:
    """The last value before each gap; none where the better half sets no scale."""
    if len(ordered) < MINIMUM:
        return []
    half = math.ceil(len(ordered) / 2)
    width = ordered[half - 1] - ordered[0]
    if not width > 0:
        return []
    wide = np.flatnonzero(np.diff(ordered[half - 1 :]) > GAP * width)
    return [float(ordered[half - 1 + at]) for at in wide]
