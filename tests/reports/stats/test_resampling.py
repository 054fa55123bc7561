"""Bootstrap and IQM: definitions, SciPy, and coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from reports.stats import anchored, bootstrap, intervals
from reports.stats.iqm import interquartile_mean, iqm
from reports.stats.to_target import median_interval

N = 10
NOISE = {"normal": stats.norm(), "skewed": stats.expon()}


def samples(noise, count=1000):
    return NOISE[noise].rvs(size=(count, N), random_state=np.random.default_rng(7))


def covered(found, truth):
    return np.mean([not interval.excludes(truth) for interval in found])


def test_draws_are_the_same_at_each_call_and_differ_between_tasks():
    assert (bootstrap.draws(5, 0) == bootstrap.draws.__wrapped__(5, 0)).all()
    assert (bootstrap.draws(5, 0) != bootstrap.draws(5, 1)).any()
    assert bootstrap.draws(5).shape == (bootstrap.RESAMPLES, 5)
    assert set(bootstrap.draws(5).ravel()) == set(range(5))


def test_the_expanded_interval_of_a_mean_is_students():
    """Hesterberg 2015: with the scale and the degrees of freedom allowed for, the two agree."""
    x = stats.norm.ppf((np.arange(N) + 0.5) / N)
    replicates = x[bootstrap.draws(N, resamples=200_000)].mean(axis=1)
    found, student = bootstrap.interval(x.mean(), replicates, [N]), intervals.mean(x)
    assert (found.low, found.high) == pytest.approx((student.low, student.high), abs=0.05)


@pytest.mark.parametrize(
    ("replicates", "sizes"),
    [([1.0, 1.0], [5]), ([1.0, np.nan], [5]), ([1.0, 2.0], [5, 1]), ([1.0, 2.0], [])],
)
def test_no_interval_where_nothing_varies_or_something_is_unknown(replicates, sizes):
    found = bootstrap.interval(1.0, replicates, sizes)
    assert not found.known
    assert found.estimate == 1.0


def test_infinite_replicates_are_values():
    found = bootstrap.interval(0.0, [-np.inf] * 500 + list(np.arange(1500.0)), [N])
    assert found.low == -np.inf
    assert np.isfinite(found.high)


def test_the_interquartile_mean_trims_what_is_infinite():
    scores = [-np.inf, 1.0, 2.0, 3.0, 4.0, np.inf]
    assert interquartile_mean(scores) == stats.trim_mean(scores, 0.25) == 2.5
    assert interquartile_mean([1.0, 2.0, -np.inf]) == -np.inf
    assert np.isnan(interquartile_mean([1.0, np.inf, -np.inf]))
    assert np.isnan(interquartile_mean([]))


@pytest.mark.parametrize("noise", NOISE)
def test_the_iqms_interval_covers(noise):
    grid = NOISE[noise].ppf(np.linspace(0.25, 0.75, 10_001))
    assert 0.92 <= covered(map(iqm, samples(noise)), grid.mean()) <= 0.98


def test_a_means_interval_covers_normal_noise_and_less_of_skewed_noise():
    """What the note under each table says: 94 % and 90 %."""
    assert 0.92 <= covered(map(intervals.mean, samples("normal")), 0.0) <= 0.98
    assert covered(map(intervals.mean, samples("skewed")), 1.0) == pytest.approx(0.90, abs=0.015)


@pytest.mark.parametrize("noise", NOISE)
def test_the_medians_interval_covers_at_least_what_it_says(noise):
    values = samples(noise, 4000) + 10
    truth = NOISE[noise].median() + 10
    found = np.array([median_interval(x) for x in values])
    share = np.mean((found[:, 0] <= truth) & (truth <= found[:, 1]))
    exact = 1 - 2 * stats.binom.cdf(1, N, 0.5)  # second smallest to second largest
    assert share == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("noise", NOISE)
def test_a_score_over_tasks_covers(noise):
    """log2 ratios of remaining loss on five tasks, ten seeds each; both sides have noise."""
    random, tasks = np.random.default_rng(3), 5
    truth = np.linspace(-0.2, 0.3, tasks)
    inside = []
    for _ in range(300):
        again, estimates = [], []
        for task, effect in enumerate(truth):
            a, b = (0.1 + 0.01 * NOISE[noise].rvs(size=(2, N), random_state=random)).clip(0.01)
            mean = 0.1 + 0.01 * NOISE[noise].mean()
            a = a + mean * (2**-effect - 1)  # the mean remaining loss is 2^-effect of theirs
            places = bootstrap.draws(N, task)
            again.append(anchored.value(a[places], b[places]))
            estimates.append(anchored.value(a, b))
        estimate = float(interquartile_mean(estimates))
        replicates = interquartile_mean(np.stack(again, axis=-1))
        found = bootstrap.interval(estimate, replicates, [N] * tasks)
        inside.append(not found.excludes(float(interquartile_mean(truth))))
    assert 0.92 <= np.mean(inside) <= 0.985
