"""Trials for the tests of stacks, and models of the kinds that need care there."""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor, nn

from bench.build import components
from bench.spec import Component, OptimizerSpec, TrialSpec
from tests.helpers.specs import trial_spec

LANGID = Component("", "tasks.data.langid.load")
MODELS = {
    "mlp": Component("mlp", "tasks.models.image.MLP", {"hidden": [16]}),
    "cnn": Component("cnn", "tasks.models.image.CNN", {"channels": [4, 8], "hidden": 16}),
    "normalised": Component("normalised", "tests.helpers.stack_cases.Normalised"),
    "resnet18": Component("resnet18", "tasks.models.image.resnet18"),
    "dropout": Component("dropout", "tests.helpers.stack_cases.WithDropout"),
    "tied": Component("tied", "tests.helpers.stack_cases.Tied"),
    "hidden_state": Component("hidden_state", "tests.helpers.stack_cases.HiddenState"),
    "bag": Component("bag", "tasks.models.text.Bag", {"buckets": 512}),
    "transformer": Component(
        "transformer", "tasks.models.text.Transformer", {"dim": 16, "heads": 2, "layers": 1}
    ),
    "gru": Component("gru", "tasks.models.text.GRU", {"dim": 4, "hidden": 8}),
    "lstm": Component("lstm", "tasks.models.text.LSTM", {"dim": 4, "hidden": 8}),
}
TEXT = ("bag", "transformer", "gru", "lstm")


def case(
    model: str = "mlp",
    target: str = "bench.optimizers.adam.Adam",
    *,
    seed: int = 0,
    steps: int = 60,
    schedule: str = "constant",
    optimizer: OptimizerSpec | None = None,
    stop_at_target: bool = False,
    goal: float = 2.0,
    **point: object,
) -> TrialSpec:
    """A trial that evaluates four times; ``point`` holds hyperparameters."""
    spec = trial_spec(
        target=target,
        point=point,
        seed=seed,
        steps=steps,
        eval_every=max(1, steps // 4),
        schedule=Component(schedule, f"bench.schedules.{schedule}", {"warmup": 0.1}),
        goal=goal,
        stop_at_target=stop_at_target,
    )
    if optimizer is not None:
        spec = dataclasses.replace(spec, optimizer=optimizer)
    spec = dataclasses.replace(spec, model=MODELS[model])
    if model in TEXT:
        text = "tasks.text.TextClassification"
        task = dataclasses.replace(spec.task, name="langid", target=text, data=LANGID)
        spec = dataclasses.replace(spec, task=task, batch_size=8)
        components.load_dataset("langid", LANGID, spec.context.data_dir, spec.context.download)
    return spec


class Normalised(nn.Module):
    """Batch normalisation after a convolution and after a linear layer."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(input_shape[0], 4, 3, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(4 * 36, 16, bias=False),
            nn.BatchNorm1d(16),
            nn.Linear(16, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class WithDropout(nn.Module):
    """Half of a hidden layer dropped."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        size = math.prod(input_shape)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(size, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, num_classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Tied(nn.Module):
    """One square layer used twice, one parameter not used and one not trained."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        size = math.prod(input_shape)
        self.spare = nn.Parameter(torch.ones(3))
        self.scale = nn.Parameter(torch.tensor(2.0), requires_grad=False)
        self.first = nn.Linear(size, size)
        self.second = nn.Linear(size, size)
        self.second.weight = self.first.weight
        self.output = nn.Linear(size, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.second(self.first(self.scale * x.flatten(1)).relu()))


class HiddenState(nn.Module):
    """Draws numbers that are neither parameters nor buffers: a stack would share the first's."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.features = torch.randn(math.prod(input_shape), 8)
        self.output = nn.Linear(8, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(x.flatten(1) @ self.features)


class OwnMemory(torch.optim.Optimizer):
    """Gradient descent that gives a parameter new memory and takes its gradient away."""

    def __init__(self, params: object, lr: float = 0.1) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                p.data = p.data - group["lr"] * p.grad
                p.grad = None
