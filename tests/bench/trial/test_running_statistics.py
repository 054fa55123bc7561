"""Running statistics (BatchNorm) follow one gradient a step, and belong to what is evaluated."""

import dataclasses

import pytest
import torch
from torch import nn

from bench.build import components
from bench.spec import Component, OptimizerSpec, Status
from bench.stack.stackable import explain_unstackable
from bench.trial.run import run_trial
from bench.trial.update import Gradient, recalibrate_statistics
from tests.helpers.specs import trial_spec

NORMALISED = Component("normalised", "tests.helpers.stack_cases.Normalised")
SCHEDULE_FREE = OptimizerSpec(
    "free", "pytorch_optimizer.ScheduleFreeAdamW", {"lr": 0.01}, needs=("eval_mode",)
)


@pytest.mark.parametrize(("needs", "follows"), [(("two_gradients",), 1), ((), 3)])
def test_only_the_first_gradient_of_a_step_is_followed(needs, follows):
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    inputs = [torch.randn(8, 3) for _ in range(3)]
    given = iter(inputs)
    gradient = Gradient(torch.optim.SGD(model.parameters(), lr=0.1), model, needs)
    gradient.bind(lambda: model(next(given)).sum())
    for _ in range(3):
        gradient()
    mean = torch.zeros(3)
    for batch in inputs[:follows]:
        mean = 0.9 * mean + 0.1 * batch.mean(0)
    torch.testing.assert_close(model[0].running_mean, mean)
    assert gradient.count == 3


def test_recalibrated_statistics_are_those_of_the_batches_and_go_again():
    torch.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1)).train()
    before = {name: value.clone() for name, value in model.named_buffers()}
    batches = list(torch.randn(4, 8, 3))
    state = torch.get_rng_state()
    with recalibrate_statistics(model, batches):
        expected = torch.stack([batch.mean(0) for batch in batches]).mean(0)
        torch.testing.assert_close(model[0].running_mean, expected)
        variances = torch.stack([batch.var(0) for batch in batches]).mean(0)
        torch.testing.assert_close(model[0].running_var, variances)
    for name, value in model.named_buffers():
        assert torch.equal(value, before[name])
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert model[0].momentum == 0.1


def test_an_averaged_point_is_evaluated_with_statistics_of_its_own(monkeypatch):
    """By hand: after training, at the averaged weights, statistics from training batches."""
    spec = dataclasses.replace(trial_spec(steps=40), model=NORMALISED, optimizer=SCHEDULE_FREE)
    made, model_of, optimizer_of = {}, components.build_model, components.build_optimizer

    def keep_model(*arguments):
        made["model"] = model_of(*arguments)
        return made["model"]

    def keep_optimizer(*arguments):
        made["optimizer"] = optimizer_of(*arguments)
        return made["optimizer"]

    monkeypatch.setattr(components, "build_model", keep_model)
    monkeypatch.setattr(components, "build_optimizer", keep_optimizer)
    result = run_trial(spec)
    assert result.status is Status.FINISHED
    model, optimizer, task = made["model"], made["optimizer"], components.load_task(spec)
    inputs, _ = task.tensors("train", torch.device("cpu"))
    test, targets = task.tensors("test", torch.device("cpu"))
    optimizer.eval()
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))[: 50 * 32]
    torch.optim.swa_utils.update_bn(inputs[order].split(32), model)
    model.eval()
    with torch.no_grad():
        accuracy = (model(test).argmax(1) == targets).double().mean().item()
    assert result.final["test/accuracy"] == pytest.approx(accuracy)


def test_such_trials_are_not_stacked():
    spec = dataclasses.replace(trial_spec(), model=NORMALISED, optimizer=SCHEDULE_FREE)
    assert "running statistics" in explain_unstackable(spec)
    adam = dataclasses.replace(spec, optimizer=trial_spec().optimizer)
    assert explain_unstackable(adam) == ""
