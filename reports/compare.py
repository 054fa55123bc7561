"""The difference between two sides on test, paired by seed, and what a verdict rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.sides import Kind, Side
from reports.stats.intervals import UNKNOWN, Interval, Variance, around, crossed
from reports.stats.tests import paired_difference, sign_flip, signed_ranks


@dataclass(frozen=True)
class Difference:
    """Ours minus theirs.

    Attributes:
        seeds: mean over the pairs that both finished, with the interval of seeds alone.
        selection: the same mean with the interval that holds the luck of selection too; unknown
            where nothing was tuned.
        pairs: seeds that both ran, broken ones included.
        p: of the test that a verdict rests on: where a trial of a pair broke off, the sign-flip
            test on signed ranks; else the t-test, with the luck of selection for a tuned side.
        p_t, p_sign_flip: of the paired t-test and of the exact sign-flip test, seeds alone.
        gain: whose side the test is on: positive where ours is better, negative where theirs is.
        broken: whether a trial of a pair broke off.
    """

    seeds: Interval = UNKNOWN
    selection: Interval = UNKNOWN
    pairs: int = 0
    p: float = math.nan
    p_t: float = math.nan
    p_sign_flip: float = math.nan
    gain: float = 0.0
    broken: bool = False


NONE = Difference()


def compare(ours: Side, theirs: Side) -> Difference:
    """The difference on test over the repeats and seeds that both sides ran."""
    both = (
        ours.values("test")
        .add_suffix("_ours")
        .join(theirs.values("test").add_suffix("_theirs"), how="inner")
    )
    unmeasured = (both["value_ours"].isna() & ~both["broken_ours"]) | (
        both["value_theirs"].isna() & ~both["broken_theirs"]
    )
    both = both[~unmeasured].sort_index()
    if both.empty:
        return NONE
    sign = 1.0 if ours.direction == "maximize" else -1.0
    table = (both["value_ours"] - both["value_theirs"]).unstack("repeat").dropna()
    matrix = table.to_numpy(dtype=float).T  # repeats × seeds that finished in all of them
    a, b = (
        both[name].unstack("repeat").loc[table.index].mean(axis=1)
        for name in ("value_ours", "value_theirs")
    )
    t = paired_difference(a, b)
    selection, p_selection = _with_selection(matrix, ours, theirs)
    tuned = Kind.TUNED in (ours.kind, theirs.kind)
    pairs = both.index.get_level_values("seed").nunique()
    broken = bool((both["broken_ours"] | both["broken_theirs"]).any())
    if broken:
        ranks = signed_ranks(sign * both["value_ours"], sign * both["value_theirs"])
        summed = pd.Series(ranks, index=both.index).groupby(level="seed").sum()
        p, gain, flipped = sign_flip(summed), float(summed.sum()), sign_flip(summed)
    else:
        p, gain = (p_selection if tuned else t.p), sign * t.interval.estimate
        flipped = sign_flip(a - b)
    return Difference(t.interval, selection, pairs, p, t.p, flipped, gain, broken)


def with_selection(side: Side) -> Interval:
    """A tuned side's mean on test with the luck of selection in its interval."""
    values = side.values("test")["value"].unstack("repeat").dropna()
    if values.empty or side.kind is not Kind.TUNED:
        return UNKNOWN
    matrix = values.to_numpy(dtype=float).T
    variances = crossed(matrix) + ([side.luck] if side.luck else [])
    return around(float(matrix.mean()), variances, matrix.shape[1])[0]


def _with_selection(
    matrix: NDArray[np.float64], ours: Side, theirs: Side
) -> tuple[Interval, float]:
    """Repeats show the luck themselves; of one tuning it is the spread of its best points.

    That is on validation, as a selection trial has no test value.
    """
    if not matrix.size or Kind.TUNED not in (ours.kind, theirs.kind):
        return UNKNOWN, math.nan
    lucks: list[Variance] = [side.luck for side in (ours, theirs) if side.luck]
    return around(float(matrix.mean()), crossed(matrix) + lucks, matrix.shape[1])
