"""Statistics against SciPy, closed forms and numbers worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from reports.stats import intervals, tests, to_target


def test_mean_interval_is_students():
    values = [1.0, 2.0, 3.0]
    found = intervals.mean(values)
    low, high = scipy_stats.t.interval(0.95, 2, loc=2, scale=scipy_stats.sem(values))
    assert (found.estimate, found.n) == (2.0, 3)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3))  # table of t: 4.303 at 2 dof


@pytest.mark.parametrize("values", [[], [0.9], [0.9, 0.9, 0.9], [0.1 + 0.2, 0.3]])
def test_no_interval_without_spread(values):
    found = intervals.mean(values)
    assert not found.known
    assert not found.excludes(0.0)
    assert found.n == len(values)


def test_interval_covers_as_often_as_it_says():
    samples = np.random.default_rng(1).normal(size=(2000, 3))
    covered = np.mean([not intervals.mean(sample).excludes(0.0) for sample in samples])
    assert covered == pytest.approx(0.95, abs=0.015)


def test_iqm_drops_the_outer_quarters_and_repeats():
    values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 100.0]
    found = intervals.iqm(values)
    assert found.estimate == 3.5
    assert found.low < 3.5 < found.high
    assert found == intervals.iqm(values)


def test_iqm_interval_agrees_with_scipys_bootstrap():
    values = np.random.default_rng(2).normal(size=20)
    reference = scipy_stats.bootstrap(
        (values,),
        lambda x, axis: scipy_stats.trim_mean(x, 0.25, axis=axis),
        n_resamples=5000,
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    found = intervals.iqm(values)
    assert (found.low, found.high) == (
        pytest.approx(reference.low, abs=0.05),
        pytest.approx(reference.high, abs=0.05),
    )


def test_paired_difference_pairs_by_seed_not_by_position():
    ours = pd.Series([0.93, 0.91, 0.92], index=[2, 0, 1])
    reference = pd.Series([0.90, 0.905, 0.925, 0.5], index=[0, 1, 2, 9])
    found = tests.paired_difference(ours, reference)
    expected = scipy_stats.ttest_rel([0.91, 0.92, 0.93], [0.90, 0.905, 0.925])
    assert found.interval.n == 3
    assert found.interval.estimate == pytest.approx(0.01)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(interval))


def test_an_unfinished_seed_is_no_pair():
    found = tests.paired_difference(pd.Series([0.9, math.nan, 0.8]), pd.Series([0.8, 0.7, 0.75]))
    assert found.interval.n == 2


def test_holm_by_hand():
    assert tests.holm([0.01, 0.04, math.nan, 0.03])[:2] == pytest.approx([0.03, 0.06])
    assert tests.holm([0.01, 0.04, math.nan, 0.03])[3] == pytest.approx(0.06)
    assert math.isnan(tests.holm([0.01, math.nan])[1])
    assert tests.holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([100, 200, math.inf], (200, 2, 3)),
        ([100, math.inf], (math.inf, 1, 2)),
        ([math.inf, math.inf], (math.inf, 0, 2)),
        ([100, math.nan, 300], (200, 2, 2)),
    ],
)
def test_median_to_target_counts_misses(values, expected):
    assert to_target.median_to_target(values) == expected


def test_median_to_target_of_nothing():
    median, reached, n = to_target.median_to_target([math.nan])
    assert math.isnan(median)
    assert (reached, n) == (0, 0)
