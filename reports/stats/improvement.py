"""Probability of improvement: how often a trial of ours is better than one of theirs.

The Mann-Whitney statistic over all pairs of trials, ties one half, averaged over tasks. Sources:
Mann and Whitney 1947; Agarwal et al. 2021, arXiv:2108.13264.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def wins(ours: ArrayLike, theirs: ArrayLike) -> NDArray[np.float64]:
    """Each of our ``n`` trials against each of their ``m``, shape ``(n, m)``: 1, ½ or 0.

    Args:
        ours, theirs: the larger the better; −∞ for a trial that broke off, the worst of all.
    """
    a = np.asarray(ours, dtype=float)[:, None]
    b = np.asarray(theirs, dtype=float)[None, :]
    return np.where(a > b, 1.0, np.where(a == b, 0.5, 0.0))


def probability(
    won: NDArray[np.float64],
    ours: NDArray[np.int64],
    theirs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The mean of ``won``, shape ``(n, m)``, in each resample, shape ``(B,)``.

    Args:
        ours, theirs: places drawn, shapes ``(B, n)`` and ``(B, m)``; each side on its own, which
            errs on the wide side where a seed makes both good or both bad.
    """
    n, m = won.shape
    return np.asarray(
        np.einsum("bi,ij,bj->b", _counts(ours, n), won, _counts(theirs, m), optimize=True) / (n * m)
    )


def _counts(places: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """How often each of ``n`` places was drawn, shape ``(B, n)``."""
    return np.asarray((places[:, :, None] == np.arange(n)).sum(axis=1), dtype=float)
