"""The difference between two sides on test, paired by seed, and what a verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.analysis.arms import Kind, Side
from reports.analysis.arrays import Floats, Overlay, overlay
from reports.stats.intervals import UNKNOWN, Interval, Variance, around, crossed, of_mean
from reports.stats.tests import sign_flip, signed_ranks


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
        spread: standard deviation of the paired differences over seeds.
        luck: parts of the variance of a tuned difference that more seeds leave as they are.
    """

    seeds: Interval = UNKNOWN
    selection: Interval = UNKNOWN
    pairs: int = 0
    p: float = math.nan
    p_t: float = math.nan
    p_sign_flip: float = math.nan
    gain: float = 0.0
    broken: bool = False
    spread: float = math.nan
    luck: tuple[Variance, ...] = ()


NONE = Difference()


def compare(ours: Side, theirs: Side) -> Difference:
    """The difference on test over the repeats and seeds that both sides ran."""
    both = overlay(ours.test, theirs.test)
    if not both.ran.any():
        return NONE
    sign = 1.0 if ours.direction == "maximize" else -1.0
    a, b = both.finished
    matrix = a - b
    by_seed = matrix.mean(axis=0)
    estimate, noise = _mean(by_seed), of_mean(by_seed)
    seeds, p_t = around(estimate, [noise], len(by_seed))
    selection, p_selection = _with_selection(matrix, ours, theirs)
    if both.broken:
        gain, flipped = _on_ranks(both, sign)
        p = flipped
    else:
        gain, flipped = sign * estimate, sign_flip(by_seed)
        p = p_selection if is_tuned(ours, theirs) else p_t
    return Difference(
        seeds,
        selection,
        both.pairs,
        p,
        p_t,
        flipped,
        gain,
        both.broken,
        spread=math.sqrt(noise.value * len(by_seed)),
        luck=tuple(beyond_seeds(matrix, lucks(ours, theirs))),
    )


def with_selection(side: Side) -> Interval:
    """A tuned side's mean on test with the luck of selection in its interval."""
    finished = side.test.value[:, ~np.isnan(side.test.value).any(axis=0)]
    if not finished.size or side.kind is not Kind.TUNED:
        return UNKNOWN
    variances = crossed(finished) + ([side.luck] if side.luck else [])
    return around(float(finished.mean()), variances, finished.shape[1])[0]


def is_tuned(ours: Side, theirs: Side) -> bool:
    """Whether luck of selection is in their difference."""
    return Kind.TUNED in (ours.kind, theirs.kind)


def beyond_seeds(matrix: Floats, lucks: Sequence[Variance]) -> list[Variance]:
    """Parts of the variance of a mean difference, shape ``(R, S)``, that seeds do not bring down.

    Repeats show the luck themselves; of one tuning it is the spread of its best points. That is on
    validation, as a selection trial has no test value.
    """
    repeats = [of_mean(matrix.mean(axis=1))] if len(matrix) > 1 and matrix.size else []
    return [part for part in repeats if not math.isnan(part.value)] + list(lucks)


def lucks(ours: Side, theirs: Side) -> list[Variance]:
    """Of those that were tuned once, in the unit of their metric."""
    return [side.luck for side in (ours, theirs) if side.luck]


def _with_selection(matrix: Floats, ours: Side, theirs: Side) -> tuple[Interval, float]:
    if not matrix.size or not is_tuned(ours, theirs):
        return UNKNOWN, math.nan
    parts = crossed(matrix) + lucks(ours, theirs)
    return around(float(matrix.mean()), parts, matrix.shape[1])


def _on_ranks(both: Overlay, sign: float) -> tuple[float, float]:
    """Sum of the signed ranks and the p-value of its sign flips, seed by seed."""
    ranks = np.zeros(both.ran.shape)
    ranks[both.ran] = signed_ranks(sign * both.ours[both.ran], sign * both.theirs[both.ran])
    by_seed = ranks.sum(axis=0)
    return float(by_seed.sum()), sign_flip(by_seed)


def _mean(x: Floats) -> float:
    return float(x.mean()) if len(x) else math.nan
