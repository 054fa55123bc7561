"""Holm's correction over everything that a report asks: rows, overall verdicts and pairs.

A reader looks at all of it, so the chance of any false claim is kept for the whole of it. A test
without a verdict whatever its outcome is not counted, nor one that nobody asks: beside a baseline
a study asks about its own optimizers. A study that was enlarged is looked at again; each look has
its own share of the 5 % (``bench.spec.looks``) and its own correction, and what one showed stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.spec.looks import TOTAL, spend
from reports.analysis.arms import Arm
from reports.stats.holm import holm, holm_levels
from reports.stats.intervals import CONFIDENCE

Hypothesis = frozenset[Arm]
"""That these arms, two a setting, can be exchanged in pairs. A pair of entrants with one setting in
common is the same hypothesis as their leaderboard's, and counts once."""


@dataclass(frozen=True)
class Adjusted:
    """A test among all of a report.

    Attributes:
        p: after Holm's correction and by the share of its look, so that 5 % is its bound at every
            look; NaN where no test was made.
        alpha: level at which the test's own p was judged: p is at most alpha exactly where the
            corrected p is at most 5 %. Intervals of level 1 − alpha cannot contradict a verdict.
        bar: what Holm's procedure holds p against, as the tests before it in order pass; for plans.
        asked: whether the report asks it, with or without a test.
        look: the first look that showed a difference, from 0; −1, the last one, where no test was
            made.
    """

    p: float = math.nan
    alpha: float = 1 - CONFIDENCE
    bar: float = math.nan
    look: int = -1
    asked: bool = False


@dataclass(frozen=True)
class Family:
    """All hypotheses of a report.

    Attributes:
        adjusted: each hypothesis with its adjusted test.
        tests: the number of hypotheses that were tested.
    """

    adjusted: Mapping[Hypothesis, Adjusted]
    tests: int

    def find(self, hypothesis: Hypothesis | None) -> Adjusted:
        """Find a test; one that was not made has no p."""
        return Adjusted() if hypothesis is None else self.adjusted.get(hypothesis, Adjusted())


def adjust(p_values: Mapping[Hypothesis, Sequence[float]]) -> Family:
    """Correct the p-values of each hypothesis, one a look; NaN (no test made) stays, uncounted.

    The first look with a corrected p of at most 5 % stands for a hypothesis, else its last one.
    """
    adjusted: dict[Hypothesis, Adjusted] = {}
    for look in range(max(map(len, p_values.values()), default=0)):
        here = {key: each[look] for key, each in p_values.items() if look < len(each)}
        for key, one in _adjust_look(here, look).items():
            if key not in adjusted or not adjusted[key].p <= TOTAL:
                adjusted[key] = one
    return Family(adjusted, sum(not math.isnan(each[-1]) for each in p_values.values()))


def _adjust_look(p_values: Mapping[Hypothesis, float], look: int) -> dict[Hypothesis, Adjusted]:
    share, listed = spend(look), list(p_values.values())
    corrected = zip(p_values.items(), holm(listed), holm_levels(listed, share), strict=True)
    return {
        key: Adjusted(total := min(1.0, one * TOTAL / share), TOTAL * p / total, bar, look, True)
        if not math.isnan(p)
        else Adjusted(asked=True)
        for (key, p), one, bar in corrected
    }
