"""Holm's adjustment over everything that a report tests: all its leaderboards and all its pairs.

A reader looks at all of it, so the chance of any false claim is kept for the whole of it. A test
that nobody would read a claim from, because it is withheld whatever its outcome, is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reports.analysis.arms import Side
from reports.stats.intervals import CONFIDENCE
from reports.stats.tests import holm, holm_levels

Hypothesis = frozenset[Side]
"""That these sides, two a comparison, are pairwise alike. A pair of entrants that met in one
comparison only is the same hypothesis as their leaderboard's, and counts once."""


@dataclass(frozen=True)
class Adjusted:
    """A test among all of a report.

    Attributes:
        p: after Holm's adjustment.
        level: what its own p is held against.
    """

    p: float = math.nan
    level: float = math.nan


def adjust(p_values: Mapping[Hypothesis, float]) -> dict[Hypothesis, Adjusted]:
    """Each hypothesis with its adjusted p; NaN (no test made) stays, uncounted."""
    p = list(p_values.values())
    pairs = zip(p_values, holm(p), holm_levels(p, 1 - CONFIDENCE), strict=True)
    return {key: Adjusted(adjusted, level) for key, adjusted, level in pairs}
