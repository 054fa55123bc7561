"""Statistics of a handful of seeds: estimates that always come with an interval and an n.

Means get **Student t** intervals: with 3 to 5 seeds a percentile bootstrap is far too narrow (its
resamples cannot leave the range of the data; nominal 95 % covers about 75 % at n = 3). The
interquartile mean has no such closed form and gets the percentile bootstrap, from 4 values on;
below that it *is* the mean. Sources: Agarwal et al. 2021, arXiv:2108.13264 (IQM, bootstrap);
Holm 1979 (step-down adjustment).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
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


@dataclass(frozen=True)
class Paired:
    """Mean of seed-paired differences with the two-sided p-value of the paired t-test."""

    interval: Interval
    p: float


def mean(values: ArrayLike) -> Interval:
    """Mean of finite values, shape ``(n,)``, with a Student t interval."""
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    estimate, error = float(x.mean()), _standard_error(x)
    if math.isnan(error):
        return Interval(estimate, math.nan, math.nan, n)
    half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)) * error
    return Interval(estimate, estimate - half, estimate + half, n)


def iqm(values: ArrayLike) -> Interval:
    """Interquartile mean, shape ``(n,)``, with a percentile bootstrap interval; NaN below n = 4."""
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < 4:
        return Interval(math.nan, math.nan, math.nan, n)
    rows = np.random.default_rng(SEED).integers(0, n, size=(RESAMPLES, n))
    resampled = _trim_mean(x[rows])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(_trim_mean(x)), float(low), float(high), n)


def paired_difference(ours: pd.Series, reference: pd.Series) -> Paired:
    """``ours − reference`` over the seeds both have; both are values indexed by seed.

    Same seed means same initial weights and same batches, so the difference cancels that noise.
    """
    both = pd.concat([ours, reference], axis=1, join="inner").dropna()
    difference = (both.iloc[:, 0] - both.iloc[:, 1]).to_numpy(dtype=float)
    interval, error = mean(difference), _standard_error(difference)
    if math.isnan(error):
        return Paired(interval, math.nan)
    t = abs(interval.estimate) / error
    return Paired(interval, float(2 * stats.t.sf(t, len(difference) - 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order; NaN (no test made) stays, uncounted."""
    made = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    adjusted, floor = [math.nan] * len(p_values), 0.0
    for rank, i in enumerate(sorted(made, key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(made) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted


def median_to_target(values: ArrayLike) -> tuple[float, int, int]:
    """``(median, reached, n)`` of steps or seconds to the target, where ∞ is a miss.

    NaN (no target, or the trial failed) does not count; no value at all gives ``(NaN, 0, 0)``.
    """
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if len(x) == 0:
        return math.nan, 0, 0
    return float(np.median(x)), int(np.isfinite(x).sum()), len(x)


def _standard_error(x: NDArray[np.float64]) -> float:
    """Of the mean; NaN with fewer than two values or no spread beyond rounding."""
    if len(x) < 2 or not np.isfinite(x).all():
        return math.nan
    spread = float(x.std(ddof=1))
    rounding = 1e-12 * max(1.0, float(np.abs(x).max()))
    return spread / math.sqrt(len(x)) if spread > rounding else math.nan


def _trim_mean(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.trim_mean(x, 0.25, axis=-1))
