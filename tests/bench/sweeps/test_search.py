"""Points are a function of space, sampler, seed, repeat and index."""

import math

import pytest

from bench.spec import RefusedInput
from bench.sweeps.search import FIXED, OptunaDraw, Source, check_sampler, draw_points

SPACE = {
    "lr": {"log": [1e-4, 1e-1]},
    "betas.1": {"one_minus": {"log": [1e-3, 1e-1]}},
    "k": {"linear": [2, 9]},
    "nesterov": {"choice": [True, False]},
}


@pytest.mark.parametrize("sampler", FIXED)
def test_points_lie_in_the_space_and_come_back(sampler):
    drawn = draw_points(Source(SPACE, sampler), 9)
    assert len(drawn) == 9
    assert drawn == draw_points(Source(dict(reversed(SPACE.items())), sampler), 9)
    for point in drawn:
        assert 1e-4 <= point["lr"] <= 1e-1
        assert 0.9 <= point["betas.1"] <= 0.999
        assert point["k"] in range(2, 10)
        assert point["nesterov"] in (True, False)


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_a_larger_budget_keeps_the_points_of_a_smaller(sampler):
    source = Source(SPACE, sampler)
    assert draw_points(source, 25)[:8] == draw_points(source, 8)
    assert draw_points(source, 50)[:25] == draw_points(source, 25)


def test_repeats_seeds_and_spaces_have_points_of_their_own():
    base = draw_points(Source(SPACE, "sobol"), 8)
    others = [
        draw_points(Source(SPACE, "sobol", repeat=1), 8),
        draw_points(Source(SPACE, "sobol", seed=1), 8),
        draw_points(Source({**SPACE, "lr": {"log": [1e-4, 1e-2]}}, "sobol"), 8),
    ]
    rates = [{point["lr"] for point in drawn} for drawn in (base, *others)]
    assert len(set.union(*rates)) == 32


def test_sobol_points_fill_every_eighth_of_a_range():
    drawn = draw_points(Source({"lr": {"log": [1e-4, 1e-1]}}, "sobol"), 8)
    cells = {math.floor(8 * (math.log10(point["lr"]) + 4) / 3) for point in drawn}
    assert cells == set(range(8))


def test_a_grid_has_equal_cells():
    drawn = draw_points(
        Source({"a": {"linear": [0.0, 1.0]}, "b": {"linear": [0.0, 1.0]}}, "grid"), 4
    )
    corners = {(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)}
    assert {(point["a"], point["b"]) for point in drawn} == corners


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_adaptive_draws_follow_what_they_are_told(sampler):
    pytest.importorskip("optuna")
    space = {"lr": {"log": [1e-4, 1e-1]}, "m": {"linear": [0.0, 1.0]}}

    def draw(good):
        drawn = OptunaDraw(Source(space, sampler), "minimize")
        found = []
        for _ in range(30):
            point = drawn.ask()
            assert 1e-4 <= point["lr"] <= 1e-1
            found.append(point)
            drawn.tell(abs(math.log10(point["lr"] / good)))
        return found

    assert draw(1e-3) == draw(1e-3)
    later = [point["lr"] for point in draw(1e-3)[20:]]
    assert sum(2e-4 < lr < 5e-3 for lr in later) > 5  # a third of the range if it did not look


def test_a_trial_that_did_not_finish_can_be_told():
    pytest.importorskip("optuna")
    drawn = OptunaDraw(Source({"lr": {"log": [1e-4, 1e-1]}}, "tpe"), "maximize")
    drawn.ask()
    drawn.tell(math.nan)
    assert 1e-4 <= drawn.ask()["lr"] <= 1e-1


def test_an_unknown_sampler_is_refused():
    with pytest.raises(RefusedInput, match=r"sampler=soboll: unknown; did you mean 'sobol'"):
        check_sampler("soboll")


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(
        RefusedInput, match=r"tuning.sampler=tpe: .*pip install 'optbench\[optuna\]'"
    ):
        check_sampler("tpe")
