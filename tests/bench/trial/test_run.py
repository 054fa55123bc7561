"""One trial, against loops written by hand."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from bench.build import components
from bench.runtime.lightning import pl
from bench.spec import Component, Phase, RefusedInput, Status
from bench.spec.errors import Terminated
from bench.trial.batches import Batches
from bench.trial.clock import TrainClock
from bench.trial.evaluation import evaluate
from bench.trial.run import run_trial
from bench.trial.state import Diverged, TrialState
from tests.helpers.specs import trial_spec


def by_hand(spec, make_optimizer, factor=lambda step: 1.0):
    """The trial as anybody would write it: losses and the trained model."""
    task = components.build_task(
        spec.task,
        components.load_dataset(
            "digits", spec.task.data, spec.context.data_dir, spec.context.download
        ),
    )
    inputs, targets = task.tensors("train", torch.device("cpu"))
    torch.manual_seed(spec.seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    optimizer = make_optimizer(model.parameters())
    base = optimizer.param_groups[0]["lr"]
    losses = []
    order = torch.Generator().manual_seed(spec.seed)
    rows = torch.cat([torch.randperm(len(targets), generator=order)[: 33 * 32] for _ in range(9)])
    for step in range(spec.budget.steps):
        batch = rows[step * 32 : step * 32 + 32]
        optimizer.param_groups[0]["lr"] = base * factor(step)

        def closure(batch=batch):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs[batch]), targets[batch])
            loss.backward()
            return loss

        losses.append(optimizer.step(closure).item())
    model.eval()
    accuracy = {}
    for split in ("val", "test"):
        inputs, targets = task.tensors(split, torch.device("cpu"))
        with torch.no_grad():
            accuracy[split] = (model(inputs).argmax(1) == targets).double().mean().item()
    return losses, accuracy


def test_the_size_of_the_test_split_is_recorded_by_who_opened_it():
    spec = trial_spec(steps=20)
    tested = run_trial(spec).summary
    shut = run_trial(dataclasses.replace(spec, phase=Phase.SELECT)).summary
    targets = components.build_task(
        spec.task,
        components.load_dataset(
            "digits", spec.task.data, spec.context.data_dir, spec.context.download
        ),
    ).tensors("test", torch.device("cpu"))[1]
    assert tested["test_examples"] == len(targets) > 300
    assert "test_examples" not in shut


def test_equals_a_loop_written_by_hand():
    spec = trial_spec(target="torch.optim.SGD", point={"lr": 0.1, "momentum": 0.9}, steps=70)
    result = run_trial(spec)
    losses, accuracy = by_hand(spec, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
    assert result.status is Status.FINISHED
    assert [point.step for point in result.curve] == [20, 40, 60, 70]
    last = result.final
    assert last["train/loss"] == pytest.approx(sum(losses[60:]) / 10, rel=1e-6)
    assert last["val/accuracy"] == accuracy["val"]
    assert last["test/accuracy"] == accuracy["test"]
    assert "test/accuracy" not in result.curve[0].values


def test_the_schedule_moves_every_step():
    spec = trial_spec(
        target="torch.optim.SGD",
        point={"lr": 0.5},
        schedule=Component("linear", "bench.schedules.linear", {"warmup": 0.1}),
    )
    factor = components._instantiate("schedule", spec.schedule, spec.budget.steps)
    losses, accuracy = by_hand(spec, lambda p: torch.optim.SGD(p, lr=0.5), factor)
    result = run_trial(spec)
    assert result.curve[-1].values["train/loss"] == pytest.approx(sum(losses[40:]) / 20, rel=1e-6)
    assert result.final["test/accuracy"] == accuracy["test"]


def test_a_closure_optimizer_reevaluates_the_loss():
    spec = trial_spec(
        target="torch.optim.LBFGS", point={"lr": 0.5, "max_iter": 4}, needs=("closure",), steps=20
    )
    result = run_trial(spec)
    losses, accuracy = by_hand(spec, lambda p: torch.optim.LBFGS(p, lr=0.5, max_iter=4))
    assert result.curve[-1].values["train/loss"] == pytest.approx(sum(losses) / 20, rel=1e-6)
    assert result.final["test/accuracy"] == accuracy["test"]
    without = run_trial(
        dataclasses.replace(spec, optimizer=dataclasses.replace(spec.optimizer, needs=()))
    )
    assert without.status is Status.FAILED
    assert "missing 1 required positional argument: 'closure'; does it need" in without.reason


class TakesNoClosure(torch.optim.SGD):
    """As Muon's, whose step has no argument."""

    def step(self):
        super().step()


@pytest.mark.parametrize("schedule", ["constant", "linear"])
def test_an_optimizer_that_declares_no_closure_is_given_none(schedule):
    usual, ours = (
        run_trial(
            trial_spec(
                target=target,
                point={"lr": 0.5},
                steps=20,
                schedule=Component(schedule, f"bench.schedules.{schedule}", {"warmup": 0.1}),
            )
        )
        for target in ("torch.optim.SGD", f"{__name__}.TakesNoClosure")
    )
    assert ours.status is Status.FINISHED
    assert ours.curve[-1].values["train/loss"] == usual.curve[-1].values["train/loss"]


def test_same_seed_same_record_whatever_ran_before():
    spec = trial_spec()
    first = run_trial(spec)
    torch.rand(7)
    run_trial(dataclasses.replace(spec, seed=5))
    second = run_trial(spec)

    def untimed(result):
        return [
            (p.step, {k: v for k, v in p.values.items() if k != "train_time_s"})
            for p in result.curve
        ]

    assert untimed(first) == untimed(second)
    other = run_trial(dataclasses.replace(spec, seed=5))
    assert untimed(first) != untimed(other)


