"""Power of designs: exact cases, simulation of the test itself, and tunings that would decide."""

import math

import numpy as np
import pytest
from scipy import special

from reports.stats.power import POWER, power, tunings_needed
from reports.stats.rank_sum import smallest_p, stratified_rank_sum


def test_where_one_side_is_always_better_the_design_alone_decides():
    for sizes in ([(4, 8)], [(10, 20)], [(3, 6)] * 4):
        least = smallest_p(sizes)
        for poi in (0.0, 1.0):
            assert power(sizes, poi, least * 1.001) == 1
            assert power(sizes, poi, least * 0.999) == 0
        assert power(sizes, 0.99, least * 0.999) == 0


@pytest.mark.parametrize(
    ("sizes", "poi", "level"),
    [([(10, 20)], 0.75, 0.05), ([(5, 10)], 0.9, 0.01), ([(3, 6), (4, 5)], 0.8, 0.01)],
)
def test_power_is_the_share_of_simulated_reports_that_decide(sizes, poi, level):
    random, times, decided = np.random.default_rng(1), 1500, 0
    shift = math.sqrt(2) * special.ndtri(poi)
    for _ in range(times):
        tasks = [(shift + random.normal(size=m), random.normal(size=n)) for m, n in sizes]
        decided += stratified_rank_sum(tasks).p <= level
    assert power(sizes, poi, level) == pytest.approx(decided / times, abs=0.04)
    assert power(sizes, 1 - poi, level) == pytest.approx(decided / times, abs=0.05)


def test_power_at_one_half_is_at_most_the_level():
    for sizes in ([(10, 20)], [(5, 10)] * 3):
        assert power(sizes, 0.5, 0.05) <= 0.06


@pytest.mark.parametrize("improvement", [0.65, 0.75, 0.9, 0.1])
@pytest.mark.parametrize("tasks", [1, 4])
@pytest.mark.parametrize("level", [0.05, 2e-4])
def test_so_many_tunings_decide_and_three_quarters_of_them_do_not(improvement, tasks, level):
    n = int(tunings_needed(improvement, 2.0, level, tasks))
    assert power([(n, 2 * n)] * tasks, improvement, level) >= POWER - 0.08
    fewer = max(1, int(0.75 * n) - 1)
    assert power([(fewer, 2 * fewer)] * tasks, improvement, level) < POWER


def test_tunings_that_never_decide_or_do_at_once():
    assert tunings_needed(0.5, 2.0, 0.05) == math.inf
    assert tunings_needed(0.5001, 2.0, 0.05) == math.inf
    assert math.isnan(tunings_needed(math.nan, 2.0, 0.05))
    assert math.isnan(tunings_needed(0.7, 2.0, math.nan))
    for level in (0.05, 2e-4):
        n = int(tunings_needed(1.0, 2.0, level))
        assert smallest_p([(n, 2 * n)]) <= level
    assert tunings_needed(0.6, 2.0, 0.01) > tunings_needed(0.7, 2.0, 0.01)
    assert tunings_needed(0.7, 2.0, 1e-4) > tunings_needed(0.7, 2.0, 0.01)
    assert tunings_needed(0.7, 2.0, 0.01, tasks=8) < tunings_needed(0.7, 2.0, 0.01)
    assert tunings_needed(0.3, 2.0, 0.01) == tunings_needed(0.7, 2.0, 0.01)
