"""Ideas for more power: their tests are exact, and one line says what an idea does."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest

from reports.pages import contest, validity
from reports.pages.contest import (
    IDEAS,
    TESTS,
    TODAY,
    TUNINGS,
    Finding,
    Idea,
    linear_test,
    middle_ranks,
    normal_scores,
    savage_scores,
)
from reports.pages.pools import Landscape, load_landscapes
from reports.pages.simulated_reports import (
    load_pool_league,
    simulate_equals,
    simulate_league,
    simulate_pools,
)
from reports.pages.simulation import Counts, Design, make_study
from reports.stats.rank_sum import stratified_rank_sum


def draw_tasks(seed, tasks=3, ours=4, theirs=8, better=0.0):
    random = np.random.default_rng(seed)
    return [
        (random.integers(6, size=ours) + better, random.integers(6, size=theirs).astype(float))
        for _ in range(tasks)
    ]


def enumerate_p(ours, theirs, score):
    """Of one task, by every choice of ours among all results."""
    both = np.concatenate([ours, theirs])
    _, place, ties = np.unique(both, return_inverse=True, return_counts=True)
    scores = np.rint(contest.FINENESS * score(ties))[place]
    centre = len(ours) * scores.mean()
    far = abs(scores[: len(ours)].sum() - centre)
    choices = itertools.combinations(range(len(both)), len(ours))
    return np.mean([abs(scores[list(own)].sum() - centre) >= far - 1e-9 for own in choices])


@pytest.mark.parametrize("score", [middle_ranks, normal_scores, savage_scores])
def test_a_linear_test_counts_every_choice_of_ours(score, monkeypatch):
    monkeypatch.setattr(contest, "UNCLEAR", 2.0)  # nothing is taken as normal
    for seed in range(6):
        ((ours, theirs),) = draw_tasks(seed, tasks=1, better=3.0)
        expected = enumerate_p(ours, theirs, score)
        assert linear_test([(ours, theirs)], score).p == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("sizes", [(4, 8), (10, 20)], ids=str)
def test_with_middle_ranks_it_decides_as_the_reports_do(sizes):
    for seed, better in itertools.product(range(4), (0.0, 0.5, 1.0, 1.5, 9.0)):
        tasks = draw_tasks(seed, 4, *sizes, better)
        expected = stratified_rank_sum(tasks)
        for found in (TESTS["rank_sum"](tasks), linear_test(tasks, fineness=2)):
            assert found.improvement == pytest.approx(expected.improvement)
            if contest.CLEAR < expected.p < 0.9 * contest.UNCLEAR:
                assert found.p == pytest.approx(expected.p, rel=1e-6)
            else:
                assert (found.p > 0.05) == (expected.p > 0.05)


def test_quick_claims_are_those_of_the_reports():
    design = Design(10, 20, 8)
    for simulate in (simulate_league, simulate_pools, simulate_equals):
        expected = simulate(6, 0, design=design)
        assert simulate(6, 0, design=design, test=TESTS["rank_sum"]) == expected


@pytest.mark.parametrize("name", TESTS)
def test_every_test_is_symmetric_and_knows_a_clear_winner(name):
    tasks = draw_tasks(1, 3, 10, 20, 9.0)
    found = TESTS[name](tasks)
    assert found.p < 1e-6
    assert found.improvement == 1
    turned = TESTS[name]([(theirs, ours) for ours, theirs in tasks])
    assert (turned.p, turned.improvement) == (pytest.approx(found.p, abs=1e-9), 0)
    tied = [(np.ones(4), np.ones(8)), *tasks]
    assert TESTS[name](tied).p < 1e-6
    assert TESTS[name](tied[:1]).p == 1


def test_scores():
    ties = np.array([1, 2, 1])
    assert middle_ranks(ties).tolist() == [1, 2.5, 4]
    assert normal_scores(ties) == pytest.approx([-0.8416, 0, 0.8416], abs=1e-4)
    assert savage_scores(ties) == pytest.approx([1 / 4, (7 / 12 + 13 / 12) / 2, 25 / 12])


def test_weights_of_tasks():
    ((a, b),) = draw_tasks(3, 1, 10, 20, 2.0)
    few = (np.repeat([0.0, 1.0], [2, 8]), np.repeat([0.0, 1.0], [18, 2]))
    by_size, by_distinct = (TESTS[name]([(a, b), few]) for name in ("rank_sum", "distinct_values"))
    assert by_size.improvement == by_distinct.improvement
    assert by_size.p != by_distinct.p


def test_settings_of_a_tuning_may_share_its_seed():
    val = np.array([[0.1, 0.9], [0.2, 0.8]])
    test = np.array([[1.0, 2.0], [3.0, 4.0]])
    landscape = Landscape(val, test, np.array([0.0, 0.85]), np.array([5.0, 6.0]))
    draw = partial(landscape.tune, np.random.default_rng(0), 3, 400)
    # on seed 0 the second setting is best, on seed 1 the first one; each reports on the other seed
    assert set(draw(common_seed=True)) == {4.0, 1.0}
    assert len(set(draw())) > 2


def test_several_trials_may_report_a_tuning():
    shape = (1, 4)
    landscape = Landscape(np.ones(shape), np.array([[1.0, 2, 4, 8]]), np.zeros(4), np.zeros(4))
    draw = partial(landscape.tune, np.random.default_rng(0), 2, 200)
    assert set(draw(reports=2)) == {1.5, 3.0, 6.0, 4.5, 5.0, 2.5}
    assert set(draw(reports=3)) == {13 / 3, 14 / 3, 11 / 3, 7 / 3}
    assert set(draw(reports=9)) == set(draw(reports=3))  # all that were recorded


def test_the_best_settings_may_be_tried_once_more():
    val = np.array([[0.9, 0.9, 0.9], [1.0, 0.0, 0.0]])
    test = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    default = np.zeros(3), np.zeros(3)
    draw = partial(Landscape(val, test, *default).tune, np.random.default_rng(0), 3, 400)
    assert set(draw()) == {1.0, 2.0, 3.0, 5.0, 6.0}  # the second setting is lucky on seed 0
    assert set(draw(rerank=2)) == {1.0, 2.0, 3.0}
    # the third seed reports; two settings are tried again, the default never
    never = Landscape(val, test, np.full(3, 0.8), np.full(3, 9.0))
    assert 9.0 not in never.tune(np.random.default_rng(1), 3, 400, rerank=2)
    two = Landscape(val[:, :2], test[:, :2], *default)
    assert set(two.tune(np.random.default_rng(1), 3, 400, rerank=2)) == {1.0, 2.0}


def test_a_study_is_judged_by_the_test_that_is_given():
    results = {
        (name, str(task)): one
        for task, tasks in enumerate(draw_tasks(0, 2, 4, 8))
        for name, one in zip(("lion", "adam"), tasks, strict=True)
    }
    seen = []

    def judge(tasks):
        seen.append(len(tasks))
        return stratified_rank_sum(tasks)

    study = make_study(results, Design(4, 8, 4), test=judge)
    assert study.count_claims() == (0, 0, 0)
    assert sorted(seen) == [1, 1, 2]


def test_an_idea_has_the_price_of_a_report():
    assert TODAY.trials == (15 * 10 + 20) * 9 + 160
    assert Idea(Design(9, 18, 8), "two_reports").trials == TODAY.trials
    for idea in IDEAS.values():
        assert idea.tuning in TUNINGS and idea.test in TESTS
        assert 0.94 <= idea.trials / TODAY.trials <= 1.06, idea


def test_the_pools_have_five_optimizers():
    names = {name for name, _ in load_pool_league()}
    assert names == {"adam", "adagrad", "lion", "momentum", "sgd"}
    assert len(load_pool_league()) == 20


def test_equal_optimizers_differ_by_no_test():
    design = Design(5, 10, 8)
    for test in (TESTS["normal_scores"], TESTS["distinct_values"]):
        found = [simulate_equals(3, number, design=design, test=test) for number in range(3)]
        assert sum(map(any, found)) <= 1


def test_the_command_tries_one_idea_in_a_line(monkeypatch, capsys):
    tried = []

    def find(idea, reports, seed):
        tried.append((idea, reports, seed))
        return Finding((0.04, 0.055), Counts(44.9, 9.2, 65), Counts(7.5, 2.5, 3))

    monkeypatch.setattr(validity, "try_idea", find)
    words = ["validity", "--design", "8:16x8", "--test", "normal_scores", "--reports", "100"]
    monkeypatch.setattr("sys.argv", words)
    validity.main()
    assert tried == [(Idea(Design(8, 16, 8), "once", "normal_scores"), 100, 0)]
    assert capsys.readouterr().out == (
        "8:16 × 8, once, normal_scores: 1384 trials a task; false claims in 4.0% of 100 reports, "
        "with spreads up to 2:1 in 5.5%; shown in the league 44.9 rows and 9.2 overall, in the "
        "pools 7.5 and 2.5\n"
    )


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("10:20", "10:20: no design. Write it like 10:20x8."),
        ("10:20x12", "10:20x12: the league has 9 settings. Use 2 to 9."),
        ("10:20x1", "10:20x1: the league has 9 settings. Use 2 to 9."),
        ("2:4x8", "2:4x8: a verdict needs 4 tunings or more of each. Use 4:8x8."),
    ],
)
def test_a_design_that_cannot_be_tried_is_refused(word, message, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["validity", "--design", word])
    with pytest.raises(SystemExit):
        validity.main()
    assert message in capsys.readouterr().err


def test_help_says_how_to_add_an_idea(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["validity", "--help"])
    with pytest.raises(SystemExit):
        validity.main()
    text = " ".join(capsys.readouterr().out.split())
    assert "add a small function to TUNINGS or TESTS in reports/pages/contest.py" in text


def test_a_landscape_is_drawn_as_before_where_nothing_is_asked():
    one = load_landscapes()["digits adam"]
    draws = [
        draw(np.random.default_rng(5), 8, 20)
        for draw in (one.tune, partial(one.tune, reports=1), partial(one.tune, common_seed=False))
    ]
    assert all((draws[0] == each).all() for each in draws)
