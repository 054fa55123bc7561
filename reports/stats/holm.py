"""Holm's adjustment of p-values for making several tests (Holm 1979, step-down)."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the given order; NaN (no test made) stays, uncounted."""
    tested = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    adjusted, floor = [math.nan] * len(p_values), 0.0
    for rank, i in enumerate(sorted(tested, key=lambda i: p_values[i])):
        floor = max(floor, min(1.0, (len(tested) - rank) * p_values[i]))
        adjusted[i] = floor
    return adjusted


def holm_levels(p_values: Sequence[float], level: float) -> list[float]:
    """What each p-value is held against in Holm's procedure, in the given order; NaN stays."""
    tested = [i for i, p in enumerate(p_values) if not math.isnan(p)]
    levels = [math.nan] * len(p_values)
    for rank, i in enumerate(sorted(tested, key=lambda i: p_values[i])):
        levels[i] = level / (len(tested) - rank)
    return levels
