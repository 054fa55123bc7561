"""Settings are a function of the comparison, configuration, space, sampler, seed and repeat."""

import math
from dataclasses import replace

import pytest

from bench.spec import Budget, Component, RefusedInput
from bench.sweeps.search import FIXED, OptunaDraw, Source, check_sampler, draw_settings
from tests.helpers.specs import trial_spec

SPACE = {
    "lr": {"log": [1e-4, 1e-1]},
    "betas.1": {"one_minus": {"log": [1e-3, 1e-1]}},
    "k": {"linear": [2, 9]},
    "nesterov": {"choice": [True, False]},
}
BASE = trial_spec(point={"lr": 0.001, "eps": 1e-8})


def source(space=SPACE, sampler="sobol", *, base=BASE, seed=0, repeat=0, **default):
    arguments = {**base.optimizer.arguments, **default}
    optimizer = replace(base.optimizer, search_space=space, arguments=arguments)
    return Source(replace(base, optimizer=optimizer), sampler, seed, repeat)


@pytest.mark.parametrize("sampler", FIXED)
def test_settings_lie_in_the_space_and_come_back(sampler):
    default, *drawn = draw_settings(source(sampler=sampler), 9)
    assert default == {}
    assert len(drawn) == 8
    again = draw_settings(source(dict(reversed(SPACE.items())), sampler), 9)
    assert again == [default, *drawn]
    for point in drawn:
        assert 1e-4 <= point["lr"] <= 1e-1
        assert 0.9 <= point["betas.1"] <= 0.999
        assert point["k"] in range(2, 10)
        assert point["nesterov"] in (True, False)


@pytest.mark.parametrize("sampler", FIXED)
def test_a_tuning_of_one_setting_tries_the_default(sampler):
    assert draw_settings(source(sampler=sampler), 1) == [{}]


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_a_larger_tuning_keeps_the_settings_of_a_smaller(sampler):
    drawn = source(sampler=sampler)
    assert draw_settings(drawn, 25)[:8] == draw_settings(drawn, 8)
    assert draw_settings(drawn, 50)[:25] == draw_settings(drawn, 25)


@pytest.mark.parametrize("sampler", FIXED)
def test_no_setting_of_a_small_space_comes_twice(sampler):
    space = {"lr": {"choice": [1e-3, 1e-2, 1e-1]}}
    inside = draw_settings(source(space, sampler), 8)
    assert inside[0] == {}  # which is lr=0.001
    assert sorted(point["lr"] for point in inside[1:]) == [1e-2, 1e-1]
    outside = draw_settings(source(space, sampler, lr=0.5), 8)
    assert sorted(point["lr"] for point in outside[1:]) == [1e-3, 1e-2, 1e-1]


@pytest.mark.parametrize("sampler", ["sobol", "random"])
def test_a_tuning_has_all_its_settings_where_some_are_drawn_twice(sampler):
    small = source({"k": {"linear": [1, 4]}, "lr": {"choice": [1e-3, 1e-2, 1e-1]}}, sampler)
    drawn = draw_settings(small, 12)
    assert len({repr(point) for point in drawn}) == len(drawn) == 12
    assert draw_settings(small, 6) == drawn[:6]


def other(**changes):
    return source(base=replace(BASE, **changes))


def named(name, **changes):
    return other(optimizer=replace(BASE.optimizer, name=name, **changes))


