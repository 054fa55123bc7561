"""Means and interquartile means with 95 % intervals, and the luck of selection within them.

Means get **Student t** intervals: with 3 to 5 seeds a percentile bootstrap is far too narrow (its
resamples cannot leave the range of the data; nominal 95 % covers about 75 % at n = 3). The
interquartile mean has no such closed form and gets the percentile bootstrap, from 4 values on;
below that it *is* the mean. Sources: Agarwal et al. 2021, arXiv:2108.13264 (IQM, bootstrap);
Satterthwaite 1946, doi:10.2307/3002019 (degrees of freedom of a sum of variances).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 5_000
SEED = 0  # of the bootstrap: a report regenerates byte for byte


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

    def excludes(self, value: float) -> bool:
        return self.known and not self.low <= value <= self.high


UNKNOWN = Interval(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True)
class Variance:
    """One contribution to the squared standard error of an estimate, and its degrees of freedom."""

    value: float
    df: float


def mean(values: ArrayLike) -> Interval:
    """Mean of finite values, shape ``(n,)``, with a Student t interval."""
    x = np.asarray(values, dtype=float)
    if len(x) == 0:
        return UNKNOWN
    return around(float(x.mean()), [of_mean(x)], len(x))[0]


def of_mean(x: NDArray[np.float64]) -> Variance:
    """Of the mean of ``x``; NaN with fewer than two values or no spread beyond rounding."""
    n = len(x)
    if n < 2 or not np.isfinite(x).all():
        return Variance(math.nan, max(n - 1, 0))
    spread = float(x.std(ddof=1))
    rounding = 1e-12 * max(1.0, float(np.abs(x).max()))
    return Variance(spread**2 / n if spread > rounding else math.nan, n - 1)


def crossed(values: NDArray[np.float64]) -> list[Variance]:
    """Contributions to the variance of the grand mean of repeats × seeds, shape ``(R, n)``.

    Seeds: variance of seed means over n. Repeats, from two on: variance of repeat means over R,
    which is what the luck of selection contributes. What is neither is counted in both, so the
    sum errs on the wide side.
    """
    seeds = of_mean(values.mean(axis=0))
    if len(values) < 2:
        return [seeds]
    repeats = values.mean(axis=1)
    return [seeds, Variance(float(repeats.var(ddof=1)) / len(values), len(values) - 1)]


def around(estimate: float, variances: Sequence[Variance], n: int) -> tuple[Interval, float]:
    """The interval of an estimate whose variance is a sum, and the p-value of its being zero.

    NaN where a contribution is unknown. Degrees of freedom are Satterthwaite's.
    """
    total = math.fsum(v.value for v in variances)
    if not total > 0:
        return Interval(estimate, math.nan, math.nan, n), math.nan
    df = total**2 / math.fsum(v.value**2 / v.df for v in variances if v.value > 0)
    error = math.sqrt(total)
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, df)) * error
    p = float(2 * stats.t.sf(abs(estimate) / error, df))
    return Interval(estimate, estimate - half, estimate + half, n), p


def iqm(values: ArrayLike) -> Interval:
    """Interquartile mean, shape ``(n,)``, with a percentile bootstrap interval; NaN below n = 4."""
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 4:
        return Interval(math.nan, math.nan, math.nan, n)
    resampled = _trim_mean(x[_resamples(n)])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(_trim_mean(x)), float(low), float(high), n)


@lru_cache(maxsize=32)
def _resamples(n: int) -> NDArray[np.int64]:
    """Places drawn with replacement, shape ``(RESAMPLES, n)``; the same for every row of a page."""
    return np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n))


def _trim_mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean along the last axis without its lowest and highest quarter; as SciPy's, but faster."""
    cut = x.shape[-1] // 4
    return np.asarray(np.sort(x, axis=-1)[..., cut : x.shape[-1] - cut].mean(axis=-1))
