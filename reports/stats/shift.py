"""The Hodges–Lehmann shift: by how much ours lie above theirs, with an exact interval.

The estimate is the median of all differences between a result of ours and one of theirs. The
interval holds the shifts that the rank-sum test of ``stats.rank_sum`` does not reject, so it
excludes 0 exactly where that test does. Sources: Hodges and Lehmann 1963; Bauer 1972 (inversion).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from reports.stats.intervals import Interval
from reports.stats.rank_sum import Stratum, find_null

Floats = NDArray[np.float64]


def shift(ours: ArrayLike, theirs: ArrayLike, alpha: float) -> Interval:
    """Estimate ours minus theirs, with an interval of level 1 − alpha.

    Its ends are those of the shifts that are not rejected, infinite where the test rejects none
    that far out. Where it rejects 0 both lie on that side of 0 to which the test points.

    Args:
        ours, theirs: results, shapes ``(m,)`` and ``(n,)``, the larger the better; −∞: diverged.
            A pair that diverged both ties, whatever the shift.
    """
    test = _Test.of(np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float))
    low, high = _find_ends(test, alpha)
    tiny = math.ulp(0.0)  # the end of an interval that is open at 0
    if test.p(0.0) > alpha:
        low, high = min(low, 0.0), max(high, 0.0)
    elif test.deviation(0.0) > 0:
        low, high = max(low, tiny), max(high, tiny)
    else:
        low, high = min(low, -tiny), min(high, -tiny)
    estimate = min(max(test.estimate, low), high)
    return Interval(estimate, low, high, sum(test.differences.shape))


@dataclass(frozen=True, eq=False)
class _Test:
    """The rank-sum test of two sides for any shift.

    Ranks follow from the differences alone: were ours moved and ranked again, rounding would break
    ties and make others.

    Attributes:
        differences: ours minus theirs, shape ``(m, n)``; ±∞ where one diverged, NaN where both did.
        ours, theirs: doubled middle ranks within each side.
    """

    differences: Floats
    ours: Floats
    theirs: Floats

    @classmethod
    def of(cls, ours: Floats, theirs: Floats) -> _Test:
        with np.errstate(invalid="ignore"):  # ∞ less ∞ is NaN
            differences = ours[:, None] - theirs
        return cls(differences, 2 * stats.rankdata(ours), 2 * stats.rankdata(theirs))

    @property
    def estimate(self) -> float:
        """The median difference; 0 where all pairs diverged, or wins and losses by ∞ balance."""
        told = np.sort(self.differences[~np.isnan(self.differences)])
        if not len(told):
            return 0.0
        below, above = float(told[(len(told) - 1) // 2]), float(told[len(told) // 2])
        middle = below + above
        return 0.0 if math.isnan(middle) else middle / 2

    def deviation(self, at: float) -> int:
        """The doubled rank sum of ours less the shift, less its expectation."""
        return int((self.differences > at).sum()) - int((self.differences < at).sum())

    def p(self, at: float) -> float:
        """Of the hypothesis that ours less the shift and theirs can be exchanged."""
        above, below = self.differences > at, self.differences < at
        level = ~(above | below)
        ours = self.ours + 2 * above.sum(axis=1) + level.sum(axis=1)
        theirs = self.theirs + 2 * below.sum(axis=0) + level.sum(axis=0)
        _, ties = np.unique(np.concatenate([ours, theirs]), return_counts=True)
        return find_null((Stratum(len(ours), tuple(ties.tolist())),)).tail(self.deviation(at))


def _find_ends(test: _Test, alpha: float) -> tuple[float, float]:
    """Find the shifts with p > alpha around that at which the two sides balance.

    Between two neighbouring differences p is constant, and it falls with the distance from the
    balance. A single difference at which only p itself is above alpha adds no width.
    """
    finite = test.differences[np.isfinite(test.differences)]
    knots = np.unique(finite) if len(finite) else np.zeros(1)
    ends = [-math.inf, *knots.tolist(), math.inf]
    outer = float(np.nextafter(knots[0], -np.inf)), float(np.nextafter(knots[-1], np.inf))
    gaps = [outer[0], *((knots[:-1] + knots[1:]) / 2).tolist(), outer[1]]

    def reaches(at: float) -> bool:
        return test.deviation(at) <= 0 or test.p(at) > alpha

    def exceeds(at: float) -> bool:
        return test.deviation(at) < 0 and test.p(at) <= alpha

    return ends[bisect_left(gaps, True, key=reaches)], ends[bisect_left(gaps, True, key=exceeds)]
