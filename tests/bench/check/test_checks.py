"""Single checks on what they must tell apart."""

import math

import pytest
import torch

from bench.check import constructor, converges, cost, declarations, effects, groups, scheduler
from bench.check.findings import Failed
from bench.check.problems import (
    IllConditioned,
    Large,
    LargeRows,
    Network,
    Parabola,
    Rosenbrock,
    Rows,
    Scalar,
)
from bench.check.runner import Runner, copy_tensors, distance, identical
from bench.spec import Component, NotApplicable
from bench.spec.needs import NEEDS
from tests.helpers.checks import HEAVY_BALL, spec

ADAM = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0}
ADAMW = Component("rest", "torch.optim.AdamW", {"lr": 3e-4, "weight_decay": 0.0})


@pytest.mark.parametrize("make", [Parabola, Rosenbrock, IllConditioned, Network, Scalar, Rows])
def test_problems_are_the_same_every_time(make):
    first, second = make(), make()
    assert identical(list(first.parameters()), list(second.parameters()))
    assert torch.equal(first.loss(), second.loss())
    assert first.value() > 0


def test_the_parabola_is_half_the_squared_distance_to_its_goal():
    problem = Parabola()
    problem.loss().backward()
    gradient = torch.cat([p.grad.flatten() for p in problem.parameters()])
    assert torch.equal(gradient, problem.flat().detach() - problem.goal)
    assert problem.value().item() == pytest.approx(0.5 * gradient.square().sum().item())


def test_rosenbrock_is_zero_at_ones_alone():
    problem = Rosenbrock()
    assert problem.value().item() == pytest.approx(71 * 24.2 / 100, rel=0.05)  # its usual start
    for parameter in problem.parameters():
        parameter.data.fill_(1.0)
    assert problem.value() == 0


def test_curvatures_of_the_ill_conditioned_differ_a_thousandfold():
    problem = IllConditioned()
    values = torch.linalg.eigvalsh(problem.curvatures[0])
    assert (values[-1] / values[0]).item() == pytest.approx(1000, rel=1e-2)


def test_the_network_has_noise_that_is_one_per_step_and_dies_away():
    problem = Network()
    assert torch.equal(problem.loss(), problem.loss())
    sizes = [row.norm() for row in problem.noise]
    assert sizes[0] > 100 * sizes[-1]
    problem.muted = True
    problem.loss().backward()
    without = {name for name, p in problem.named_parameters() if p.grad is None}
    assert without == {"spare.weight", "spare.bias", "kernel.weight", "kernel.bias"}


def test_large_problems_are_as_large_as_their_docstrings_say():
    assert sum(p.numel() for p in Large().parameters()) == 85002
    assert sum(p.numel() for p in LargeRows().parameters()) == 85248


def test_a_drive_is_a_loop_by_hand():
    drive = Runner(spec("Good"), Network()).run(5)
    problem = Network()
    momenta = [torch.zeros_like(p) for p in problem.parameters()]
    for step in range(5):
        problem.step = step
        gradients = torch.autograd.grad(problem.loss(), list(problem.parameters()))
        for p, m, g in zip(problem.parameters(), momenta, gradients, strict=True):
            m.mul_(0.9).add_(g)
            p.data.sub_(0.1 * m)
    assert distance(drive.values(), copy_tensors(problem.parameters())) < 1e-6
    assert drive.gradients == 5


def test_an_upward_optimizer_does_not_decrease_anything():
    with pytest.raises(Failed, match="does not fall at any learning rate"):
        converges.check_parabola(spec("torch.optim.SGD", {"lr": 0.1, "maximize": True}))


def test_what_raises_at_one_rate_may_do_at_another():
    refuses = {**HEAVY_BALL, "lr": 3.0}
    assert "at lr=0.3" in converges.check_parabola(spec("RaisesWhereTooFast", refuses))
    with pytest.raises(FloatingPointError):
        converges.check_parabola(spec("RaisesWhereTooFast", {**HEAVY_BALL, "lr": 3000.0}))


def test_a_rate_a_hundred_times_too_large_is_found():
    assert "at lr=1" in converges.check_parabola(spec("torch.optim.SGD", {"lr": 100.0}))
    assert converges.tame_rate(spec("torch.optim.SGD", {"lr": 30.0})).arguments["lr"] < 1


def test_nesterov_needs_a_momentum_and_a_threshold_another_value():
    sgd = {"lr": 0.1, "momentum": 0.0, "nesterov": False, "dampening": 0.0, "weight_decay": 0.0}
    assert effects.check_effects(spec("torch.optim.SGD", sgd)) == "5 of them"
    rmsprop = {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.0, "centered": False}
    assert effects.check_effects(spec("torch.optim.RMSprop", rmsprop)) == "5 of them"


def test_nested_and_listed_hyperparameters_are_tried_each():
    muon = spec(
        "torch.optim.Muon",
        {"lr": 0.02, "momentum": 0.95, "ns_coefficients": [3.4445, -4.775, 2.0315]},
        param_groups="matrices",
        rest=ADAMW,
    )
    assert effects.check_effects(muon) == "7 of them"


def test_what_acts_on_an_average_that_nobody_uses_is_told_from_nothing():
    asgd = {"lr": 0.01, "t0": 1e6}
    with pytest.raises(Failed, match="t0 changes state, but no parameter"):
        effects.check_effects(spec("torch.optim.ASGD", asgd))


def test_words_and_null_are_left_with_a_word():
    adafactor = {"lr": 0.01, "beta2_decay": -0.8, "eps": [None, 1e-3], "d": 1.0}
    said = effects.check_effects(spec("torch.optim.Adafactor", adafactor))
    assert said == "4 of them; not tried: eps.0"


