"""Intervals of the probability of improvement: agreement with the test, bounds, coverage."""

import math

import numpy as np
import pytest
from scipy import special

from reports.stats.improvement import improvement_interval
from reports.stats.rank_sum import stratified_rank_sum

BROKEN = -math.inf


def draw(random, m, n):
    step = random.choice([1e-9, 0.5, 2.0])
    values = np.round(random.normal(size=m + n) / step) * step
    values[:m] += 0.5 * int(random.integers(-3, 4))
    values[random.random(m + n) < random.choice([0, 0.1, 0.6])] = BROKEN
    return values[:m], values[m:]


def test_the_interval_never_contradicts_the_test():
    random, rejected = np.random.default_rng(0), 0
    for _ in range(600):
        tasks = [
            draw(random, *random.integers(1, 12, size=2)) for _ in range(random.integers(1, 4))
        ]
        test = stratified_rank_sum(tasks)
        for alpha in (0.05, 0.001):
            found = improvement_interval(tasks, alpha)
            assert found.estimate == test.improvement
            assert found.excludes(0.5) == (test.p <= alpha)
            assert 0 <= found.low <= found.estimate <= found.high <= 1
            rejected += found.excludes(0.5)
    assert rejected > 60


def test_an_interval_where_one_side_is_always_better_has_a_width():
    found = improvement_interval([(np.arange(10) + 100, np.arange(20))], 0.05)
    assert found.high == found.estimate == 1
    assert 0.8 < found.low < 0.95
    turned = improvement_interval([(np.arange(20), np.arange(10) + 100)], 0.05)
    assert (turned.low, turned.high) == pytest.approx((0, 1 - found.low))
    assert improvement_interval([(np.arange(10) + 100, np.arange(20))], 1e-4).low < found.low


@pytest.mark.parametrize(
    ("poi", "spread", "tasks", "least"),
    [
        (0.5, 1, 1, 0.93),
        (0.9, 1, 1, 0.93),
        (0.75, 1, 8, 0.93),
        (0.9, 3, 1, 0.88),
        (0.75, 1, 3, 0.93),
    ],
)
def test_coverage_is_that_of_the_table(poi, spread, tasks, least):
    random, inside, times = np.random.default_rng(7), 0, 800
    shift = special.ndtri(poi) * math.sqrt(1 + spread**2)
    for _ in range(times):
        results = [
            (shift + spread * random.normal(size=10), random.normal(size=20)) for _ in range(tasks)
        ]
        found = improvement_interval(results, 0.05)
        inside += found.low <= poi <= found.high
    assert least <= inside / times <= 0.985
