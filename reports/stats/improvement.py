"""Probability of improvement: how often a trial of ours is better than one of theirs.

The Mann-Whitney statistic over all pairs of trials, ties one half, averaged over tasks. Sources:
Mann and Whitney 1947; Agarwal et al. 2021, arXiv:2108.13264.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def probability(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Of ``n`` trials against ``m``.

    Args:
        ours, theirs: the larger the better; −∞ for a trial that broke off, the worst of all.
    """
    once = (np.ones((1, np.size(side))) for side in (ours, theirs))
    return float(_means(ours, theirs, *once)[0])


def resample(
    ours: ArrayLike,
    theirs: ArrayLike,
    drawn: NDArray[np.int64],
    drawn_theirs: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The same in each resample, shape ``(B,)``.

    Args:
        drawn, drawn_theirs: places, shapes ``(B, n)`` and ``(B, m)``; each side on its own, which
            errs on the wide side where a seed makes both good or both bad.
    """
    return _means(ours, theirs, _counts(drawn), _counts(drawn_theirs))


def _means(
    ours: ArrayLike, theirs: ArrayLike, times: NDArray[np.float64], other: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over all pairs, each trial taken so many times; memory grows by n + m, not by n · m."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    order = np.argsort(b)
    below = np.pad(np.cumsum(other[:, order], axis=1), ((0, 0), (1, 0)))
    beaten, not_better = (np.searchsorted(b[order], a, side) for side in ("left", "right"))
    wins = times * (below[:, beaten] + below[:, not_better]) / 2
    return np.asarray(wins.sum(axis=1) / (len(a) * len(b)))


def _counts(places: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each of ``n`` places was drawn, shape ``(B, n)``."""
    resamples, n = places.shape
    row = n * np.arange(resamples)[:, None]
    counts = np.bincount((places + row).ravel(), minlength=resamples * n)
    return counts.reshape(resamples, n).astype(float)
