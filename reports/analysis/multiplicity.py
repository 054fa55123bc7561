"""Holm's correction over everything that a report asks: rows, overall verdicts and pairs.

A reader looks at all of it, so the chance of any false claim is kept for the whole of it. A test
without a verdict whatever its outcome is not counted, nor one that nobody asks: beside a baseline
a study asks about its own optimizers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reports.analysis.arms import Arm
from reports.stats.intervals import CONFIDENCE
from reports.stats.tests import holm, holm_levels

Hypothesis = frozenset[Arm]
"""That these arms, two a setting, can be exchanged in pairs. A pair of entrants with one setting in
common is the same hypothesis as their leaderboard's, and counts once."""


@dataclass(frozen=True)
class Adjusted:
    """A test among all of a report.

    Attributes:
        p: after Holm's correction; NaN where no test was made.
        alpha: level at which the test's own p was judged: p is at most alpha exactly where the
            corrected p is at most 5 %. Intervals of level 1 − alpha cannot contradict a verdict.
        bar: what Holm's procedure holds p against, as the tests before it in order pass; for plans.
    """

    p: float = math.nan
    alpha: float = 1 - CONFIDENCE
    bar: float = math.nan


@dataclass(frozen=True)
class Family:
    """All hypotheses of a report.

    Attributes:
        adjusted: each hypothesis with its adjusted test.
        tests: the number of tests that were made.
    """

    adjusted: Mapping[Hypothesis, Adjusted]
    tests: int

    def find(self, hypothesis: Hypothesis | None) -> Adjusted:
        """Find a test; one that was not made has no p."""
        return Adjusted() if hypothesis is None else self.adjusted.get(hypothesis, Adjusted())


def adjust(p_values: Mapping[Hypothesis, float]) -> Family:
    """Correct the p-value of each hypothesis; NaN (no test made) stays, uncounted."""
    p_list, five = list(p_values.values()), 1 - CONFIDENCE
    corrected = zip(p_values.items(), holm(p_list), holm_levels(p_list, five), strict=True)
    adjusted = {
        key: Adjusted() if math.isnan(p) else Adjusted(total, five * p / total, bar)
        for (key, p), total, bar in corrected
    }
    return Family(adjusted, sum(not math.isnan(p) for p in p_values.values()))