def test_no_two_tunings_share_settings():
    task = replace(BASE.task, name="langid")
    sources = [
        source(),
        *(source(repeat=repeat) for repeat in range(1, 20)),
        source(seed=1),
        source({**SPACE, "lr": {"log": [1e-4, 1e-2]}}),
        source(eps=1e-6),
        named("adamax", target="torch.optim.Adamax"),
        named("amsgrad"),
        named("adam", clip_norm=1.0),
        named("adam", rest=Component("adamw", "torch.optim.AdamW", {"lr": 0.1})),
        named("adam", rest=Component("sgd", "torch.optim.SGD", {"lr": 0.1})),
        named("adam", param_groups="no_decay"),
        other(task=task),
        other(task=replace(task, version=2)),
        other(data_fingerprint="another"),
        other(model=Component("mlp", BASE.model.target, {"hidden": [32]})),
        other(batch_size=64),
        other(budget=Budget(120, 20)),
        other(budget=Budget(60, 30)),
        other(precision="bf16-mixed"),
        other(stop_at_target=True),
        other(schedule=Component("cosine", "bench.schedules.cosine")),
    ]
    rates = [point["lr"] for one in sources for point in draw_settings(one, 9)[1:]]
    # four digits of three decades leave some room for chance
    assert len(set(rates)) > 0.97 * len(rates)
    assert len({one.identify() for one in sources}) == len(sources)


def test_what_says_nothing_of_the_comparison_moves_no_setting():
    for same in (
        source(lr=0.5),  # the default of what is tuned
        named("adam", version="torch 9.9", code="another digest"),
        other(seed=7),
        source(base=BASE.within(study="another", data_dir="elsewhere")),
    ):
        assert draw_settings(same, 9) == draw_settings(source(), 9)


def test_sobol_settings_fill_every_eighth_of_a_range():
    _, *drawn = draw_settings(source({"lr": {"log": [1e-4, 1e-1]}}), 9)
    cells = {math.floor(8 * (math.log10(point["lr"]) + 4) / 3) for point in drawn}
    assert cells == set(range(8))


def test_a_grid_has_equal_cells():
    space = {"a": {"linear": [0.0, 1.0]}, "b": {"linear": [0.0, 1.0]}}
    _, *drawn = draw_settings(source(space, "grid"), 5)
    corners = {(0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)}
    assert {(point["a"], point["b"]) for point in drawn} == corners


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_adaptive_draws_follow_what_they_are_told(sampler):
    pytest.importorskip("optuna")
    space = {"lr": {"log": [1e-4, 1e-1]}, "m": {"linear": [0.0, 1.0]}}

    def draw(good):
        drawn = OptunaDraw(source(space, sampler, m=0.9), "minimize")
        assert drawn.ask() == {}
        drawn.tell(abs(math.log10(0.001 / good)))
        found = []
        for _ in range(40):
            point = drawn.ask()
            assert 1e-4 <= point["lr"] <= 1e-1
            found.append(point)
            drawn.tell(abs(math.log10(point["lr"] / good)))
        return found

    assert draw(3e-2) == draw(3e-2)
    later = [point["lr"] for point in draw(3e-2)[20:]]
    assert sum(abs(math.log10(lr / 3e-2)) < 0.5 for lr in later) > 12  # 7 if it did not look


def test_a_trial_that_did_not_finish_can_be_told():
    pytest.importorskip("optuna")
    drawn = OptunaDraw(source({"lr": {"log": [1e-4, 1e-1]}}, "tpe"), "maximize")
    for _ in range(2):  # the default and one more
        drawn.ask()
        drawn.tell(math.nan)
    assert 1e-4 <= drawn.ask()["lr"] <= 1e-1


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes"])
@pytest.mark.parametrize(("lr", "known"), [(1e-4, True), (1e-1, True), (1e-5, False), (0.0, False)])
def test_an_adaptive_draw_is_told_the_default_first(sampler, lr, known):
    pytest.importorskip("optuna")
    if sampler == "gp":
        pytest.importorskip("scipy")
    space = {"lr": {"log": [1e-4, 1e-1]}, "nesterov": {"choice": [True, False]}}
    drawn = OptunaDraw(source(space, sampler, lr=lr, nesterov=False), "maximize")
    assert drawn.ask() == {}
    drawn.tell(0.9)
    (memory,) = drawn._study.trials or [None]
    assert (memory is not None) == known
    if known:
        assert memory.value == 0.9
        assert memory.params == {"lr": {1e-4: 0.0, 1e-1: 1.0}[lr], "nesterov": False}
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
