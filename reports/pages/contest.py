"""Ideas for more power at equal price: ways to tune, and tests, tried on simulated reports.

``python -m reports.pages.validity --design 10:20x8 --tuning once --test rank_sum`` tries one. Add
yours as a small function to TUNINGS or TESTS below; its name is then a value of the option.

- A tuning takes a landscape, a random generator, the number of settings and that of tunings, and
  returns a result each (``Landscape.tune``). Say with it how many trials a tuning takes beside one
  for each setting: they are its price.
- A test takes our results and theirs on each task, the larger the better and −∞ for a diverged one,
  and returns p and the probability of improvement (``stratified_rank_sum``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy import signal, special

from reports.pages.pools import Landscape
from reports.pages.simulated_reports import (
    NAMES,
    count_share,
    run,
    simulate_equals,
    simulate_league,
    simulate_pools,
)
from reports.pages.simulation import DEFAULT_TRIALS, Counts, Design, Floats, Test, Tune
from reports.stats.rank_sum import RankSum

FINENESS = 16
"""What a score of 1 is rounded to."""
LARGEST = 16
"""What the largest weight of a task is rounded to."""
UNCLEAR, CLEAR = 0.1, 1e-9
"""Beyond them a p decides nothing: it is shown in no report, or in every one."""

Integers = NDArray[np.int64]
Score = Callable[[Integers], Floats]
"""From the sizes of the groups of tied results, lowest first, to the score of each group."""


@dataclass(frozen=True)
class Tuning:
    """A way to tune, and its trials beside one for each setting."""

    tune: Tune
    extra: int = 1


def middle_ranks(ties: Integers) -> Floats:
    """Score each result by its rank."""
    return np.cumsum(ties) - (ties - 1) / 2


def normal_scores(ties: Integers) -> Floats:
    """Score by the quantiles of the normal distribution (van der Waerden 1952): tails count more.

    This is the locally most powerful test of a shift between normal results.
    """
    total = int(ties.sum())
    quantiles = special.ndtri(np.arange(1, total + 1) / (total + 1))
    return np.add.reduceat(quantiles, np.cumsum(ties) - ties) / ties


def savage_scores(ties: Integers) -> Floats:
    """Score by the expected order of exponential results (Savage 1956): the best count more."""
    total = int(ties.sum())
    expected = np.cumsum(1 / np.arange(total, 0, -1))  # of the order statistics
    return np.add.reduceat(expected, np.cumsum(ties) - ties) / ties


@dataclass(frozen=True, eq=False)
class _Stratum:
    """A task of a test: our number of results, the ties among all, and the sum of our scores.

    Attributes:
        scores: integers, one a group of ties.
    """

    ours: int
    ties: Integers
    scores: Integers
    sum: int

    @cached_property
    def results(self) -> int:
        return int(self.ties.sum())

    @cached_property
    def mean(self) -> float:
        return float(self.ties @ self.scores) / self.results

    @property
    def deviation(self) -> float:
        return self.sum - self.ours * self.mean

    @cached_property
    def variance(self) -> float:
        squares = float(self.ties @ self.scores**2) - self.results * self.mean**2
        total = self.results
        return self.ours * (total - self.ours) * squares / (total * (total - 1))


Weigh = Callable[[_Stratum], float]


def weigh_by_size(one: _Stratum) -> float:
    """Weigh by 1/(N + 1) (van Elteren 1960): equal weights where all tasks have equal numbers."""
    return 1 / (one.results + 1)


def weigh_by_variance(one: _Stratum) -> float:
    """Give every task the same variance, so that one with many ties counts as much as another."""
    return 1 / math.sqrt(max(one.variance, 1))


def weigh_by_distinct(one: _Stratum) -> float:
    """Weigh by the share of different results: a task on which many tie tells little."""
    return len(one.ties) / one.results


def linear_test(
    tasks: Sequence[tuple[Floats, Floats]],
    score: Score = middle_ranks,
    weigh: Weigh = weigh_by_size,
    fineness: int = FINENESS,
) -> RankSum:
    """Test by the weighted sum of our scores, with its exact distribution.

    Scores and weights are rounded to integers first, which leaves the test exact. Sums are added by
    a Fourier transform, right to 1e-12, and taken as normal where p decides nothing.

    Args:
        fineness: integers for a difference of 1 between scores; 2 keeps middle ranks as they are.
    """
    strata, gains = [], []
    for ours, theirs in tasks:
        m, n = len(ours), len(theirs)
        every = np.sort(np.concatenate([ours, theirs]))
        starts = np.flatnonzero(np.concatenate([[True], every[1:] != every[:-1]]))
        place = every[starts].searchsorted(ours)
        ties = np.diff(starts, append=m + n)
        ranks = middle_ranks(ties)
        scores = np.rint(fineness * (ranks if score is middle_ranks else score(ties)))
        scores = scores.astype(np.int64) - int(scores[0])
        strata.append(_Stratum(m, ties, scores, int(scores[place].sum())))
        gains.append((float(ranks[place].sum()) - m * (m + n + 1) / 2) / (m * n))
    weights = _round([weigh(each) for each in strata])
    total = sum(weight * each.deviation for weight, each in zip(weights, strata, strict=True))
    gain = math.fsum(gains) / len(gains)
    p = _find_p(strata, weights, total) if total * gain > 0 else 1.0
    return RankSum(p, 0.5 + gain)


def quick_rank_sum(tasks: Sequence[tuple[Floats, Floats]]) -> RankSum:
    """Decide as ``stratified_rank_sum``, in a tenth of the time where nothing is near a level."""
    if len({(len(ours), len(theirs)) for ours, theirs in tasks}) > 1:
        return linear_test(tasks, fineness=2)
    both, m = np.stack([np.concatenate(task) for task in tasks]), len(tasks[0][0])
    of_each, others = both[:, :, None], both[:, None, :]
    ranks = (of_each > others).sum(axis=2) - (of_each < others).sum(axis=2)  # doubled, around 0
    deviation, n = float(ranks[:, :m].sum()), both.shape[1] - m
    variance = m * n / ((m + n) * (m + n - 1)) * float((ranks**2).sum())
    p = float(2 * special.ndtr(-abs(deviation) / math.sqrt(variance))) if variance else 1.0
    if CLEAR < p < UNCLEAR:
        return linear_test(tasks, fineness=2)
    return RankSum(p, 0.5 + deviation / (2 * m * n * len(tasks)))


def _round(weights: Sequence[float]) -> list[int]:
    """Bring weights into proportion as small integers, the least of them 1."""
    rounded = [max(1, round(LARGEST * weight / max(weights))) for weight in weights]
    return [weight // math.gcd(*rounded) for weight in rounded]


def _find_p(strata: Sequence[_Stratum], weights: Sequence[int], total: float) -> float:
    """Find the two-sided p of a weighted deviation."""
    both = list(zip(weights, strata, strict=True))
    variance = sum(weight**2 * each.variance for weight, each in both)
    normal = float(2 * special.ndtr(-abs(total) / math.sqrt(variance)))
    if not CLEAR < normal < UNCLEAR:
        return normal
    probabilities, middle = np.ones(1), 0.0
    for weight, each in both:
        one = _count_choices(each.ours, tuple(np.repeat(each.scores, each.ties).tolist()))
        wide = np.zeros(weight * (len(one) - 1) + 1)
        wide[::weight] = one
        probabilities = signal.fftconvolve(probabilities, wide)
        middle += weight * each.ours * each.mean
    far = np.abs(np.arange(len(probabilities)) - middle) >= abs(total) - 1e-6
    return float(np.clip(probabilities[far].sum(), 1e-12, 1))


@lru_cache(maxsize=4096)
def _count_choices(ours: int, scores: tuple[int, ...]) -> Floats:
    """Return the probability of each sum of ``ours`` of the scores, from 0 on."""
    counts = np.zeros((ours + 1, sum(scores[len(scores) - ours :]) + 1))
    counts[0, 0] = 1
    most = np.minimum(np.cumsum(scores), counts.shape[1] - 1) + 1
    for score, end in zip(scores, most.tolist(), strict=True):
        counts[1:, score:end] += counts[:-1, : end - score]
    return counts[ours] / math.comb(len(scores), ours)


TUNINGS: Mapping[str, Tuning] = {
    "once": Tuning(Landscape.tune),
    "common_seed": Tuning(partial(Landscape.tune, common_seed=True)),
    "two_reports": Tuning(partial(Landscape.tune, reports=2), extra=2),
    "three_reports": Tuning(partial(Landscape.tune, reports=3), extra=3),
    "rerank": Tuning(partial(Landscape.tune, rerank=2), extra=3),
}

TESTS: Mapping[str, Test] = {
    "rank_sum": quick_rank_sum,
    "equal_tasks": partial(linear_test, fineness=2, weigh=weigh_by_variance),
    "distinct_values": partial(linear_test, fineness=2, weigh=weigh_by_distinct),
    "normal_scores": partial(linear_test, score=normal_scores),
    "savage_scores": partial(linear_test, score=savage_scores),
}


@dataclass(frozen=True)
class Idea:
    """What is tried, by names of TUNINGS and TESTS."""

    design: Design
    tuning: str = "once"
    test: str = "rank_sum"

    def __str__(self) -> str:
        return f"{self.design}, {self.tuning}, {self.test}"

    @property
    def trials(self) -> int:
        """Of 16 optimizers on a task, ten of each default among them."""
        others = len(NAMES) - 1
        tunings = self.design.tunings * others + self.design.reference_tunings
        each = self.design.settings + TUNINGS[self.tuning].extra
        return tunings * each + len(NAMES) * DEFAULT_TRIALS


@dataclass(frozen=True)
class Finding:
    """What simulated reports say of an idea.

    Attributes:
        false_claims: shares of reports of equal optimizers with any claim: with equal spreads, and
            with spreads up to 2:1.
        league, pools: mean verdicts of the bootstrapped league, and of the optimizers that ran in
            all pools.
    """

    false_claims: tuple[float, float]
    league: Counts
    pools: Counts


def try_idea(idea: Idea, reports: int, seed: int) -> Finding:
    """Simulate so many reports of equal optimizers, a fifth of the league, half of the pools."""
    tune, test = TUNINGS[idea.tuning].tune, TESTS[idea.test]
    simulate = partial(run, design=idea.design, tune=tune, test=test)
    false = [
        count_share(simulate(partial(simulate_equals, seed, ratio=ratio), reports))
        for ratio in (1, 2)
    ]
    league, pools = (
        Counts(*np.mean(simulate(partial(one, seed), max(1, reports // part)), axis=0))
        for one, part in ((simulate_league, 5), (simulate_pools, 2))
    )
    return Finding((false[0], false[1]), league, pools)


def describe(idea: Idea, found: Finding, reports: int) -> str:
    """Describe what was found in a line."""
    equal, unequal = found.false_claims
    return (
        f"{idea}: {idea.trials} trials a task; false claims in {equal:.1%} of {reports} reports, "
        f"with spreads up to 2:1 in {unequal:.1%}; shown in the league {found.league.rows:.1f} "
        f"rows and {found.league.overall:.1f} overall, in the pools {found.pools.rows:.1f} and "
        f"{found.pools.overall:.1f}"
    )


TODAY = Idea(Design(10, 20, 8))
IDEAS: Mapping[str, Idea] = {
    "today's design, as simulated above": TODAY,
    "one validation seed in a tuning, as studies have it": replace(TODAY, tuning="common_seed"),
    "two report trials a tuning": Idea(Design(9, 18, 8), tuning="two_reports"),
    "three report trials a tuning": Idea(Design(8, 18, 8), tuning="three_reports"),
    "one more validation seed for the best two": Idea(Design(8, 18, 8), tuning="rerank"),
    "reference factor 1": Idea(Design(11, 11, 8)),
    "reference factor 3": Idea(Design(9, 27, 8)),
    "reference factor 4": Idea(Design(9, 36, 8)),
    "5 settings a tuning": Idea(Design(15, 30, 5)),
    "4 settings a tuning": Idea(Design(18, 36, 4)),
    "every task with the same variance": replace(TODAY, test="equal_tasks"),
    "tasks weighed by different results": replace(TODAY, test="distinct_values"),
    "normal scores": replace(TODAY, test="normal_scores"),
    "Savage scores": replace(TODAY, test="savage_scores"),
}


def tabulate_ideas(reports: int, seed: int) -> Iterator[dict[str, str]]:
    """Try every idea; a row each."""
    for name, idea in IDEAS.items():
        found = try_idea(idea, reports, seed)
        print(describe(idea, found, reports), flush=True)
        rows, overall, _ = zip(found.league, found.pools, strict=True)
        yield {
            "idea": name,
            "design": str(idea.design),
            "trials": str(idea.trials),
            "false claims": f"{found.false_claims[0]:.1%}",
            "spreads up to 2:1": f"{found.false_claims[1]:.1%}",
            "league: rows": f"{rows[0]:.1f}",
            "overall": f"{overall[0]:.1f}",
            "pools: rows": f"{rows[1]:.1f}",
            "overall ": f"{overall[1]:.1f}",
        }
