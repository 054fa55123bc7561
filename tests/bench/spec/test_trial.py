import dataclasses
import math

import pytest

from bench.spec import (
    Budget,
    Component,
    Hardware,
    OptimizerSpec,
    RefusedInput,
    RunContext,
    Target,
    TaskSpec,
    TrialOrigin,
    TrialSpec,
    point_label,
)
from tests.helpers.specs import trial_spec


def test_target_reached_by_direction():
    assert Target("accuracy", "maximize", 0.9).reached(0.9)
    assert not Target("accuracy", "maximize", 0.9).reached(0.89)
    assert Target("loss", "minimize", 0.5).reached(0.5)
    assert not Target("loss", "minimize", 0.5).reached(0.51)
    assert not Target("loss", "minimize", 0.5).reached(math.nan)
    assert not Target("loss", "minimize").reached(-1.0)


def test_target_refuses_an_unknown_direction():
    with pytest.raises(RefusedInput, match="'up' is unknown; use maximize or minimize"):
        Target("accuracy", "up")


def test_budget_always_evaluates_after_the_last_step():
    budget = Budget(steps=25, eval_every=10)
    assert [s for s in range(1, 26) if budget.evaluates_at(s)] == [10, 20, 25]


def test_budget_refuses_nonsense():
    with pytest.raises(RefusedInput, match=r"budget.steps: -5"):
        Budget(-5, 1)
    with pytest.raises(RefusedInput, match=r"budget.eval_every: 0"):
        Budget(5, 0)


def test_hash_sees_what_affects_the_result():
    spec = trial_spec()
    others = [
        dataclasses.replace(spec, seed=1),
        dataclasses.replace(spec, batch_size=16),
        dataclasses.replace(spec, budget=Budget(6, 5)),
        dataclasses.replace(spec, precision="bf16-mixed"),
        dataclasses.replace(spec, data_fingerprint="other"),
        dataclasses.replace(
            spec, model=Component("mlp", "tasks.models.image.MLP", {"hidden": [8]})
        ),
        dataclasses.replace(spec, optimizer=dataclasses.replace(spec.optimizer, version="2.0")),
        dataclasses.replace(spec, task=dataclasses.replace(spec.task, version=2)),
    ]
    assert len({s.config_hash for s in [spec, *others]}) == 9


def test_hash_ignores_what_does_not():
    spec = trial_spec()
    others = [
        spec.within(study="another"),
        spec.within(data_dir="/elsewhere", download=True),
        spec.within(hardware=Hardware(threads=8)),
        dataclasses.replace(spec, origin=TrialOrigin(reference="sgd")),
        dataclasses.replace(spec, optimizer=dataclasses.replace(spec.optimizer, search_space={})),
    ]
    assert {s.config_hash for s in others} == {spec.config_hash}


def test_label_names_the_point():
    spec = trial_spec(point={"lr": 0.01})
    assert spec.label() == "digits · adam · lr=0.01 · seed 0"
    assert point_label({}) == "default"


def test_label_names_a_model_that_is_not_the_tasks_own():
    spec = dataclasses.replace(trial_spec(), usual_model="mlp")
    assert spec.label() == "digits · adam · default · seed 0"
    other = dataclasses.replace(spec, usual_model="cnn")
    assert other.label() == "digits · mlp · adam · default · seed 0"
    assert other.config_hash == spec.config_hash


@pytest.mark.parametrize(("key", "value"), [("batch_size", 0), ("seed", -1), ("seed", 2**32)])
def test_spec_refuses_values_out_of_range(key, value):
    with pytest.raises(RefusedInput, match=f"{key}: {value}"):
        dataclasses.replace(trial_spec(), **{key: value})


@pytest.mark.parametrize("kind", [Component, OptimizerSpec, Target, TaskSpec, Budget, TrialSpec])
def test_each_field_says_how_it_enters_the_hash(kind):
    rules = {one.name: one.metadata["hash"] for one in dataclasses.fields(kind)}
    assert set(rules.values()) <= {"always", "if_changed", "never"}


def test_where_a_trial_runs_and_comes_from_is_not_in_its_hash():
    spec = trial_spec()
    elsewhere = dataclasses.replace(
        spec,
        context=RunContext("other", "data2", True, Hardware(threads=3), fresh=True, generation=2),
        origin=TrialOrigin(reference="sgd"),
    )
    assert elsewhere != spec and elsewhere.config_hash == spec.config_hash
