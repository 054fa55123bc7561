"""A model or task that keeps a state in Python is never stacked: its passes would share it."""

import dataclasses
import itertools
import math
import random
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench import tracking
from bench.spec import Component
from bench.stack.stackable import explain_unstackable
from tasks.image import ImageClassification
from tests.helpers.specs import trial_spec

CALLS: dict[str, int] = {"calls": 0}


class Linear(nn.Module):
    """A linear classifier; ``scale`` is its state in Python."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(math.prod(input_shape), num_classes)

    def scale(self) -> float:
        return 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)) * self.scale()


class Attribute(Linear):
    calls = 0

    def scale(self):
        self.calls += 1
        return 1.0 + self.calls // 100


class OfItsClass(Linear):
    count: ClassVar[list[int]] = [0]

    def scale(self):
        self.count[0] += 1
        return 1.0 + self.count[0] // 100


class Global(Linear):
    def scale(self):
        return count_globally()


def count_globally():
    CALLS["calls"] += 1
    return 1.0 + CALLS["calls"] // 100


def make_enclosed(input_shape, num_classes):
    calls = 0

    class Enclosed(Linear):
        def scale(self):
            nonlocal calls
            calls += 1
            return 1.0 + calls // 100

    return Enclosed(input_shape, num_classes)


class Default(Linear):
    def scale(self, calls=[0]):  # noqa: B006
        calls[0] += 1
        return 1.0 + calls[0] // 100


class Iterates(Linear):
    def __init__(self, input_shape, num_classes):
        super().__init__(input_shape, num_classes)
        self.scales = itertools.cycle([1.0, 1.5])

    def scale(self):
        return next(self.scales)


class Generates(Linear):
    def __init__(self, input_shape, num_classes):
        super().__init__(input_shape, num_classes)
        self.generator = None

    def scale(self):
        if self.generator is None:
            self.generator = (1.0 + at for at in itertools.count())
        return next(self.generator)


class Draws(Linear):
    def scale(self):
        return 1.0 if random.random() < 0.9 else 0.0


class DrawsNumPy(Linear):
    def scale(self):
        return float(np.random.rand())


class Remembers(Linear):
    """A tensor that is no buffer."""

    def __init__(self, input_shape, num_classes):
        super().__init__(input_shape, num_classes)
        self.mean = torch.zeros(())

    def scale(self):
        self.mean = 0.9 * self.mean + 0.1
        return 1.0 + float(self.mean)


class CountsWhereItTrains(Linear):
    steps = 0

    def scale(self):
        self.steps += self.training
        return 1.0 + self.steps // 100


class CountingTask(ImageClassification):
    calls = 0

    def loss(self, outputs, targets):
        self.calls += 1
        return super().loss(outputs, targets)


class CountingAugmentation(ImageClassification):
    calls = 0

    def augment(self, inputs, targets, generator):
        self.calls += 1
        return inputs, targets


MODELS_WITH_STATE = [
    *[Attribute, OfItsClass, Global, Default, Iterates, Generates, Draws, DrawsNumPy, Remembers],
    CountsWhereItTrains,
]


def of_model(name):
    return dataclasses.replace(trial_spec(), model=Component(name, f"{__name__}.{name}"))


@pytest.mark.parametrize("name", [*[one.__name__ for one in MODELS_WITH_STATE], "make_enclosed"])
def test_a_model_with_a_state_in_python_is_found(name):
    reason = explain_unstackable(of_model(name))
    assert reason.startswith(name)
    assert "vmap" in reason or "in a forward pass, which a stack has once" in reason


@pytest.mark.parametrize("name", ["CountingTask", "CountingAugmentation"])
def test_a_task_with_a_state_in_python_is_found(name):
    spec = trial_spec()
    task = dataclasses.replace(spec.task, target=f"{__name__}.{name}")
    assert f"{name}.calls" in explain_unstackable(dataclasses.replace(spec, task=task))


def test_a_model_without_one_is_stacked():
    assert explain_unstackable(of_model("Linear")) == ""


def test_the_reason_names_the_attribute():
    assert explain_unstackable(of_model("Attribute")) == (
        "Attribute changes Attribute.calls in a forward pass, which a stack has once"
    )


def test_a_model_that_counts_gives_the_same_record_where_stacks_are_asked_for(
    optbench, uri, tmp_path
):
    folder = tmp_path / "my_conf" / "model"
    folder.mkdir(parents=True)
    (folder / "counts.yaml").write_text(f"_target_: {__name__}.Attribute\ninputs: images\n")
    words = ["--config-dir", str(folder.parent), "-m", "task=digits", "model=counts", "seed=0,1"]
    words += ["budget.steps=120", "report=false", "optimizer=sgd"]
    curves = []
    for launcher in ("basic", "stacked"):
        ended = optbench(*words, f"hydra/launcher={launcher}", f"study={launcher}")
        assert ended.code == 0, ended.err
        curves.append(
            [
                [{k: v for k, v in p.values.items() if k != "train_time_s"} for p in one]
                for one in sorted(
                    (record.result.curve for record in tracking.read(uri, launcher)), key=str
                )
            ]
        )
    assert len(curves[0]) == 2
    assert curves[0] == curves[1]
