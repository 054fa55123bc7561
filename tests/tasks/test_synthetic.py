"""Functions with a known optimum: values, minima, Adam's path, noise, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import rosen
from torch import Tensor

from bench.build import components
from bench.spec import Component, Target, TaskSpec, TrialSpec
from bench.trial.run import run_trial
from tasks import synthetic
from tasks.data import noise
from tasks.data.dataset import InvalidData
from tasks.landscapes import LANDSCAPES, TASKS, curvature
from tasks.models.synthetic import Point
from tests.helpers.specs import trial_spec

CPU = torch.device("cpu")
CLASSES = {
    cls.name: cls
    for cls in (
        *(synthetic.Beale, synthetic.Rosenbrock, synthetic.Saddle),
        *(synthetic.Rastrigin, synthetic.Valley),
    )
}


def at(x: float, y: float) -> tuple[Tensor, Tensor]:
    return torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)


def two(**options: float) -> noise.Noise:
    return noise.load(data_dir="", download=False, size=2, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LANDSCAPES)
def test_a_landscape_is_zero_and_flat_at_its_minima_and_positive_elsewhere(name: str) -> None:
    landscape = LANDSCAPES[name]
    for minimum in landscape.minima:
        x, y = (one.requires_grad_() for one in at(*minimum))
        value = landscape.function(x, y)
        slopes = torch.autograd.grad(value, (x, y))
        assert abs(value.item()) < 1e-12 and max(abs(one.item()) for one in slopes) < 1e-12
    random = np.random.default_rng(0)
    x, y = (torch.tensor(random.uniform(*ends, 1_000)) for ends in landscape.bounds)
    assert landscape.function(x, y).min() > 0
    for place in (landscape.start, *landscape.minima):
        assert all(
            low <= one <= high for one, (low, high) in zip(place, landscape.bounds, strict=True)
        )


def test_values_by_hand() -> None:
    def value(name: str, x: float, y: float) -> float:
        return LANDSCAPES[name].function(*at(x, y)).item()

    assert value("beale", 0.0, 0.0) == 1.5**2 + 2.25**2 + 2.625**2
    assert value("beale", 1.0, 1.0) == 1.5**2 + 2.25**2 + 2.625**2
    assert value("rosenbrock", -1.2, 1.0) == pytest.approx(rosen([-1.2, 1.0]), rel=1e-14)
    assert value("saddle", 0.0, 0.0) == 1.0
    assert value("rastrigin", 1.0, 0.5) == pytest.approx(1.0 + 0.25 + 20.0)
    assert value("valley", 2.0, 1.0) == 52.0


@pytest.mark.parametrize("name", LANDSCAPES)
def test_arrays_and_tensors_have_the_same_values(name: str) -> None:
    landscape = LANDSCAPES[name]
    random = np.random.default_rng(0)
    x, y = (random.uniform(*ends, 100) for ends in landscape.bounds)
    values = landscape.function(x, y)
    assert isinstance(values, np.ndarray)
    same = landscape.function(torch.tensor(x), torch.tensor(y))
    np.testing.assert_allclose(values, same.numpy(), rtol=1e-12)


def test_a_record_names_the_landscape() -> None:
    assert {f"{cls.__module__}.{cls.__name__}": name for name, cls in CLASSES.items()} == TASKS


def test_curvature_has_the_condition_number_that_is_asked_for() -> None:
    matrix = curvature(20, 1000).double()
    torch.testing.assert_close(matrix, matrix.T, atol=1e-6, rtol=0)
    values = np.linalg.eigvalsh(matrix.numpy())
    np.testing.assert_allclose(values[::-1], np.logspace(0, -3, 20), rtol=1e-3)
    assert (matrix - matrix.diag().diag()).abs().max() > 0.05


def trial(target: str, data: Component, model: Component, **changes: Any) -> TrialSpec:
    """A trial of our Adam with learning rate 0.02 on a task of this family."""
    spec = trial_spec(point={"lr": 0.02}, steps=100, eval_every=1)
    task = TaskSpec("synthetic", target, data=data, target_metric=Target("loss", "minimize", 1e-9))
    fingerprint = components.load_dataset(
        "synthetic", data, spec.context.data_dir, spec.context.download
    ).fingerprint
    parts = {"task": task, "model": model, "batch_size": 1, "data_fingerprint": fingerprint}
    return replace(spec, **(parts | changes))  # type: ignore[arg-type]


def adam_on_rosenbrock(lr: float, steps: int) -> list[tuple[float, float, float]]:
    """Kingma and Ba's Algorithm 1 on the gradient by hand; value, x, y after each step."""
    x = np.array([-1.2, 1.0], np.float32).astype(
        np.float64
    )  # torch's default type rounds the start
    m, v = np.zeros(2), np.zeros(2)
    values = []
    for step in range(1, steps + 1):
        bend = x[1] - x[0] ** 2
        gradient = np.array([-2 * (1 - x[0]) - 400 * x[0] * bend, 200 * bend])
        m = 0.9 * m + (1 - 0.9) * gradient
        v = 0.999 * v + (1 - 0.999) * gradient**2
        x = x - lr * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        value = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        values.append((float(value), *x.tolist()))
    return values


