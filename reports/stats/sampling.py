"""What follows from a metric's being a share of examples: its range, and its error of sampling."""

from __future__ import annotations

import math

from reports.stats.intervals import Interval

SHARES = frozenset({"accuracy", "miou"})
"""Metrics that lie between 0 and 1."""


def bounded(metric: str, interval: Interval) -> Interval:
    """The interval of a mean of a metric; without ends where they exceed a range of 0 to 1.

    A Student interval knows of no range: that of a few accuracies near 1 may reach beyond it, and
    then says that their spread is not known.
    """
    if metric in SHARES and interval.known and not 0 <= interval.low <= interval.high <= 1:
        return Interval(interval.estimate, math.nan, math.nan, interval.n)
    return interval


def standard_error(share: float, n: float) -> float:
    """Of a share of ``n`` independent test examples, sqrt(p (1 − p) / n): the binomial one.

    All seeds see the same examples, so more seeds do not bring it down; a difference of two
    optimizers on the same examples is surer than either of them.

    Args:
        share: e.g. an accuracy. NaN outside 0 … 1, or where ``n`` is not known.
    """
    if not (0 <= share <= 1 and n > 0):
        return math.nan
    return math.sqrt(share * (1 - share) / n)
