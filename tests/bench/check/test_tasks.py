"""Checks of tasks: those of a sound one pass, and each fault is found by its own check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.build import components
from bench.check.findings import Check, Failed, Measurement
from bench.check.tasks import TASK_CHECKS, Subject
from bench.spec import Component, NotApplicable, Target, TaskSpec
from tasks.base import Task
from tasks.data.dataset import Dataset, Split
from tasks.image import ImageClassification
from tests.helpers.specs import trial_spec

BY_NAME = {check.name: check for check in TASK_CHECKS}


def load(*, data_dir: str, download: bool) -> Dataset:
    """Three classes of 4x4 images, of which one in two is of class 0."""

    def split(count: int, seed: int) -> Split:
        drawn = np.random.default_rng(seed)
        targets = drawn.permuted(np.resize([0, 1, 0, 2], count)).astype(np.int64)
        images = drawn.standard_normal((count, 1, 4, 4)).astype(np.float32)
        images += targets[:, None, None, None]
        return Split(images, targets)

    return Dataset(split(96, 0), split(60, 1), split(60, 2), ("a", "b", "c"))


class Confident(nn.Module):
    """Sure of class 0 from the first step on, and untouched by training."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(16, num_classes)
        nn.init.zeros_(self.head.weight)
        self.register_buffer("sure", torch.tensor([40.0] + [0.0] * (num_classes - 1)))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images.flatten(1)).detach() + self.sure + 0 * self.head.bias


class Counting(nn.Module):
    """Counts its own evaluations."""

    def __init__(self, input_shape: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(16, num_classes)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        self.seen += 1
        return self.head(images.flatten(1))


class Drawing(Counting):
    """Draws a number whenever it is asked, which nothing seeds."""

    def forward(self, images: Tensor) -> Tensor:
        return self.head(images.flatten(1)) * (1 + np.random.default_rng().random())


class Doubled(ImageClassification):
    """Trains on twice the loss that it reports."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return 2 * super().loss(outputs, targets)


class OfMeans(ImageClassification):
    """Adds up means instead of sums."""

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        found = super().sums(outputs, targets)
        return {name: value / len(targets) * 60 for name, value in found.items()}


class Unlabelled(Task):
    """A regression: its outputs are no logits."""

    inputs = "images"

    def prepare(self, examples: Split) -> Tensor:
        return torch.tensor(examples.inputs)

    def prepare_targets(self, examples: Split) -> Tensor:
        return torch.tensor(examples.targets, dtype=torch.float32)

    def model_arguments(self) -> dict[str, Any]:
        return {"input_shape": (1, 4, 4), "num_classes": 1}

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets).square().mean()

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        return {"loss": (outputs[:, 0] - targets).square().sum()}


def subject(
    task: str = "tasks.image.ImageClassification",
    model: str = "tasks.models.image.MLP",
    target: Target | None = None,
    **arguments: Any,
) -> Subject:
    here = f"{__name__}."
    data = Component("", f"{here}load")
    spec = trial_spec(point={"lr": 1e-3}, steps=4)
    full = TaskSpec(
        "three",
        task if task.startswith("tasks.") else here + task,
        arguments,
        data=data,
        target_metric=target or Target("accuracy", "maximize", 0.9),
    )
    module = Component("m", model if model.startswith("tasks.") else here + model)
    fingerprint = components.load_dataset(
        "three", data, spec.context.data_dir, spec.context.download
    ).fingerprint
    return Subject.of(
        replace(spec, task=full, model=module, batch_size=16, data_fingerprint=fingerprint)
    )


@pytest.mark.parametrize("check", TASK_CHECKS, ids=lambda check: check.name)
def test_a_sound_task_passes(check: Check[Subject]) -> None:
    assert check.run(subject()) is not None


@pytest.mark.parametrize("name", ["loss_is_metric", "overfits"])
def test_labels_that_training_smooths_are_checked_as_they_are(name: str) -> None:
    assert BY_NAME[name].run(subject(label_smoothing=0.3)) is not None


def test_what_is_measured() -> None:
    guess = BY_NAME["constant"].run(subject())
    assert isinstance(guess, Measurement)
    assert guess.value == pytest.approx(0.5)  # one in two is of class 0
    size = BY_NAME["parameters"].run(subject(model="Counting"))
    assert isinstance(size, Measurement)
    assert size.value == 16 * 3 + 3
    assert BY_NAME["splits"].run(subject()) == "96 + 60 + 60 examples, 3 classes"


FAULTS: dict[str, tuple[Callable[[], Subject], str]] = {
    "initial_loss": (lambda: subject(model="Confident"), r"nats, uniform 1\.1"),
    "overfits": (lambda: subject(model="Confident"), "loss of 8 examples after 300 updates"),
    "evaluation": (lambda: subject(model="Counting"), "seen changed"),
    "repeats": (lambda: subject(model="Drawing"), "from one seed"),
    "loss_is_metric": (lambda: subject(task="Doubled"), "loss .*, reported"),
    "exact_sums": (lambda: subject(task="OfMeans"), "in parts"),
    "target": (lambda: subject(target=Target("rmse", "minimize", 1.0)), "rmse is not measured"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found(name: str) -> None:
    make, said = FAULTS[name]
    with pytest.raises(Failed, match=said):
        BY_NAME[name].run(make())


def test_a_target_that_stands_before_training_is_none() -> None:
    with pytest.raises(Failed, match="before training: at the target"):
        BY_NAME["target"].run(subject(target=Target("accuracy", "maximize", 0.0)))


@pytest.mark.parametrize("name", ["initial_loss", "constant"])
def test_what_is_no_classification_has_no_uniform_guess(name: str) -> None:
    with pytest.raises(NotApplicable, match="no logits"):
        BY_NAME[name].run(subject(task="Unlabelled", target=Target("loss", "minimize", None)))


def test_inputs_that_splits_share_are_counted() -> None:
    sound = subject()
    train = sound.data.train
    twice = replace(sound.data, test=Split(train.inputs[:3], train.targets[:3]), fingerprint="")
    shared = BY_NAME["shared"].run(replace(sound, data=twice))
    assert isinstance(shared, Measurement)
    assert shared.value == 3
    assert shared.text == "3 of 3 test inputs occur in an earlier split too"
