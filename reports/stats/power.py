"""What a design can show: the power of the exact rank-sum test, and how many tunings would decide.

Both take the results of each side as normal with one spread and the given probability of
improvement. A difference that was observed is an uncertain guess of the true one, so both are for
planning. Sources: Lehmann 1975, Nonparametrics, ch. 2.3 (the variance under normal alternatives);
Noether 1987, doi:10.1080/01621459.1987.10478478 (sample sizes).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import special, stats

from reports.stats.rank_sum import (
    Stratum,
    choose_weights,
    null_without_ties,
    smallest_p,
)

POWER = 0.8
MOST = 2**14
"""Tunings beyond which a test counts as never deciding."""
DRAWS = 4_000
"""Simulated outcomes of a plan: its power is right to .02."""


def power(sizes: Sequence[tuple[int, int]], poi: float, level: float) -> float:
    """Simulate the probability that the test over tasks reaches p ≤ level.

    Args:
        sizes: of each task, our number of results and theirs.
        poi: probability of improvement on each task; 1: all of ours are better, 0: all worse.
    """
    return _power(tuple((int(m), int(n)) for m, n in sizes), float(poi), float(level))


@lru_cache(maxsize=256)
def _power(sizes: tuple[tuple[int, int], ...], poi: float, level: float) -> float:
    if smallest_p(sizes) > level:
        return 0.0
    if poi in (0, 1):
        return 1.0
    random, shift = np.random.default_rng(0), math.sqrt(2) * float(special.ndtri(poi))
    weights = choose_weights([Stratum(m, (1,) * (m + n)) for m, n in sizes])
    deviations = np.zeros(DRAWS, dtype=np.int64)
    for weight, (m, n) in zip(weights, sizes, strict=True):
        ours = random.standard_normal((DRAWS, m)) + shift
        ranks = stats.rankdata(np.hstack([ours, random.standard_normal((DRAWS, n))]), axis=1)
        deviations += weight * (2 * ranks[:, :m].sum(axis=1).astype(np.int64) - m * (m + n + 1))
    null = null_without_ties(sizes)
    values, times = np.unique(np.abs(deviations), return_counts=True)
    return float(sum(times[[null.tail(int(each)) <= level for each in values]]) / DRAWS)


@lru_cache(maxsize=4096)
def tunings_needed(improvement: float, factor: float, level: float, tasks: int = 1) -> float:
    """Estimate the tunings of each optimizer with which the test has a power of 80 %; ∞: never.

    The rank sum is taken as normal, with the variance that it has at this improvement.

    Args:
        improvement: probability of improvement on each task.
        factor: tunings of the opponent for one of ours.
        level: at which the test is made, after allowing for the other tests of a report.
        tasks: over which the results are summed.
    """
    if not (0 <= improvement <= 1 and factor > 0 and 0 < level < 1):
        return math.nan
    critical = float(-special.ndtri(level / 2))
    both = _both_beat(improvement) - improvement**2

    def decides(ours: int) -> bool:
        theirs = max(1, round(factor * ours))
        if smallest_p([(ours, theirs)] * tasks) > level:
            return False
        pairs = ours * theirs
        null = math.sqrt((ours + theirs + 1) / (12 * pairs * tasks))
        variance = improvement * (1 - improvement) + (ours + theirs - 2) * both
        beyond = abs(improvement - 0.5) - critical * null
        own = math.sqrt(variance / (pairs * tasks))
        return beyond >= float(special.ndtri(POWER)) * own

    if improvement == 0.5 or not decides(MOST):
        return math.inf
    return 1.0 + bisect_left(range(1, MOST), True, key=decides)


def _both_beat(improvement: float) -> float:
    """The probability that one result beats two of the other side; normal, one spread."""
    at = float(special.ndtri(improvement))
    if math.isinf(at):
        return improvement
    return float(stats.multivariate_normal.cdf([at, at], cov=[[1, 0.5], [0.5, 1]]))
