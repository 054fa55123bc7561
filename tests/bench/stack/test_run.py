"""Stacked trials against the same trials alone."""

from dataclasses import replace

import pytest
import torch
from scipy import stats

from bench.build import components
from bench.spec import Component, OptimizerSpec, Status
from bench.spec.errors import UserCodeError
from bench.stack.model import StackedModel
from bench.stack.module import StackBatches
from bench.stack.optimizers import (
    FusedTrials,
    SeparateTrials,
    StackedTrial,
    group_trials,
    sort_by_fusion,
)
from bench.stack.run import run_stack
from bench.trial.batches import Batches
from bench.trial.run import build_parts, run_trial
from bench.trial.state import TrialState
from tests.helpers.stack_cases import case

SGD, TORCH_ADAM, ADAMW = (f"torch.optim.{name}" for name in ("SGD", "Adam", "AdamW"))


def stacked(spec, task):
    return StackedTrial(TrialState(spec, {}), *build_parts(spec, task, torch.device("cpu")))


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def untimed(values):
    return {name: value for name, value in values.items() if name != "train_time_s"}


def assert_equal_alone(specs, rel=1e-5):
    """Curves and summaries of a stack are those of its trials run alone."""
    together = run_stack(specs, threads=1)
    for spec, result in zip(specs, together, strict=True):
        assert_same(result, run_trial(spec), rel)
    return together


def assert_same(result, alone, rel):
    assert (result.status, result.reason) == (alone.status, alone.reason)
    assert [point.step for point in result.curve] == [point.step for point in alone.curve]
    for point, expected in zip(result.curve, alone.curve, strict=True):
        assert list(point.values) == list(expected.values)
        assert untimed(point.values) == pytest.approx(untimed(expected.values), rel=rel, abs=1e-9)
    times = {"train_time_to_target_s", "train_time_s", "step_time_ms", "stack_size"}
    if result.status is not Status.FAILED:
        assert result.summary["stack_size"] > 1
    counts = {name: result.summary[name] for name in result.summary.keys() - times}
    assert counts == {name: alone.summary[name] for name in alone.summary.keys() - times}


def weights(specs, train):
    """Final weights of trials that ``train`` trains."""
    made, model = [], components.build_model

    def keep(*arguments):
        made.append(model(*arguments))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(components, "build_model", keep)
        train(specs)
    return [one.state_dict() for one in made]


ENTRANTS = {
    "adam": OptimizerSpec("adam", "bench.optimizers.adam.Adam", {"lr": 1e-3}),
    "torch_adam": OptimizerSpec("torch_adam", TORCH_ADAM, {"lr": 3e-3}),
    "adamw": OptimizerSpec(
        "adamw", ADAMW, {"lr": 3e-3, "weight_decay": 0.1}, param_groups="no_decay_1d"
    ),
    "momentum": OptimizerSpec("momentum", SGD, {"lr": 0.01, "momentum": 0.9}),
    "lion": OptimizerSpec("lion", "pytorch_optimizer.Lion", {"lr": 3e-4}),
    "muon": OptimizerSpec(
        "muon", "torch.optim.Muon", {"lr": 0.02, "momentum": 0.95}, param_groups="matrices"
    ),
    "schedule_free": OptimizerSpec(
        "schedule_free",
        "pytorch_optimizer.ScheduleFreeAdamW",
        {"lr": 2.5e-3},
        needs=("eval_mode",),
    ),
}


def test_weights_after_200_steps_are_those_of_each_trial_alone():
    specs = [
        case(optimizer=entrant, seed=seed, steps=200, schedule=schedule)
        for entrant in ENTRANTS.values()
        for seed, schedule in ((0, "constant"), (1, "cosine"))
    ]
    together = weights(specs, lambda specs: run_stack(specs, threads=1))
    alone = weights(specs, lambda specs: [run_trial(spec) for spec in specs])
    for spec, mine, expected in zip(specs, together, alone, strict=True):
        # torch's Muon iterates in bfloat16: another last digit can become another of bfloat16's
        rel = 5e-2 if spec.optimizer.name == "muon" else 1e-5
        for name, tensor in expected.items():
            largest = float(tensor.abs().max())
            torch.testing.assert_close(
                mine[name], tensor, rtol=rel, atol=rel * largest, msg=spec.label()
            )