def test_batches_depend_on_the_seed_alone():
    inputs, targets = torch.arange(10.0), torch.arange(10)
    seen = [rows.tolist() for rows in Batches(inputs, targets, 4, 5, seed=3).iterate_indices()]
    torch.rand(3)
    assert seen == [
        rows.tolist() for rows in Batches(inputs, targets, 4, 5, seed=3).iterate_indices()
    ]
    assert seen != [
        rows.tolist() for rows in Batches(inputs, targets, 4, 5, seed=4).iterate_indices()
    ]
    for epoch in (seen[:2], seen[2:4]):  # two full batches an epoch, none twice, the rest left out
        assert len({row for batch in epoch for row in batch}) == 8
    x, y = next(iter(Batches(inputs, targets, 4, 1, seed=3)))
    assert x.tolist() == y.tolist() == seen[0]


@pytest.mark.parametrize(("lr", "what"), [(1e30, "training loss"), (math.nan, "training loss")])
def test_a_diverged_trial_ends_early_as_a_result(lr, what):
    result = run_trial(trial_spec(target="tests.helpers.faulty.AnyLR", point={"lr": lr}, steps=400))
    assert result.status is Status.DIVERGED
    assert what in result.reason
    assert result.summary["diverged_step"] == 2
    assert result.curve == ()


def test_nonfinite_parameters_are_divergence_too():
    spec = trial_spec(target="tests.helpers.faulty.BreaksUnusedParameter", steps=40, eval_every=20)
    spec = dataclasses.replace(
        spec, model=Component("with_spare", "tests.helpers.faulty.WithSpareParameter")
    )
    result = run_trial(spec)
    assert result.status is Status.DIVERGED
    assert result.reason == "non-finite parameter at step 20"


def test_an_exception_is_a_result_with_its_traceback():
    result = run_trial(trial_spec(target="tests.helpers.faulty.Raises", point={"at": 30}))
    assert result.status is Status.FAILED
    assert result.reason == "ArithmeticError: step 30 went wrong"
    assert "faulty.py" in result.traceback
    assert [point.step for point in result.curve] == [20]


def test_target_is_the_first_evaluation_at_or_past_it():
    reached = run_trial(trial_spec(goal=0.5, steps=200, point={"lr": 0.01}))
    first = next(p for p in reached.curve if p.values["val/accuracy"] >= 0.5)
    assert reached.summary["steps_to_target"] == first.step
    assert reached.summary["train_time_to_target_s"] == first.values["train_time_s"]
    missed = run_trial(trial_spec(goal=1.0, steps=20))
    assert "steps_to_target" not in missed.summary


def test_stopping_at_the_target_ends_there():
    result = run_trial(trial_spec(goal=0.5, steps=200, point={"lr": 0.01}, stop_at_target=True))
    assert result.status is Status.FINISHED
    assert result.curve[-1].step == result.summary["steps_to_target"] < 200
    assert "test/accuracy" in result.final


def test_training_time_leaves_evaluation_out(monkeypatch):
    now = iter([0.0, 1.0, 50.0, 52.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    clock = TrainClock(torch.device("cpu"))
    for _ in range(2):
        clock.start()
        clock.stop()
    assert clock.seconds == 3.0


def test_evaluation_is_exact_and_leaves_the_mode_alone():
    spec = trial_spec()
    task = components.build_task(
        spec.task,
        components.load_dataset(
            "digits", spec.task.data, spec.context.data_dir, spec.context.download
        ),
    )
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Dropout(0.5)).train()
    inputs, targets = task.tensors("val", torch.device("cpu"))
    values = evaluate(task, model, "val", torch.device("cpu"))
    assert model.training
    logits = model.eval()(inputs).double()
    expected = nn.functional.cross_entropy(logits, targets).item()
    assert values["val/loss"] == pytest.approx(expected, rel=1e-6)
    assert values["val/accuracy"] == (logits.argmax(1) == targets).double().mean().item()


def test_refuses_an_accelerator_that_is_not_there():
    spec = trial_spec()
    absent = "mps" if not torch.backends.mps.is_available() else "tpu"
    with pytest.raises(RefusedInput, match=f"accelerator={absent}"):
        run_trial(
            spec.within(hardware=dataclasses.replace(spec.context.hardware, accelerator=absent))
        )


def test_diverged_names_what_and_when():
    assert str(Diverged("training loss", 7)) == "non-finite training loss at step 7"


def test_a_test_metric_that_is_not_finite_is_no_finish():
    state = TrialState(trial_spec(), {})
    state.add_evaluation(60, {"val/loss": 1.0, "val/accuracy": 0.5}, {"train_time_s": 1.0})
    state.finish({"test/loss": math.nan, "test/accuracy": 0.4}, {"train_time_s": 1.0})
    assert state.result.status is Status.DIVERGED
    assert state.result.reason == "non-finite test loss at step 60"
    assert "test/accuracy" not in state.result.final
    assert "test/accuracy" not in state.result.curve[-1].values


def test_a_target_metric_that_is_not_measured_fails_with_those_that_are():
    state = TrialState(trial_spec(), {})
    with pytest.raises(KeyError, match=r"'accuracy' was not measured .* but loss, rmse"):
        state.add_evaluation(60, {"val/loss": 1.0, "val/rmse": 0.5}, {})


def test_sigterm_of_lightning_is_no_failure_of_the_trial(monkeypatch):
    def end(trainer, *_, **__):
        trainer._signal_connector.received_sigterm = True
        raise pl.utilities.exceptions.SIGTERMException

    monkeypatch.setattr("pytorch_lightning.Trainer.fit", end)
    with pytest.raises(Terminated):
        run_trial(trial_spec())
