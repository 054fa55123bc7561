"""Paired tests of two sides over the seeds both ran, and Holm's adjustment over many of them.

Without divergence: the paired t-test. With it: an exact sign-flip test on signed ranks, in which a
side that broke off loses by the largest rank and two that broke off tie. Survivors alone would
flatter whoever diverges. Sources: Fisher 1935, *The Design of Experiments* §21 (sign flips);
Wilcoxon 1945, doi:10.2307/3001968 (signed ranks); Holm 1979 (step-down adjustment).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from reports.stats.intervals import SEED, Interval, mean

EXACT = 20  # pairs up to which all sign flips are gone through; 2**20 of them
DRAWS = 100_000


@dataclass(frozen=True)
class Paired:
    """Mean of seed-paired differences with the two-sided p-value of the paired t-test."""

    interval: Interval
    p: float


def paired_difference(ours: pd.Series, reference: pd.Series) -> Paired:
    """``ours − reference`` over the seeds both have; both are values indexed by seed.

    Same seed means same initial weights and same batches, so the difference cancels that noise.
    p is NaN where the differences tell nothing about their spread: fewer than two, or all equal.
    """
    both = pd.concat([ours, reference], axis=1, join="inner").dropna().to_numpy(dtype=float)
    interval = mean(both[:, 0] - both[:, 1])
    if not interval.known:
        return Paired(interval, math.nan)
    return Paired(interval, float(stats.ttest_rel(both[:, 0], both[:, 1]).pvalue))


def signed_ranks(ours: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Signed ranks of paired differences, shape ``(n,)``; NaN on a side says that it broke off.

    Args:
        ours, reference: values of which *higher* is better, in the order of seeds.

    Returns:
        Ranks of the sizes of ``ours − reference`` with its sign; 0 for a tie, which takes no rank.
    """
    a, b = np.asarray(ours, dtype=float), np.asarray(reference, dtype=float)
    difference = a - b
    difference[np.isnan(a) & np.isnan(b)] = 0.0
    difference[np.isnan(a) & ~np.isnan(b)] = -np.inf
    difference[~np.isnan(a) & np.isnan(b)] = np.inf
    apart, ranks = difference != 0, np.zeros(len(a))
    ranks[apart] = stats.rankdata(np.abs(difference[apart])) * np.sign(difference[apart])
    return ranks


def sign_flip(values: ArrayLike) -> float:
    """Two-sided p-value of the sum of ``values``, shape ``(n,)``, when every sign is a coin.

    The share of all sign flips whose sum is at least as far from zero; above ``EXACT`` values
    that of a fixed draw of them. NaN without a value other than zero.
    """
    x = np.asarray(values, dtype=float)
    x = x[x != 0]
    if len(x) == 0:
        return math.nan
    found = abs(float(x.sum())) - 1e-9 * float(np.abs(x).sum())  # sums that differ by rounding tie
    if len(x) > EXACT:
        signs = np.random.default_rng(SEED).choice([-1.0, 1.0], size=(DRAWS, len(x)))
        return float((1 + (np.abs(signs @ x) >= found).sum()) / (1 + DRAWS))
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    return float((np.abs(sums) >= found).mean())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order; NaN (no test made) stays, uncounted."""
    made = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    adjusted, floor = [math.nan] * len(p_values), 0.0
    for rank, i in enumerate(sorted(made, key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(made) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted
