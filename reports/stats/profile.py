"""Performance profiles: on which share of tasks a time is within τ times the best one there.

Sources: Dolan and Moré 2002, doi:10.1007/s101070100263; the area as a score as in AlgoPerf, Dahl et
al. 2023, arXiv:2306.07179. Both depend on who is entered: leave one out (``stats.ranks``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TAU = np.linspace(1.0, 4.0, 100)
"""Where the profile is read off, as in AlgoPerf; the area is divided by its width."""


def ratios(times: ArrayLike) -> NDArray[np.float64]:
    """Each time over the best of its task, shape ``(E, ..., T)``; ∞ where the target was missed.

    Args:
        times: positive, of E entrants on T tasks; ∞ for a miss.
    """
    x = np.asarray(times, dtype=float)
    if not len(x):
        return x  # nobody is the best
    best = x.min(axis=0, keepdims=True)
    reached = np.isfinite(x)
    return np.asarray(np.divide(x, best, out=np.full(x.shape, np.inf), where=reached))


def profile(ratio: NDArray[np.float64], tau: NDArray[np.float64] = TAU) -> NDArray[np.float64]:
    """Share of tasks within each τ, shape ``(E, ..., len(tau))``, of ``ratios``."""
    return np.stack([(ratio <= at).mean(axis=-1) for at in tau], axis=-1)


def area(shares: NDArray[np.float64], tau: NDArray[np.float64] = TAU) -> NDArray[np.float64]:
    """Area under profiles by trapezoids over the width of τ, shape ``(E, ...)``, from 0 to 1."""
    return np.asarray(np.trapezoid(shares, tau, axis=-1) / (tau[-1] - tau[0]))


def score(times: ArrayLike, tau: NDArray[np.float64] = TAU) -> NDArray[np.float64]:
    """The area of each entrant's profile, shape ``(E,)``, from times of shape ``(E, T)``."""
    return area(profile(ratios(times), tau), tau)
