"""How much better one side is than another on one task, on a scale that tasks share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.analysis.arms import Side
from reports.analysis.arrays import overlay
from reports.analysis.difference import beyond_seeds
from reports.stats import anchored
from reports.stats.intervals import Variance, crossed


@dataclass(frozen=True)
class Effect:
    """log2 of their mean remaining loss over ours, of seeds that both finished.

    Attributes:
        parts: independent parts of its variance.
        luck: those of them that more seeds leave as they are.
    """

    estimate: float
    parts: tuple[Variance, ...]
    luck: tuple[Variance, ...]


def effect(ours: Side, theirs: Side) -> Effect | None:
    """None where no seed finished on both sides or the metric has no such scale."""
    a, b = (
        anchored.remaining(values, ours.direction)
        for values in overlay(ours.test, theirs.test).finished
    )
    if not a.size or np.isnan(a).any() or np.isnan(b).any():
        return None
    lucks = [
        anchored.scaled(side.luck, float(left.mean()))
        for side, left in ((ours, a), (theirs, b))
        if side.luck
    ]
    estimate, each = float(anchored.log2_ratio(b.mean(), a.mean())), anchored.linearized(a, b)
    return Effect(estimate, (*crossed(each), *lucks), tuple(beyond_seeds(each, lucks)))
