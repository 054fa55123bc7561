"""The difference between two arms on one task: the test that a verdict rests on, and its size.

Nothing is paired: the same seed gives two optimizers no more alike results than another one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from reports.analysis.arms import Arm, Floats
from reports.stats.improvement import improvement_interval
from reports.stats.intervals import CONFIDENCE, UNKNOWN, Interval
from reports.stats.rank_sum import RankSum, rank_sum
from reports.stats.shift import shift

ALPHA = 1 - CONFIDENCE


@dataclass(frozen=True, eq=False)
class Difference:
    """Our results against theirs.

    Attributes:
        ours, theirs: shapes ``(m,)`` and ``(n,)``, the larger the better; −∞ for a trial that
            diverged.
        sign: 1 where the metric is maximized, −1 where it is minimized.
    """

    ours: Floats
    theirs: Floats
    sign: float

    @cached_property
    def test(self) -> RankSum:
        """The exact rank-sum test; NaN where a side has no result."""
        if not self.is_measured:
            return RankSum(math.nan, math.nan)
        return rank_sum(self.ours, self.theirs)

    @property
    def is_measured(self) -> bool:
        return bool(len(self.ours) and len(self.theirs))

    @property
    def p(self) -> float:
        """Two-sided, that the two could be exchanged."""
        return self.test.p

    @property
    def gain(self) -> float:
        """The probability of improvement beyond one half: positive where ours is better."""
        return self.test.improvement - 0.5

    def first(self, ours: int, theirs: int) -> Difference:
        """Return the difference between our first results and their first ones."""
        return replace(self, ours=self.ours[:ours], theirs=self.theirs[:theirs])

    def estimate_shift(self, alpha: float = ALPHA) -> Interval:
        """Estimate ours minus theirs in the metric's unit, with an interval of level 1 − alpha."""
        if not self.is_measured:
            return UNKNOWN
        found = shift(self.ours, self.theirs, alpha)
        if self.sign > 0:
            return found
        return Interval(-found.estimate, -found.high, -found.low, found.n)

    def estimate_improvement(self, alpha: float = ALPHA) -> Interval:
        """Estimate the probability that a result of ours is better than one of theirs."""
        if not self.is_measured:
            return UNKNOWN
        return improvement_interval([(self.ours, self.theirs)], alpha)


def compare(ours: Arm, theirs: Arm) -> Difference:
    """Compare two arms of one task on test."""
    return Difference(ours.results, theirs.results, ours.sign)
