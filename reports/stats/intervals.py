"""Estimates from a handful of seeds, each with an interval and an n.

Means get **Student t** intervals: with 3 to 5 seeds a percentile bootstrap is far too narrow (its
resamples cannot leave the range of the data; nominal 95 % covers about 75 % at n = 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate, its 95 % interval in the same unit, and the number of values behind it.

    ``low`` and ``high`` are NaN where the values tell nothing about their spread: fewer than two,
    or all equal (accuracies on a small split often tie; a tie of three seeds is not certainty).
    """

    estimate: float
    low: float
    high: float
    n: int

    @property
    def known(self) -> bool:
        return not math.isnan(self.low)

    def within(self, low: float, high: float) -> Interval:
        """Cut to the range of what is estimated, in which the estimate lies: it covers as often."""
        return Interval(self.estimate, max(self.low, low), min(self.high, high), self.n)

    def excludes(self, value: float) -> bool:
        return self.known and not self.low <= value <= self.high


UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


def mean(values: ArrayLike) -> Interval:
    """Mean of finite values, shape ``(n,)``, with a Student t interval.

    Its ends are not known of fewer than two values, or of a spread within rounding.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        return UNKNOWN
    estimate = float(x.mean())
    spread = float(x.std(ddof=1)) if n > 1 and np.isfinite(x).all() else 0.0
    if spread <= 1e-12 * max(1.0, float(np.abs(x).max())):
        return Interval(estimate, math.nan, math.nan, n)
    half = float(special.stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * spread / math.sqrt(n)
    return Interval(estimate, estimate - half, estimate + half, n)