@pytest.mark.parametrize(("precision", "within"), [("64-true", 1e-12), ("32-true", 1e-4)])
def test_a_trial_of_our_adam_on_rosenbrock_is_a_loop_by_hand(precision, within) -> None:
    data = Component("", "tasks.data.noise.load", {"size": 2})
    model = Component("point", "tasks.models.synthetic.Point")
    result = run_trial(trial("tasks.synthetic.Rosenbrock", data, model, precision=precision))
    measured = [[p.values[f"val/{name}"] for name in ("loss", "x", "y")] for p in result.curve]
    np.testing.assert_allclose(measured, adam_on_rosenbrock(0.02, 100), rtol=within)


@pytest.mark.parametrize("name", CLASSES)
def test_value_and_distance_at_start_and_minimum(name: str) -> None:
    task = CLASSES[name](two())
    assert task.model_arguments() == {"start": LANDSCAPES[name].start}
    minima = torch.tensor(LANDSCAPES[name].minima)
    assert task.value(minima).abs().max() < 1e-5 and task.distance(minima).max() == 0
    away = minima[-1:] + torch.tensor([[0.0, 0.1]])
    assert task.distance(away).item() == pytest.approx(0.1, rel=1e-5)


def test_quadratic_by_hand() -> None:
    """Ones, and its gradient is that of a quadratic plus the batch's mean noise."""
    data = noise.load(data_dir="", download=False, size=6, level=0.5, examples=64, condition=100)
    task = synthetic.NoisyQuadratic(data)
    model = Point(**task.model_arguments())
    matrix = curvature(6, 100)
    inputs, targets = task.tensors("train", CPU)
    loss = task.loss(model(inputs[:8]), targets[:8])
    (gradient,) = torch.autograd.grad(loss, model.position)
    torch.testing.assert_close(gradient, matrix @ torch.ones(6) + targets[:8].mean(dim=0))
    assert task.value(model(inputs[:2])).tolist() == pytest.approx([matrix.sum().item() / 2] * 2)


def test_noise_has_its_level_no_mean_and_none_where_it_is_measured() -> None:
    data = two(level=0.3, examples=4_000)
    np.testing.assert_allclose(data.train.targets.std(axis=0), 0.3, rtol=0.05)
    np.testing.assert_allclose(data.train.targets.mean(axis=0), 0, atol=1e-7)
    assert not data.val.targets.any() and not data.test.targets.any()
    assert two(level=0.3, examples=4_000).fingerprint == data.fingerprint


@pytest.mark.parametrize("wrong", [{"level": -1}, {"examples": 0}, {"condition": 0.5}])
def test_options_out_of_range_are_refused(wrong) -> None:
    (name,) = wrong
    with pytest.raises(InvalidData, match=f"task.data.{name}: .* is out of range"):
        two(**wrong)


def test_a_landscape_of_three_parameters_is_refused() -> None:
    with pytest.raises(InvalidData, match="size=2"):
        synthetic.Beale(noise.load(data_dir="", download=False, size=3))


def test_each_seed_starts_near_the_start() -> None:
    starts = []
    for seed in range(400):
        torch.manual_seed(seed)
        starts.append(Point((3.0, -1.0), spread=0.1).position.detach())
    together = torch.stack(starts)
    assert together.mean(dim=0).tolist() == pytest.approx([3.0, -1.0], abs=0.03)
    assert together.std(dim=0).tolist() == pytest.approx([0.1, 0.1], rel=0.15)
    assert Point((3.0, -1.0)).position.tolist() == [3.0, -1.0]
