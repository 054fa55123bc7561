"""Rank-sum tests against full enumeration, SciPy's exact one, and sums by brute force."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from reports.stats.rank_sum import MOST_PAIRS, rank_sum, smallest_p, stratified_rank_sum

BROKEN = -math.inf


def weigh(tasks):
    """Weights that the test declares, for few results: 16 for the largest task, in proportion."""
    largest = max(len(a) + len(b) + 1 for a, b in tasks)
    return [round(16 * largest / (len(a) + len(b) + 1)) for a, b in tasks]


def enumerate_p(tasks):
    """Count all choices of ours among all results of every task; far means at least as far."""
    sums, observed = [], 0.0
    for weight, (ours, theirs) in zip(weigh(tasks), tasks, strict=True):
        pooled = np.concatenate([ours, theirs])
        ranks = np.array([(pooled < x).sum() + ((pooled == x).sum() + 1) / 2 for x in pooled])
        centre = len(ours) * ranks.mean()
        chosen = itertools.combinations(ranks.tolist(), len(ours))
        sums.append([weight * (sum(each) - centre) for each in chosen])
        observed += weight * (ranks[: len(ours)].sum() - centre)
    gain = sum(np.sign(np.subtract.outer(a, b)).mean() for a, b in compare(tasks))
    if observed * gain <= 1e-9:  # the sum and the mean improvement point to different sides
        return 1.0
    totals = [sum(each) for each in itertools.product(*sums)]
    return float(np.mean([abs(total) >= abs(observed) - 1e-9 for total in totals]))


def compare(tasks):
    """Replace −∞ by a finite value below all others."""
    return [[np.maximum(side, -1e9) for side in task] for task in tasks]


def draw(random, m, n, kind):
    if kind == "apart":
        values = random.normal(size=m + n)
    else:
        values = random.integers(0, 3, size=m + n).astype(float)
    if kind == "broken":
        values[random.random(m + n) < 0.4] = BROKEN
    return values[:m], values[m:]


@pytest.mark.parametrize("kind", ["apart", "ties", "broken"])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 7), (3, 2), (4, 4), (5, 3), (8, 8), (2, 6)])
def test_one_task_against_full_enumeration(kind, sizes):
    random = np.random.default_rng(sum(sizes))
    for _ in range(2 if sizes == (8, 8) else 8):
        ours, theirs = draw(random, *sizes, kind)
        assert rank_sum(ours, theirs).p == pytest.approx(enumerate_p([(ours, theirs)]), rel=1e-12)


@pytest.mark.parametrize("kind", ["apart", "ties", "broken"])
@pytest.mark.parametrize(
    "sizes", [[(3, 3), (3, 3)], [(2, 4), (3, 3), (1, 2)], [(2, 2), (4, 3)], [(3, 2), (1, 5)]]
)
def test_van_elterens_sum_against_brute_force(kind, sizes):
    random = np.random.default_rng(len(sizes))
    for _ in range(4):
        tasks = [draw(random, m, n, kind) for m, n in sizes]
        assert stratified_rank_sum(tasks).p == pytest.approx(enumerate_p(tasks), rel=1e-12)


@pytest.mark.parametrize("sizes", [(3, 4), (5, 5), (10, 20), (20, 10), (20, 40), (40, 80)])
def test_without_ties_it_is_scipys_exact_test(sizes):
    random = np.random.default_rng(1)
    for shift in (0, 0.4, 1, 5):
        ours, theirs = random.normal(shift, size=sizes[0]), random.normal(size=sizes[1])
        expected = stats.mannwhitneyu(ours, theirs, method="exact")
        found = rank_sum(ours, theirs)
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert found.improvement == pytest.approx(expected.statistic / math.prod(sizes))


def test_the_improvement_is_the_mean_over_tasks():
    ours, theirs = np.random.default_rng(5).integers(0, 6, size=(2, 9)).astype(float)
    u = stats.mannwhitneyu(ours, theirs).statistic
    assert rank_sum(ours, theirs).improvement == pytest.approx(u / 81)
    assert rank_sum([0.9], [BROKEN]).improvement == 1
    assert rank_sum([BROKEN], [0.1, BROKEN]).improvement == 0.25
    tasks = [(ours, theirs), ([0.9], [BROKEN])]
    assert stratified_rank_sum(tasks).improvement == pytest.approx((u / 81 + 1) / 2)


def test_sides_that_cannot_be_told_apart():
    for ours, theirs in [([BROKEN] * 5, [BROKEN] * 9), ([0.5] * 5, [0.5] * 9), ([1, 4], [2, 3])]:
        assert rank_sum(ours, theirs).p == 1
        assert rank_sum(ours, theirs).improvement == 0.5
    none = ([0.5] * 5, [0.5] * 9)
    some = (np.arange(5.0), np.arange(5.0, 14.0))
    assert stratified_rank_sum([none, some]).p == pytest.approx(rank_sum(*some).p)


def test_the_sides_may_be_exchanged():
    random = np.random.default_rng(2)
    for kind in ("apart", "ties", "broken"):
        tasks = [draw(random, 4, 9, kind), draw(random, 5, 3, kind)]
        one = stratified_rank_sum(tasks)
        other = stratified_rank_sum([(theirs, ours) for ours, theirs in tasks])
        assert other.p == pytest.approx(one.p, rel=1e-12)
        assert other.improvement == pytest.approx(1 - one.improvement)


def test_nothing_is_shown_where_the_sum_and_the_mean_point_to_different_sides():
    """Three tasks of 2 : 2 are lost, and of 12 : 12 won; the larger one weighs less in the mean."""
    many = (np.arange(12) + 100.0, np.arange(12.0))
    few = [(np.array([0.0, 1]), np.array([2.0, 3])) for _ in range(3)]
    found = stratified_rank_sum([many, *few])
    assert found.improvement == 0.25
    assert found.p == 1
    assert stratified_rank_sum([many, *few[:1]]).improvement == 0.5
    assert stratified_rank_sum([many, *few[:1]]).p == 1


def test_what_a_design_can_reach():
    for sizes in ([(4, 8)], [(10, 20)], [(3, 6), (3, 6)], [(2, 3), (4, 4), (5, 2)]):
        best = [(np.arange(m) + 1000.0, np.arange(n)) for m, n in sizes]
        assert stratified_rank_sum(best).p == pytest.approx(smallest_p(sizes), rel=1e-9)
    assert smallest_p([(1, 1)]) == 1
    assert smallest_p([(10, 20)] * 8) == pytest.approx(2 / math.comb(30, 10) ** 8)


def z(p):
    return stats.norm.isf(p / 2)


def test_hundreds_of_results_take_a_normal_sum():
    random = np.random.default_rng(3)
    for step in (1e-9, 0.5):
        ours = np.round(random.normal(0.3, size=150) / step) * step
        theirs = np.round(random.normal(size=300) / step) * step
        assert len(ours) * len(theirs) > MOST_PAIRS
        expected = stats.mannwhitneyu(ours, theirs, method="asymptotic", use_continuity=False)
        assert rank_sum(ours, theirs).p == pytest.approx(expected.pvalue, rel=1e-9)
        twice = stratified_rank_sum([(ours, theirs), (ours, theirs)]).p
        assert twice == pytest.approx(2 * stats.norm.sf(math.sqrt(2) * z(expected.pvalue)))
        few = (np.arange(3.0) + ours.mean() - theirs.mean(), np.arange(3.0))
        assert stratified_rank_sum([(ours, theirs), few]).p < 2 * expected.pvalue
