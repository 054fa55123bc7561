"""The effect of one arm against another on one task, on a scale that tasks share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.analysis.arms import Arm
from reports.analysis.arrays import pair_values
from reports.analysis.difference import tuning_components
from reports.stats import anchored
from reports.stats.intervals import Variance, variance_components


@dataclass(frozen=True)
class Effect:
    """log2 of their mean remaining loss over ours, of seeds that both finished.

    Attributes:
        parts: independent parts of its variance.
        tuning_variance: those of them that more seeds leave as they are.
    """

    estimate: float
    parts: tuple[Variance, ...]
    tuning_variance: tuple[Variance, ...]


def measure_effect(ours: Arm, theirs: Arm) -> Effect | None:
    """Return None where no seed finished on both arms or the metric has no such scale."""
    a, b = (
        anchored.remaining_loss(values, ours.direction)
        for values in pair_values(ours.test, theirs.test).finished
    )
    if not a.size or np.isnan(a).any() or np.isnan(b).any():
        return None
    tuning = [
        anchored.scale_variance(arm.tuning_variance, float(left.mean()))
        for arm, left in ((ours, a), (theirs, b))
        if arm.tuning_variance
    ]
    estimate, each = float(anchored.log2_ratio(b.mean(), a.mean())), anchored.linearize(a, b)
    parts = (*variance_components(each), *tuning)
    return Effect(estimate, parts, tuple(tuning_components(each, tuning)))
