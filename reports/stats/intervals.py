"""Estimates from a handful of seeds, each with an interval and an n.

Means get **Student t** intervals: with 3 to 5 seeds a percentile bootstrap is far too narrow (its
resamples cannot leave the range of the data; nominal 95 % covers about 75 % at n = 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
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


@dataclass(frozen=True)
class Variance:
    """One independent part of an estimate's variance, in its unit squared; NaN: not known."""

    value: float
    degrees: float


def mean(values: ArrayLike) -> Interval:
    """Mean of finite values, shape ``(n,)``, with a Student t interval."""
    x = np.asarray(values, dtype=float)
    if len(x) == 0:
        return UNKNOWN
    return t_interval(float(x.mean()), [variance_of_mean(x)], len(x))[0]


def variance_of_mean(x: NDArray[np.float64]) -> Variance:
    """Of the mean of independent values; NaN with fewer than two or no spread beyond rounding."""
    if len(x) < 2 or not np.isfinite(x).all():
        return Variance(math.nan, 1)
    spread = float(x.std(ddof=1))
    rounding = 1e-12 * max(1.0, float(np.abs(x).max()))
    value = spread**2 / len(x) if spread > rounding else math.nan
    return Variance(value, len(x) - 1)


def variance_components(values: NDArray[np.float64]) -> list[Variance]:
    """Of the mean over repeats and seeds, shape ``(R, S)``: one part a way of being unlucky.

    Of one repeat it is that of the seeds; of several, that of the seed means and that of the
    repeat means. What belongs to single cells is in both, so the sum errs on the wide side.
    Seeds that tie add nothing where repeats differ, and the other way round.
    """
    parts = [variance_of_mean(values.mean(axis=0))]
    if len(values) > 1:
        parts.append(variance_of_mean(values.mean(axis=1)))
        parts = [part for part in parts if not math.isnan(part.value)] or parts
    return parts


def t_interval(estimate: float, variances: Sequence[Variance], n: int) -> tuple[Interval, float]:
    """The t interval of an estimate and the two-sided p-value of its being 0.

    Args:
        variances: its independent parts; degrees of freedom of their sum as in Satterthwaite 1946.
        n: values behind it.
    """
    total = math.fsum(part.value for part in variances)
    if not total > 0:
        return Interval(estimate, math.nan, math.nan, n), math.nan
    degrees = total**2 / math.fsum(part.value**2 / part.degrees for part in variances)
    error = math.sqrt(total)
    half = float(special.stdtrit(degrees, 0.5 + CONFIDENCE / 2)) * error
    p = float(2 * special.stdtr(degrees, -abs(estimate) / error))
    return Interval(estimate, estimate - half, estimate + half, n), p
