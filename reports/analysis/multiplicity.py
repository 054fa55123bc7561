"""Holm's adjustment over everything that a report tests: all its leaderboards and all its pairs.

A reader looks at all of it, so the chance of any false claim is kept for the whole of it. A test
that is withheld whatever its outcome is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reports.analysis.arms import Arm
from reports.stats.intervals import CONFIDENCE
from reports.stats.tests import holm, holm_levels

Hypothesis = frozenset[Arm]
"""That these arms, two a setting, are pairwise alike. A pair of entrants with one setting in
common is the same hypothesis as their leaderboard's, and counts once."""


@dataclass(frozen=True)
class Adjusted:
    """A test among all of a report.

    Attributes:
        p: after Holm's adjustment.
        level: the level that its own p is compared with.
    """

    p: float = math.nan
    level: float = math.nan


@dataclass(frozen=True)
class Family:
    """All hypotheses of a report.

    Attributes:
        adjusted: each hypothesis with its adjusted test.
        tests: the number of tests that were made.
    """

    adjusted: Mapping[Hypothesis, Adjusted]
    tests: int


def adjust(p_values: Mapping[Hypothesis, float]) -> Family:
    """Adjust the p-value of each hypothesis; NaN (no test made) stays, uncounted."""
    p = list(p_values.values())
    pairs = zip(p_values, holm(p), holm_levels(p, 1 - CONFIDENCE), strict=True)
    adjusted = {key: Adjusted(value, level) for key, value, level in pairs}
    return Family(adjusted, sum(not math.isnan(value) for value in p))
