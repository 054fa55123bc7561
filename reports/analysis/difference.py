"""The difference between two arms on test, paired by seed, and the test that a verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.analysis.arms import Arm, Kind
from reports.analysis.arrays import Floats, PairedValues, pair_values
from reports.stats.intervals import (
    UNKNOWN,
    Interval,
    Variance,
    t_interval,
    variance_components,
    variance_of_mean,
)
from reports.stats.tests import sign_flip, signed_ranks


@dataclass(frozen=True)
class Difference:
    """Ours minus theirs.

    Attributes:
        seeds: mean over the pairs that both finished, with the interval of seeds alone.
        selection: the same mean with an interval that holds the variance of tuning too; unknown
            where nothing was tuned.
        pairs: seeds that both ran.
        p: of the test that a verdict rests on: where a trial of a pair did not finish, the
            sign-flip test on signed ranks; else the t-test, with the variance of tuning if tuned.
        p_t, p_sign_flip: of the paired t-test and of the exact sign-flip test, seeds alone.
        gain: positive where the test speaks for ours, negative where for theirs.
        has_failures: true where a trial of a pair did not finish.
        spread: standard deviation of the paired differences over seeds.
        tuning_variance: parts of the variance that more seeds leave as they are.
    """

    seeds: Interval = UNKNOWN
    selection: Interval = UNKNOWN
    pairs: int = 0
    p: float = math.nan
    p_t: float = math.nan
    p_sign_flip: float = math.nan
    gain: float = 0.0
    has_failures: bool = False
    spread: float = math.nan
    tuning_variance: tuple[Variance, ...] = ()


NONE = Difference()


def compare(ours: Arm, theirs: Arm) -> Difference:
    """Compare two arms on test over the repeats and seeds that both ran."""
    both = pair_values(ours.test, theirs.test)
    if not both.ran.any():
        return NONE
    sign = 1.0 if ours.direction == "maximize" else -1.0
    a, b = both.finished
    matrix = a - b
    by_seed = matrix.mean(axis=0)
    estimate, noise = _mean(by_seed), variance_of_mean(by_seed)
    seeds, p_t = t_interval(estimate, [noise], len(by_seed))
    selection, p_selection = _with_tuning(matrix, ours, theirs)
    if both.has_failures:
        gain, flipped = _test_ranks(both, sign)
        p = flipped
    else:
        gain, flipped = sign * estimate, sign_flip(by_seed)
        p = p_selection if _is_tuned(ours, theirs) else p_t
    return Difference(
        seeds,
        selection,
        both.pairs,
        p,
        p_t,
        flipped,
        gain,
        both.has_failures,
        spread=math.sqrt(noise.value * len(by_seed)),
        tuning_variance=tuple(tuning_components(matrix, _tuning_variances(ours, theirs))),
    )


def mean_with_tuning(arm: Arm) -> Interval:
    """Estimate a tuned arm's mean on test with the variance of tuning in its interval."""
    finished = arm.test.value[:, ~np.isnan(arm.test.value).any(axis=0)]
    if not finished.size or arm.kind is not Kind.TUNED:
        return UNKNOWN
    parts = variance_components(finished) + ([arm.tuning_variance] if arm.tuning_variance else [])
    return t_interval(float(finished.mean()), parts, finished.shape[1])[0]


def tuning_components(matrix: Floats, single: Sequence[Variance]) -> list[Variance]:
    """Collect parts of the variance of a mean difference, shape ``(R, S)``, that seeds leave.

    Repeated tunings show it themselves. That of a single tuning is the spread of its best points,
    on validation, as a selection trial has no test value.
    """
    repeats = [variance_of_mean(matrix.mean(axis=1))] if len(matrix) > 1 and matrix.size else []
    return [part for part in repeats if not math.isnan(part.value)] + list(single)


def _is_tuned(ours: Arm, theirs: Arm) -> bool:
    return Kind.TUNED in (ours.kind, theirs.kind)


def _tuning_variances(ours: Arm, theirs: Arm) -> list[Variance]:
    """Collect those of arms that were tuned once, in the metric's unit squared."""
    return [arm.tuning_variance for arm in (ours, theirs) if arm.tuning_variance]


def _with_tuning(matrix: Floats, ours: Arm, theirs: Arm) -> tuple[Interval, float]:
    if not matrix.size or not _is_tuned(ours, theirs):
        return UNKNOWN, math.nan
    parts = variance_components(matrix) + _tuning_variances(ours, theirs)
    return t_interval(float(matrix.mean()), parts, matrix.shape[1])


def _test_ranks(both: PairedValues, sign: float) -> tuple[float, float]:
    """Sum the signed ranks and flip their signs, seed by seed: ``(sum, p)``."""
    ranks = np.zeros(both.ran.shape)
    ranks[both.ran] = signed_ranks(sign * both.ours[both.ran], sign * both.theirs[both.ran])
    by_seed = ranks.sum(axis=0)
    return float(by_seed.sum()), sign_flip(by_seed)


def _mean(x: Floats) -> float:
    return float(x.mean()) if len(x) else math.nan