@pytest.mark.parametrize(
    ("model", "target", "point"),
    [
        ("mlp", "bench.optimizers.adam.Adam", {"betas": [0.8, 0.99], "weight_decay": 0.01}),
        ("mlp", TORCH_ADAM, {"fused": True, "amsgrad": True}),
        ("cnn", "bench.optimizers.adam.Adam", {}),
        ("bag", "bench.optimizers.adam.Adam", {}),
        ("transformer", "bench.optimizers.adam.Adam", {}),
        ("gru", "bench.optimizers.adam.Adam", {}),
        ("tied", ADAMW, {"weight_decay": 0.1}),
        ("normalised", SGD, {"momentum": 0.9}),
        ("mlp", SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
        ("mlp", "torch.optim.RMSprop", {}),
        ("mlp", "tests.helpers.stack_cases.OwnMemory", {}),
    ],
)
def test_every_kind_of_model_and_optimizer_gives_what_it_gives_alone(model, target, point):
    steps = 20 if model == "transformer" else 60
    lrs = (0.01, 0.03) if "SGD" in target or "Own" in target else (1e-3, 3e-3)
    assert_equal_alone(
        [
            case(model, target, seed=seed, steps=steps, lr=lr, **point)
            for seed, lr in zip((0, 1), lrs, strict=True)
        ]
    )


@pytest.mark.parametrize("target", ["bench.optimizers.adam.Adam", SGD, "torch.optim.NAdam"])
def test_each_trial_has_its_own_schedule(target):
    specs = [case(target=target, schedule=name, lr=3e-3) for name in ("constant", "cosine", "step")]
    assert_equal_alone(specs)


def test_many_optimizers_share_a_stack_and_alike_ones_are_one_step():
    targets = [SGD, "bench.optimizers.adam.Adam", "torch.optim.Adagrad", SGD, TORCH_ADAM]
    specs = [case(target=target, seed=at, lr=0.01) for at, target in enumerate(targets)]
    assert_equal_alone(specs)
    task = components.load_task(specs[0])
    trials = sort_by_fusion([stacked(spec, task) for spec in specs])
    parts = group_trials(trials, StackedModel([trial.model for trial in trials], task))
    assert [(type(part), part.size) for part in parts] == [(FusedTrials, 2), (SeparateTrials, 3)]


def test_groups_of_parameters_and_clipping_are_honoured():
    def spec(clip, decay, seed):
        arguments = {"lr": 1e-2, "weight_decay": decay}
        optimizer = OptimizerSpec(
            "adamw", ADAMW, arguments, param_groups="no_decay_1d", clip_norm=clip
        )
        return case(optimizer=optimizer, seed=seed)

    assert_equal_alone([spec(0.5, 0.1, 0), spec(None, 1.0, 1), spec(0.1, 0.0, 2)])


@pytest.mark.parametrize(
    "optimizer",
    [
        OptimizerSpec("lion", "pytorch_optimizer.Lion", {"lr": 1e-3}),
        OptimizerSpec(
            "muon",
            "torch.optim.Muon",
            {"lr": 1e-2},
            param_groups="matrices",
            rest=Component("rest", ADAMW, {"lr": 3e-3}),
        ),
        OptimizerSpec(
            "schedulefree",
            "pytorch_optimizer.ScheduleFreeAdamW",
            {"lr": 1e-2},
            needs=("eval_mode",),
        ),
        OptimizerSpec("named", ADAMW, {"lr": 3e-3}, needs=("named_parameters",)),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_optimizers_of_other_packages_run_unmodified(optimizer):
    pytest.importorskip("pytorch_optimizer")
    specs = [case(optimizer=optimizer, seed=0), case(optimizer=optimizer, seed=1), case(seed=0)]
    assert_equal_alone(specs, rel=1e-4 if optimizer.name == "muon" else 1e-5)


def test_a_trial_that_goes_wrong_touches_no_other():
    broken = case(target="tests.helpers.faulty.AnyLR", lr=1e30, seed=3)
    unused = case(target="tests.helpers.faulty.BreaksUnusedParameter", seed=4)
    raising = case(target="tests.helpers.faulty.Raises", at=20, seed=5)
    explodes = case(target=SGD, lr=1e30, seed=1)
    healthy = [case(target=SGD, lr=0.1, seed=0), case(lr=1e-3, seed=1), case(seed=2, lr=1e-2)]
    results = assert_equal_alone(
        [broken, healthy[0], explodes, raising, healthy[1], unused, healthy[2]]
    )
    statuses = [result.status for result in results]
    assert statuses == [
        "diverged",
        "finished",
        "diverged",
        "failed",
        "finished",
        "diverged",
        "finished",
    ]
    assert "step 20 went wrong" in results[3].traceback
    assert "faulty.py" in results[3].traceback


def test_all_going_wrong_ends_the_stack():
    specs = [case(target=SGD, lr=1e30, seed=seed, steps=4000) for seed in (0, 1)]
    results = run_stack(specs, threads=1)
    assert [result.summary["diverged_step"] for result in results] == [2, 2]
    failing = [case(target="tests.helpers.faulty.Raises", seed=seed, steps=4000) for seed in (0, 1)]
    assert {result.status for result in run_stack(failing, threads=1)} == {Status.FAILED}


def test_stopping_at_the_target_is_each_trials_own():
    options = {"stop_at_target": True, "goal": 0.6, "steps": 80}
    results = assert_equal_alone([case(lr=lr, **options) for lr in (1e-3, 1e-2)])
    first, second = (result.curve[-1].step for result in results)
    assert first > second
    assert all("test/accuracy" in result.final for result in results)


def test_time_is_shared_and_never_called_time_to_target():
    slow, fast = run_stack([case(goal=0.1), case(goal=0.1, seed=1)], threads=1)
    assert slow.summary["train_time_s"] == fast.summary["train_time_s"]
    assert slow.summary["steps_to_target"] == slow.curve[0].step
    assert "train_time_to_target_s" not in slow.summary
    assert slow.environment["threads"] == "1"


def test_dropout_is_equal_in_distribution():
    specs = [case("dropout", seed=seed, steps=24, lr=3e-3) for seed in range(64)]
    together = [result.curve[-1].values["train/loss"] for result in run_stack(specs, threads=1)]
    alone = [run_trial(spec).curve[-1].values["train/loss"] for spec in specs]
    assert stats.ks_2samp(together, alone).pvalue > 0.01
    assert len(set(together)) == len(together)
    pairs = stats.pearsonr(together, alone).statistic  # same weights and batches, other masks
    assert pairs < 0.999


def test_trials_of_one_seed_differ_under_dropout():
    first, second = run_stack([case("dropout", steps=8), case("dropout", steps=8)], threads=1)
    assert first.curve[0].values["train/loss"] != second.curve[0].values["train/loss"]


@pytest.mark.parametrize(
    "augment",
    [
        {},
        {"crop": 2, "flip": True, "cutout": 3},
        {"rand_augment": 2},
        {"crop": 1, "rand_augment": 1, "mixup": 0.2},
    ],
)
def test_batches_are_those_of_each_seed_alone(augment):
    specs = [case(seed=seed, steps=3) for seed in (5, 0, 5)]
    arguments = {"augment": augment} if augment else {}
    specs = [replace(one, task=replace(one.task, arguments=arguments)) for one in specs]
    task = components.load_task(specs[0])
    trials = [stacked(spec, task) for spec in specs]
    cpu = torch.device("cpu")
    alone = [Batches.from_spec(spec, task, cpu) for spec in specs]
    for (x, y), *singles in zip(StackBatches(task, cpu, trials), *alone, strict=True):
        for slot, (own_x, own_y) in enumerate(singles):
            assert torch.equal(x[slot], own_x)
            assert torch.equal(y[slot], own_y)
            assert x[slot].is_contiguous(memory_format=torch.channels_last)  # as alone
            assert own_x.is_contiguous(memory_format=torch.channels_last)


def test_threads_are_set_back_and_points_are_reported_as_they_come():
    torch.set_num_threads(1)
    seen, ended = [], []
    specs = [case(seed=0, steps=8), case(target="tests.helpers.faulty.Raises", at=3, steps=8)]
    run_stack(
        specs,
        lambda at, point: seen.append((at, point.step)),
        lambda at, result: ended.append((at, str(result.status))),
        threads=2,
    )
    assert torch.get_num_threads() == 1
    assert seen == [(0, 2), (1, 2), (0, 4), (0, 6), (0, 8)]
    assert ended == [(1, "failed"), (0, "finished")]


def test_a_shared_failure_is_no_trials_own(monkeypatch):
    monkeypatch.setattr(StackedModel, "compute_losses", lambda *_: 1 / 0)
    ended = []
    with pytest.raises(UserCodeError, match="ZeroDivisionError"):
        run_stack([case(), case(seed=1)], on_end=lambda *end: ended.append(end), threads=1)
    assert ended == []


def test_specs_that_cannot_be_built_are_refused():
    from bench.spec import RefusedInput

    wrong = replace(case(), model=Component("mlp", "tasks.models.image.MLP", {"x": 1}))
    with pytest.raises(RefusedInput, match="cannot build"):
        run_stack([case(), wrong], threads=1)
