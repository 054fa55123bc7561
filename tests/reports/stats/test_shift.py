"""Hodges–Lehmann shifts: enumeration, agreement with the test, coverage on real results."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from reports.stats.rank_sum import rank_sum
from reports.stats.shift import shift

BROKEN, INF = -math.inf, math.inf
POOLS = Path(os.environ.get("OPTBENCH_DATA", ".")).parent / "pools"


def scan(ours, theirs, alpha):
    """Find the least and the greatest kept shift by trying every place where p may change."""
    differences = np.unique(np.subtract.outer(ours, theirs))
    middles = (differences[1:] + differences[:-1]) / 2
    kept = [d for d in middles if rank_sum(ours - d, theirs).p > alpha]
    low = INF if not kept else differences[differences < kept[0]].max()
    high = -INF if not kept else differences[differences > kept[-1]].min()
    if rank_sum(ours - (differences[0] - 1), theirs).p > alpha:
        low = -INF
    if rank_sum(ours - (differences[-1] + 1), theirs).p > alpha:
        high = INF
    return low, high


@pytest.mark.parametrize("sizes", [(2, 2), (3, 5), (5, 5), (8, 6), (10, 20)])
@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.3])
def test_estimate_and_ends_against_enumeration(sizes, alpha):
    random = np.random.default_rng(sum(sizes))
    for _ in range(3):
        ours, theirs = random.normal(size=sizes[0]), random.normal(size=sizes[1])
        found = shift(ours, theirs, alpha)
        assert found.estimate == np.median(np.subtract.outer(ours, theirs))
        assert (found.low, found.high) == scan(ours, theirs, alpha)


def draw(random, m, n):
    """Draw results of all kinds: normal, rounded to a grid, mostly one value, some diverged."""
    step = random.choice([1e-9, 0.1, 0.5, 2.0])
    values = np.round(random.normal(size=m + n) / step) * step
    values[:m] += step * int(random.integers(-3, 4))
    values[random.random(m + n) < random.choice([0, 0.1, 0.6])] = BROKEN
    return values[:m], values[m:]


def test_the_interval_never_contradicts_the_test():
    random, rejected = np.random.default_rng(0), 0
    for _ in range(500):
        ours, theirs = draw(random, *random.integers(1, 12, size=2))
        for alpha in (0.05, 0.3):
            test, found = rank_sum(ours, theirs), shift(ours, theirs, alpha)
            assert found.excludes(0.0) == (test.p <= alpha)
            assert found.low <= found.estimate <= found.high
            if found.excludes(0.0):
                rejected += 1
                assert (found.low > 0) == (test.improvement > 0.5)
    assert rejected > 100


def test_both_sides_exchanged_turn_the_interval():
    random = np.random.default_rng(1)
    for _ in range(60):
        ours, theirs = draw(random, 6, 9)
        one, other = shift(ours, theirs, 0.05), shift(theirs, ours, 0.05)
        assert (-other.high, -other.low) == pytest.approx((one.low, one.high))
        assert -other.estimate == pytest.approx(one.estimate)


def test_diverged_results():
    fine = np.arange(5) / 10
    assert shift(fine, [BROKEN] * 9, 0.05) == shift(fine + 7, [BROKEN] * 9, 0.05)
    assert shift(fine, [BROKEN] * 9, 0.05).low == INF
    assert shift([BROKEN] * 9, fine, 0.05).high == -INF
    both = shift([BROKEN] * 5, [BROKEN] * 9, 0.05)
    assert (both.estimate, both.low, both.high) == (0.0, -INF, INF)
    one = shift([*fine, BROKEN], [*fine, *fine, BROKEN], 0.05)
    assert -1 < one.low < 0 < one.high < 1
    many = shift([*fine, BROKEN, BROKEN, BROKEN], fine, 0.05)
    assert many.low == -INF
    assert math.isfinite(many.high)


def test_results_without_any_spread():
    assert (shift([0.9] * 5, [0.8] * 9, 0.05).low, shift([0.9] * 5, [0.8] * 9, 0.05).high) == (
        pytest.approx(0.1),
        pytest.approx(0.1),
    )
    same = shift([0.9] * 5, [0.9] * 9, 0.05)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)


def test_ties_that_rounding_would_break():
    """0.9 − 0.8 is not 0.8 − 0.7 in floats, yet 0.1 moves all of ours onto theirs."""
    theirs = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    found = shift([round(x + 0.1, 1) for x in theirs], theirs, 0.05)
    assert found.estimate == pytest.approx(0.1)
    assert found.low < 0.1 < found.high


def cover(values, random, sizes, alpha=0.05, times=1000):
    """Count how often a known shift of results drawn from a pool is covered."""
    true = 0.37 * float(np.std(values))
    inside = 0
    for _ in range(times):
        ours, theirs = (random.choice(values, size=size) for size in sizes)
        found = shift(ours + true, theirs, alpha)
        inside += found.low <= true <= found.high
    return inside / times


def test_coverage_is_as_stated():
    values = np.random.default_rng(4).gamma(2.0, size=4000)
    assert 0.93 <= cover(values, np.random.default_rng(5), (10, 20)) <= 0.97


@pytest.mark.slow
@pytest.mark.skipif(not POOLS.is_dir(), reason="the pools of real trials are not here")
@pytest.mark.parametrize("pool", ["digits", "digits100", "sst2", "modular_addition"])
def test_coverage_on_pools_of_real_trials(pool):
    import pandas as pd

    table = pd.read_parquet(POOLS / f"{pool}.parquet")
    random = np.random.default_rng(6)
    print(json.dumps(list(table.columns)))
    for _, own in table.groupby("optimizer"):
        values = own["test"].to_numpy(dtype=float)
        assert 0.93 <= cover(values, random, (10, 20), times=1000) <= 0.97
