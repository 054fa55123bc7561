"""Exact two-sample rank-sum tests, on one task and summed over tasks.

Under the null hypothesis the two sides can be exchanged: every choice of ``m`` of the ``m + n``
results is equally likely to be ours. The test counts these choices and assumes no distribution.
Ties share their middle rank, and a diverged result, −∞, has the lowest. Sources: Wilcoxon 1945;
Lehmann 1975, Nonparametrics, ch. 1.4 (middle ranks); van Elteren 1960 (the weighted sum over tasks,
weights 1/(N + 1)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

MOST_PAIRS = 10_000
"""Pairs of results on a task up to which choices are counted; a count takes half a second there.
Beyond, the sum is taken as normal, with a relative error of p below 1 % at p = .001."""
RESOLUTION = 16
"""The weight of the largest task, before common factors are taken out: weights are integers, right
to 1/32. Fixed weights keep the test exact whatever they are."""

Ties = tuple[int, ...]
"""Sizes of the groups of tied results, from the lowest rank up."""


@dataclass(frozen=True)
class RankSum:
    """The result of a test.

    Attributes:
        p: two-sided: the probability of a sum as far from its expectation as the observed one.
        improvement: probability that a result of ours is better than one of theirs, ties one half,
            averaged over tasks.
    """

    p: float
    improvement: float


@dataclass(frozen=True, eq=False)
class Null:
    """The distribution of a doubled rank sum less its expectation.

    Attributes:
        low: the least deviation.
        probabilities: of each integer from ``low`` on; empty where the sum is taken as normal.
        variance: of the deviation.
    """

    low: int
    probabilities: NDArray[np.float64]
    variance: float

    def tail(self, deviation: int) -> float:
        """The two-sided p of a deviation."""
        far = abs(deviation)
        if far == 0:
            return 1.0
        if not len(self.probabilities):
            return float(2 * special.ndtr(-far / math.sqrt(self.variance)))
        below, above = max(0, 1 - far - self.low), max(0, far - self.low)
        return float(self.probabilities[:below].sum() + self.probabilities[above:].sum())


@dataclass(frozen=True)
class Stratum:
    """A task of a test: our number of results, and the ties among all of them."""

    ours: int
    ties: Ties

    @property
    def total(self) -> int:
        return sum(self.ties)


def rank_sum(ours: ArrayLike, theirs: ArrayLike) -> RankSum:
    """Test two sides on one task.

    Args:
        ours, theirs: results, shapes ``(m,)`` and ``(n,)``, the larger the better; −∞: diverged.
    """
    return stratified_rank_sum([(ours, theirs)])


def stratified_rank_sum(tasks: Sequence[tuple[ArrayLike, ArrayLike]]) -> RankSum:
    """Test two sides over all tasks together.

    Numbers of results that differ between tasks can make the weighted sum and the mean improvement
    point to different sides. Then nothing is shown: p is 1.

    Args:
        tasks: of each task ours and theirs, as in ``rank_sum``.
    """
    strata, deviations, gains = [], [], []
    for ours, theirs in tasks:
        a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
        _, place, counts = np.unique(
            np.concatenate([a, b]), return_inverse=True, return_counts=True
        )
        ranks = 2 * np.cumsum(counts) - counts + 1  # doubled middle ranks are integers
        deviation = int(ranks[place[: len(a)]].sum()) - len(a) * (len(a) + len(b) + 1)
        strata.append(Stratum(len(a), tuple(counts.tolist())))
        deviations.append(deviation)
        gains.append(deviation / (2 * len(a) * len(b)))
    weights = choose_weights(strata)
    total = sum(weight * each for weight, each in zip(weights, deviations, strict=True))
    gain = math.fsum(gains) / len(tasks)
    p = find_null(tuple(strata)).tail(total) if total * gain > 0 else 1.0
    return RankSum(p, 0.5 + gain)


def smallest_p(sizes: Sequence[tuple[int, int]]) -> float:
    """The least p that a design can reach: one side has all the best results, without ties.

    Args:
        sizes: of each task, our number of results and theirs.
    """
    return min(1.0, 2 * math.prod(1 / math.comb(m + n, m) for m, n in sizes))


def choose_weights(strata: Sequence[Stratum]) -> list[int]:
    """Weights in proportion to 1/(N + 1), as small integers."""
    largest = max(each.total for each in strata) + 1
    weights = [round(RESOLUTION * largest / (each.total + 1)) for each in strata]
    return [weight // math.gcd(*weights) for weight in weights]


@lru_cache(maxsize=512)
def find_null(strata: tuple[Stratum, ...]) -> Null:
    """The weighted sum's distribution, by convolution; cached, as sizes and ties repeat."""
    low, variance, dist = 0, 0.0, np.ones(1)
    for weight, stratum in zip(choose_weights(strata), strata, strict=True):
        one = _count_choices(stratum)
        low, variance = low + weight * one.low, variance + weight**2 * one.variance
        dist = _convolve(dist, one.probabilities, weight)
    return Null(low, dist, variance)


def null_without_ties(sizes: Sequence[tuple[int, int]]) -> Null:
    """The distribution for numbers of results, ours and theirs, of each task."""
    return find_null(tuple(Stratum(m, (1,) * (m + n)) for m, n in sizes))


def _convolve(
    dist: NDArray[np.float64], one: NDArray[np.float64], weight: int
) -> NDArray[np.float64]:
    """Add a task; empty where either is not counted. Sums of positive terms: no digits are lost."""
    if not len(dist) or not len(one):
        return np.empty(0)
    longer = np.zeros(len(dist) + weight * (len(one) - 1))
    for rest in range(min(weight, len(dist))):
        longer[rest::weight] = np.convolve(dist[rest::weight], one)
    return longer


@lru_cache(maxsize=2048)
def _count_choices(stratum: Stratum) -> Null:
    """Count the choices of ``m`` of N ranks by their sum, one rank after the other.

    Counts are floats: exact below 2**53, and right to 1e-13 beyond, as only sums are formed.
    """
    m, total = stratum.ours, stratum.total
    n = total - m
    ends = np.cumsum(stratum.ties)
    cubes = math.fsum(tied**3 - tied for tied in stratum.ties)
    # doubled ranks have four times the variance
    variance = m * n / 3 * (total + 1 - cubes / (total * (total - 1))) if total > 1 else 0.0
    if m * n > MOST_PAIRS:
        return Null(0, np.empty(0), variance)
    least = 1 + stratum.ties[0]
    ranks = np.repeat(2 * ends - stratum.ties + 1 - least, stratum.ties)
    fewer = min(m, n)
    counts = np.zeros((fewer + 1, int(ranks[total - fewer :].sum()) + 1))
    counts[0, 0] = 1
    for i, rank in enumerate(ranks.tolist()):
        some = min(i, fewer - 1)
        most = int(ranks[i - some : i].sum()) + 1
        counts[1 : some + 2, rank : rank + most] += counts[: some + 1, :most]
    low = fewer * (least - total - 1)
    probabilities = counts[fewer] / math.comb(total, fewer)
    if fewer < m:  # the two sums add up to a constant
        return Null(-(low + len(probabilities) - 1), probabilities[::-1], variance)
    return Null(low, probabilities, variance)
