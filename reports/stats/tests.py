"""Tests of seed-paired differences, and Holm's adjustment for making several of them.

Same seed means same initial weights and same batches, so a difference by seed cancels that noise.
A trial that broke has no value but the worst rank: with any of them the test is on signed ranks.
Sources: Wilcoxon 1945 (signed ranks), Fisher 1935 (exact sign flips), Holm 1979 (step-down),
Stouffer et al. 1949 (combined tests).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

EXACT = 14
"""Pairs up to which every flip of signs is counted; beyond, 2**14 random ones (fixed seed)."""


def sign_flip(values: ArrayLike) -> float:
    """Two-sided p of the sum, shape ``(n,)``, when every value's sign is a coin; NaN for n = 0."""
    x = np.asarray(values, dtype=float)
    x = x[~np.isnan(x)]
    if len(x) == 0:
        return math.nan
    sums = np.abs(_signs(len(x)) @ x)
    observed = abs(float(x.sum()))
    return float(np.mean(sums >= observed - 1e-9 * max(1.0, float(np.abs(x).sum()))))


def signed_ranks(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """Ranks of the differences with their signs, shape ``(n,)``; positive where ours is larger.

    Both hold the larger the better; NaN for a trial that broke: it loses by the largest rank
    against one that did not, and ties (0) with one that broke too.
    """
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    worst = -math.inf
    a, b = np.where(np.isnan(a), worst, a), np.where(np.isnan(b), worst, b)
    difference = np.zeros(len(a))
    apart = a != b
    difference[apart] = a[apart] - b[apart]
    ranks = np.zeros(len(a))
    ranks[apart] = stats.rankdata(np.abs(difference[apart]))
    signed: NDArray[np.float64] = np.copysign(ranks, difference)
    return signed


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order; NaN (no test made) stays, uncounted."""
    tested = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    adjusted, floor = [math.nan] * len(p_values), 0.0
    for rank, i in enumerate(sorted(tested, key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(tested) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted


def holm_levels(p_values: Sequence[float], level: float) -> list[float]:
    """What each p-value is held against in Holm's procedure, in the given order; NaN stays."""
    tested = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    levels = [math.nan] * len(p_values)
    for rank, i in enumerate(sorted(tested, key=lambda i: p_values[i])):
        levels[i] = level / (len(tested) - rank)
    return levels


def stouffer(p_values: Sequence[float], signs: Sequence[float]) -> tuple[float, float]:
    """Independent tests of several tasks as one: ``(z, p)``, p two-sided.

    Args:
        p_values: two-sided; NaN, no test, speaks neither way.
        signs: which way each of them points; 0: neither.
    """
    p, sign = np.asarray(p_values, dtype=float), np.sign(np.asarray(signs, dtype=float))
    if not len(p):
        return math.nan, math.nan
    each = np.where(np.isnan(p), 0.0, -sign * special.ndtri(np.where(np.isnan(p), 1.0, p) / 2))
    z = float(each.sum() / math.sqrt(len(each)))
    return z, float(2 * special.ndtr(-abs(z)))


@lru_cache(maxsize=32)
def _signs(n: int) -> NDArray[np.float64]:
    """Every assignment of signs to ``n`` values, or as many random ones, the observed first."""
    if n <= EXACT:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return (1 - 2 * bits).astype(np.float64)
    drawn = np.random.default_rng(0).integers(0, 2, size=(2**EXACT, n))
    return np.asarray(np.concatenate([np.ones((1, n)), 1.0 - 2.0 * drawn]))
