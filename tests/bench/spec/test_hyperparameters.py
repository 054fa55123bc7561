import pytest

from bench.spec import Component, OptimizerSpec, RefusedInput
from bench.spec.hyperparameters import at, flat, hyperparameters

LOOKAHEAD = OptimizerSpec(
    "lookahead",
    "some.Lookahead",
    {"k": 5, "betas": [0.9, 0.99], "base": {"_target_": "some.SGD", "lr": 0.1}},
    point={"k": 5},
    rest=Component("adamw", "torch.optim.AdamW", {"lr": 0.001, "betas": [0.8, 0.9]}),
    clip_norm=1.0,
)
NAMES = {
    "k": 5,
    "betas.0": 0.9,
    "betas.1": 0.99,
    "base.lr": 0.1,
    "rest.lr": 0.001,
    "rest.betas.0": 0.8,
    "rest.betas.1": 0.9,
    "clip_norm": 1.0,
}


def test_every_hyperparameter_has_one_name():
    assert hyperparameters(LOOKAHEAD) == NAMES


def test_a_recorded_config_names_them_the_same():
    recorded = {
        "arguments": dict(LOOKAHEAD.arguments),
        "rest": {"name": "adamw", "arguments": dict(LOOKAHEAD.rest.arguments)},
        "clip_norm": 1.0,
    }
    assert hyperparameters(recorded) == NAMES
    assert hyperparameters({"arguments": {"lr": 0.1}, "rest": None}) == {"lr": 0.1}


def test_what_does_not_clip_has_no_clip_norm():
    assert hyperparameters(OptimizerSpec("sgd", "torch.optim.SGD", {"lr": 0.1})) == {"lr": 0.1}


def test_empty_parts_stay_whole():
    assert flat({"a": [], "b": {}, "c": [[1, 2], 3]}) == {
        "a": [],
        "b": {},
        "c.0.0": 1,
        "c.0.1": 2,
        "c.1": 3,
    }


@pytest.mark.parametrize("name", NAMES)
def test_one_moves_and_the_others_stay(name):
    moved = at(LOOKAHEAD, {name: 7.5})
    assert hyperparameters(moved) == NAMES | {name: 7.5}
    assert moved.point == {"k": 5, name: 7.5}
    assert hyperparameters(LOOKAHEAD) == NAMES


def test_several_move_at_once():
    values = {"betas.0": 0.5, "betas.1": 0.6, "rest.lr": 1.0}
    moved = at(LOOKAHEAD, values)
    assert moved.arguments["betas"] == [0.5, 0.6]
    assert moved.arguments["base"] == {"_target_": "some.SGD", "lr": 0.1}
    assert moved.rest.arguments == {"lr": 1.0, "betas": [0.8, 0.9]}


def test_an_optimizer_s_own_clip_norm_is_its_argument():
    own = OptimizerSpec("own", "some.Own", {"clip_norm": 2.0})
    moved = at(own, {"clip_norm": 3.0})
    assert moved.arguments == {"clip_norm": 3.0}
    assert moved.clip_norm is None


@pytest.mark.parametrize("name", ["base.rl", "betas.2", "betas", "rest", "base._target_"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(RefusedInput, match=rf"lookahead: no hyperparameter '{name}'; .*base\.lr"):
        at(LOOKAHEAD, {name: 1})
