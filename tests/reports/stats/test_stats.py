"""Statistics against SciPy, closed forms and numbers worked out by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from reports.stats import best_of_k, bootstrap, intervals, sampling, seeds, tests, to_target
from reports.stats.iqm import iqm


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
    found = iqm(values)
    assert found.estimate == 3.5
    assert found.low < 3.5 < found.high
    assert found == iqm(values)


def test_iqm_interval_agrees_with_scipys_bootstrap_at_its_level():
    values = np.random.default_rng(2).normal(size=20)
    reference = scipy_stats.bootstrap(
        (values,),
        lambda x, axis: scipy_stats.trim_mean(x, 0.25, axis=axis),
        n_resamples=5000,
        confidence_level=1 - 2 * bootstrap.tail([20]),
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    found = iqm(values)
    assert (found.low, found.high) == (
        pytest.approx(reference.low, abs=0.05),
        pytest.approx(reference.high, abs=0.05),
    )


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


def test_the_interval_of_a_median_counts_misses_and_the_tick():
    steps = [100, 200, 200, 300, 300, 400, 400, 500, math.inf, math.inf]
    assert to_target.median_interval(steps, 100) == (100, math.inf)  # second from either end
    assert to_target.median_interval([50] * 10, 100) == (0, 50)
    assert all(map(math.isnan, to_target.median_interval([1, 2, 3, 4, 5, math.nan])))
    assert to_target.median_interval([1, 2, 3, 4, 5, 6]) == (1, 6)


def test_levels_of_holm_accept_what_its_adjusted_values_do():
    p = [0.01, 0.04, math.nan, 0.03]
    levels = tests.holm_levels(p, 0.05)
    assert levels[:2] == pytest.approx([0.05 / 3, 0.05])
    assert levels[3] == pytest.approx(0.05 / 2)
    assert math.isnan(levels[2])


def test_stouffers_combination_is_scipys():
    p, signs = [0.01, 0.2, 0.5], [1, 1, -1]
    one_sided = [v / 2 if s > 0 else 1 - v / 2 for v, s in zip(p, signs, strict=True)]
    expected = scipy_stats.combine_pvalues(one_sided, method="stouffer")
    z, combined = tests.stouffer(p, signs)
    assert z == pytest.approx(expected.statistic)
    assert combined == pytest.approx(2 * min(expected.pvalue, 1 - expected.pvalue))
    assert tests.stouffer([math.nan, 1.0], [0, 1]) == (0, 1)


def test_the_sampling_error_of_a_test_split():
    drawn = np.random.default_rng(9).binomial(360, 0.95, size=100_000) / 360
    assert sampling.standard_error(0.95, 360) == pytest.approx(drawn.std(), rel=0.01)
    assert math.isnan(sampling.standard_error(0.95, math.nan))
    assert math.isnan(sampling.standard_error(1.2, 360))


def test_the_interval_of_a_share_beyond_its_range_is_not_determined():
    near = intervals.mean([0.8, 0.9, 1.0])
    assert near.high > 1
    cut = sampling.bounded("accuracy", near)
    assert (cut.estimate, cut.known, cut.n) == (near.estimate, False, 3)
    assert not sampling.bounded("miou", intervals.mean([0.0, 0.1])).known
    assert sampling.bounded("perplexity", near) == near
    within = intervals.mean([0.5, 0.51, 0.52])
    assert sampling.bounded("accuracy", within) == within
    assert not sampling.bounded("accuracy", intervals.mean([1.0, 1.0])).known


def test_sign_flips_by_enumeration():
    values = [1.0, 2.0, 3.0, 4.0, -2.5]
    sums = [
        abs(sum(s * v for s, v in zip(signs, values, strict=True)))
        for signs in itertools.product((1, -1), repeat=5)
    ]
    assert tests.sign_flip(values) == np.mean([s >= 7.5 for s in sums])
    assert tests.sign_flip([1.0] * 5) == 2 / 2**5
    assert tests.sign_flip([0.0, 0.0]) == 1.0


def test_sign_flips_of_ranks_are_wilcoxons_test():
    ours, theirs = np.random.default_rng(4).normal(size=(2, 12))
    expected = scipy_stats.wilcoxon(ours, theirs, method="exact").pvalue
    assert tests.sign_flip(tests.signed_ranks(ours, theirs)) == pytest.approx(expected)


def test_many_sign_flips_are_drawn_and_repeat():
    values = np.random.default_rng(5).normal(0.4, size=30)
    p = tests.sign_flip(values)
    assert p == tests.sign_flip(values)
    assert p == pytest.approx(scipy_stats.ttest_1samp(values, 0).pvalue, abs=0.02)


def test_who_breaks_off_loses_by_the_largest_rank():
    ours, theirs = [0.9, math.nan, math.nan, 0.5], [0.8, 0.1, math.nan, math.nan]
    assert tests.signed_ranks(ours, theirs).tolist() == [1.0, -2.5, 0.0, 2.5]


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_best_of_k_equals_every_draw(direction, k):
    values = [0.3, math.nan, 0.7, 0.5, math.nan]
    best = max if direction == "maximize" else min
    draws = list(itertools.product(values, repeat=k))
    found = [best(v for v in draw if v == v) for draw in draws if any(v == v for v in draw)]
    result = best_of_k.best_of_k(values, k, direction)
    assert result.expected == pytest.approx(np.mean(found))
    assert result.spread == pytest.approx(np.std(found))
    assert result.all_broken == pytest.approx(1 - len(found) / len(draws))


def test_best_of_points_that_all_broke():
    result = best_of_k.best_of_k([math.nan, math.nan], 2, "maximize")
    assert math.isnan(result.expected)
    assert result.all_broken == 1


def test_a_second_group_of_seeds_is_bad():
    finals = [28.39, 29.20, 52.97, 29.32, 52.92, 28.67, 28.33, 28.87, 52.93, 52.96]  # DeepOBS
    assert seeds.bad(finals, "minimize").tolist() == [v > 50 for v in finals]
    assert seeds.bad([-v for v in finals], "maximize").sum() == 4
    assert seeds.bad([*finals, math.nan], "minimize").sum() == 5


def test_groups_of_seeds_are_told_apart():
    finals = [28.39, 29.20, 52.97, 29.32, 52.92, 28.67, 28.33, 28.87, 52.93, 52.96]  # DeepOBS
    good, stuck = seeds.groups(finals, "minimize")
    assert good == seeds.Group(6, 28.33, 29.32)
    assert stuck == seeds.Group(4, 52.92, 52.97)
    mirrored = seeds.groups([-v for v in finals], "maximize")
    assert [(g.n, g.low, g.high) for g in mirrored] == [(6, -29.32, -28.33), (4, -52.97, -52.92)]
    three = seeds.groups([*finals, 90.0, math.nan], "minimize")
    assert [group.n for group in three] == [6, 4, 1, 1]
    assert math.isnan(three[-1].low)
    assert len(seeds.groups([0.9, 0.91, 0.92], "maximize")) == 1


def test_noise_seldom_has_a_bad_seed():
    random = np.random.default_rng(6)
    share = np.mean([seeds.bad(random.normal(size=10), "maximize").any() for _ in range(2000)])
    assert share < 0.03
    assert not seeds.bad([0.9] * 9 + [0.1], "maximize").any()  # a tie sets no scale


def test_a_sum_of_variances_has_satterthwaites_degrees():
    parts = [intervals.Variance(4.0, 9), intervals.Variance(1.0, 3)]
    found, p = intervals.t_interval(5.0, parts, 10)
    df = 25 / (16 / 9 + 1 / 3)
    assert found.high == pytest.approx(5 + scipy_stats.t.ppf(0.975, df) * math.sqrt(5))
    assert p == pytest.approx(2 * scipy_stats.t.sf(5 / math.sqrt(5), df))


def test_the_luck_of_selection_is_the_spread_of_the_three_best_points():
    found = best_of_k.tuning_variance([0.5, 0.9, math.nan, 0.7, 0.8, 0.1], "maximize")
    assert found.value == pytest.approx(np.var([0.9, 0.8, 0.7], ddof=1))
    assert found.degrees == 2
    lower_is_better = best_of_k.tuning_variance([5.0, 1.0, 2.0, 3.0], "minimize")
    assert lower_is_better.value == pytest.approx(np.var([1.0, 2.0, 3.0], ddof=1))
    assert math.isnan(best_of_k.tuning_variance([0.9, math.nan], "maximize").value)
