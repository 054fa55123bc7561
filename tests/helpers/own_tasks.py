"""Tasks of a user's own: metrics that are no classification's, targets that are no labels."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from tasks.base import Task
from tasks.data.dataset import Dataset, Split


def plane(*, data_dir: str, download: bool) -> Dataset:
    """Points [N, 3] and a noisy linear function of them [N]: float targets, no classes."""
    del data_dir, download
    numbers = np.random.default_rng(0)

    def split(n: int) -> Split:
        x = numbers.standard_normal((n, 3)).astype(np.float32)
        return Split(x, x @ np.array([1.0, -2.0, 0.5], np.float32))

    return Dataset(split(256), split(64), split(64))


def grids(*, data_dir: str, download: bool) -> Dataset:
    """Grids [N, 2, 4, 4] and the class of every cell [N, 4, 4]: where channel 0 exceeds 1."""
    del data_dir, download
    numbers = np.random.default_rng(0)

    def split(n: int) -> Split:
        x = numbers.standard_normal((n, 2, 4, 4)).astype(np.float32)
        return Split(x, (x[:, 0] > x[:, 1]).astype(np.int64))

    return Dataset(split(256), split(64), split(50), classes=("below", "above"))


def patches(*, data_dir: str, download: bool) -> Dataset:
    """Patches [N, 1, 8, 8] and for each pixel whether it is bright; a row does not count."""

    def split(count: int, seed: int) -> Split:
        images = np.random.default_rng(seed).standard_normal((count, 1, 8, 8)).astype(np.float32)
        labels = (images[:, 0] > 0).astype(np.uint8)
        labels[:, 0] = 9
        return Split(images, labels)

    return Dataset(split(40, 0), split(11, 1), split(11, 2), ("dark", "bright"), ignored=9)


class Regression(Task):
    """Mean absolute error; no sum is called ``loss``."""

    inputs = "points"

    def prepare(self, examples):
        return torch.tensor(examples.inputs)

    def model_arguments(self):
        return {"features": self.dataset.train.inputs.shape[1]}

    def loss(self, outputs, targets):
        return nn.functional.l1_loss(outputs, targets)

    def sums(self, outputs, targets):
        return {"mae": (outputs - targets).abs().sum()}


class Cells(Task):
    """Mean intersection over union from a confusion matrix, exact over the whole split."""

    inputs = "grids"

    def prepare(self, examples):
        return torch.tensor(examples.inputs)

    def model_arguments(self):
        return {"channels": 2, "classes": len(self.dataset.classes)}

    def loss(self, outputs, targets):
        return nn.functional.cross_entropy(outputs, targets)

    def sums(self, outputs, targets):
        classes = len(self.dataset.classes)
        one_hot = nn.functional.one_hot
        truth = one_hot(targets, classes).flatten(0, 2).double()
        guess = one_hot(outputs.argmax(1), classes).flatten(0, 2).double()
        return {"confusion": truth.T @ guess}

    def metrics(self, sums, count):
        confusion = sums["confusion"]
        hit = confusion.diagonal()
        return {
            "miou": (hit / (confusion.sum(0) + confusion.sum(1) - hit)).mean(),
            "accuracy": hit.sum() / confusion.sum(),
        }


class Linear(nn.Module):
    """One number from each point."""

    def __init__(self, features):
        super().__init__()
        self.layer = nn.Linear(features, 1)

    def forward(self, x):
        return self.layer(x).squeeze(-1)


class PerCell(nn.Module):
    """Logits for each cell from that cell alone."""

    def __init__(self, channels, classes):
        super().__init__()
        self.layer = nn.Conv2d(channels, classes, 1)

    def forward(self, x):
        return self.layer(x)