@pytest.mark.parametrize("value", [False, 0, 5, 0.0, 0.9, 1e-8, -0.8, math.inf])
def test_candidates_are_others_of_the_same_kind(value):
    found = effects.list_candidates(value)
    assert value not in found
    assert found
    assert isinstance(found[0], type(value))


def test_switches_that_are_refused_here_are_said():
    said = constructor.check_switches(spec("torch.optim.Adam", {**ADAM, "capturable": False}))
    assert said.startswith("capturable=True is refused here: ")
    with pytest.raises(NotApplicable):
        constructor.check_switches(spec("torch.optim.Adam", ADAM))


def test_bad_values_of_nested_parts():
    muon = spec("torch.optim.Muon", {"lr": 0.02}, param_groups="matrices", rest=ADAMW)
    assert constructor.check_bad_values(muon) == "3 of them"  # lr, rest.lr, rest.weight_decay


@pytest.mark.parametrize(
    ("target", "arguments", "rest"),
    [
        ("torch.optim.Adam", ADAM, {}),
        ("torch.optim.AdamW", ADAM, {"param_groups": "no_decay_1d"}),
        ("torch.optim.Muon", {"lr": 0.02}, {"param_groups": "matrices", "rest": ADAMW}),
    ],
)
def test_groups_of_every_rule(target, arguments, rest):
    mine = spec(target, arguments, **rest)
    said = groups.check_learning_rates(mine)
    assert said.startswith("2 groups")
    assert ("is taken for the head" in said) == (mine.param_groups == "matrices")
    assert groups.check_own_state(mine)


def test_an_optimizer_of_one_group_is_not_asked_for_two():
    lbfgs = spec("torch.optim.LBFGS", {"lr": 1.0}, needs=("closure",))
    with pytest.raises(NotApplicable, match="refuses two groups: LBFGS doesn't support"):
        groups.check_learning_rates(lbfgs)
    assert groups.check_own_state(lbfgs)


def test_a_rate_that_acts_at_the_start_only_is_no_schedule():
    rprop = {"lr": 0.01}
    with pytest.raises(Failed, match="halved on the way changes nothing"):
        scheduler.check_schedule(spec("torch.optim.Rprop", rprop))
    with pytest.raises(NotApplicable):
        scheduler.check_schedule(spec("torch.optim.Rprop", rprop, schedules=("constant",)))


@pytest.mark.filterwarnings("ignore:.*create_graph=True.*:UserWarning")
@pytest.mark.parametrize("need", ["two_gradients", "create_graph", "random"])
def test_a_need_for_nothing(need):
    with pytest.raises(Failed, match=f"declares {need} without using it"):
        declarations.check_needs(spec("Good", needs=(need,)))


def test_needs_that_are_used():
    lbfgs = spec("torch.optim.LBFGS", {"lr": 1.0, "max_iter": 3}, needs=("closure",))
    assert declarations.check_needs(lbfgs) == "closure"
    assert cost.measure_gradients(lbfgs).value > 1
    assert declarations.check_needs(spec("Good")) == ""


def test_chance_is_to_be_declared():
    assert declarations.check_needs(spec("Noisy", needs=("random",))) == "random"
    with pytest.raises(Failed, match="random is not declared"):
        declarations.check_needs(spec("Noisy"))


def test_a_limit():
    equals = {"_target_": "torch.optim.SGD", "lr": 0.1}
    assert declarations.check_limit(
        spec("Good", limit={"when": {"momentum": 0.0}, "equals": equals})
    )
    with pytest.raises(Failed, match=r"of the way from torch\.optim\.SGD"):
        declarations.check_limit(spec("Good", limit={"when": {"momentum": 0.01}, "equals": equals}))
    with pytest.raises(NotApplicable):
        declarations.check_limit(spec("Good"))


def test_sparse_gradients_have_their_own_problems():
    sparse = spec("torch.optim.SparseAdam", {"lr": 1e-3}, needs=("sparse_gradients",))
    assert "at lr=" in converges.check_parabola(sparse)
    with pytest.raises(NotApplicable):
        converges.check_rosenbrock(sparse)
    assert cost.measure_memory(sparse).value == pytest.approx(2)


def test_memory_is_counted_once_wherever_it_is():
    assert cost.measure_memory(spec("torch.optim.SGD", {"lr": 0.1})).value == 0
    assert cost.measure_memory(spec("torch.optim.SGD", HEAVY_BALL)).value == 1
    muon = spec("torch.optim.Muon", {"lr": 0.02}, param_groups="matrices", rest=ADAMW)
    matrices, rest = 64 * 256 + 256 * 256, 256 + 256 + 256 * 10 + 10
    expected = (matrices + 2 * rest) / (matrices + rest)
    assert cost.measure_memory(muon).value == pytest.approx(expected, rel=1e-3)


def test_what_the_table_of_needs_calls_checked_is_checked_and_nothing_else():
    assert declarations.USED.keys() == {name for name, need in NEEDS.items() if need.checked}


def test_an_evaluation_point_is_another_and_left_again():
    averaging = spec("EvaluatedElsewhere", needs=("eval_mode",))
    assert declarations.check_needs(averaging) == "eval_mode"
    assert declarations.check_modes(averaging) == ""
    with pytest.raises(Failed, match="declares eval_mode without using it"):
        declarations.check_needs(spec("HasModes", needs=("eval_mode",)))
    with pytest.raises(Failed, match=r"train\(\) after eval\(\) is .* off"):
        declarations.check_modes(spec("StaysAway", needs=("eval_mode",)))
    with pytest.raises(NotApplicable):
        declarations.check_modes(spec("Good"))
