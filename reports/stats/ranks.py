"""Ranks with everybody, and with one entrant left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def ranks(scores: ArrayLike) -> NDArray[np.float64]:
    """Rank scores, shape ``(E,)``: 1 for the largest; equal ones share the best; NaN has none."""
    x = np.asarray(scores, dtype=float)
    return np.asarray(stats.rankdata(-x, method="min", nan_policy="omit"), dtype=float)


def separated_ranks(scores: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Rank scores, shape ``(E,)``, where their intervals separate; others share a rank.

    A rank is one more than the number of scores whose interval lies wholly above. A score without
    an interval (NaN ends) is its own interval; NaN has no rank.
    """
    x, a, b = (np.asarray(values, dtype=float) for values in (scores, low, high))
    a, b = np.where(np.isnan(a), x, a), np.where(np.isnan(b), x, b)
    above = (a[None, :] > b[:, None]).sum(axis=1)
    return np.where(np.isnan(x), np.nan, above + 1.0)


def leave_one_out(
    results: ArrayLike, score: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Rank all entrants, shape ``(E, E)``: row i is without entrant i, whose own rank is NaN.

    Args:
        results: one row an entrant, shape ``(E, ...)``.
        score: from results of some entrants, their scores: the larger the better.
    """
    x = np.asarray(results, dtype=float)
    without = np.full((len(x), len(x)), np.nan)
    for out in range(len(x)):
        others = np.arange(len(x)) != out
        without[out, others] = ranks(score(x[others]))
    return without


def find_swaps(full: ArrayLike, without: ArrayLike) -> list[tuple[int, int]]:
    """Find pairs ``(i, j)`` where i ranks before j, and behind it without a third entrant.

    Args:
        full, without: ranks, shape ``(E,)``; NaN for the one that left.
    """
    a, b = np.asarray(full, dtype=float), np.asarray(without, dtype=float)
    before, behind = a[:, None] < a[None, :], b[:, None] > b[None, :]
    return [(int(i), int(j)) for i, j in np.argwhere(before & behind)]
