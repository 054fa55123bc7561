"""Linear models: exact where a line decides, a closed form for bytes, none for other inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from bench.check.linear import UNSEEN, fit_linear
from tasks.base import Task
from tasks.data.dataset import Dataset, Split
from tasks.image import ImageClassification
from tasks.language import LanguageModelling
from tasks.segmentation import Segmentation
from tasks.synthetic import Rosenbrock
from tasks.text import TextClassification

CPU = torch.device("cpu")


def accuracy(task: Task) -> float:
    model = fit_linear(task)
    assert model is not None
    inputs, targets = task.tensors("test", CPU)
    sums = task.sums(model(inputs[:]), targets[:])
    return float(task.metrics(sums, len(targets))["accuracy"])


def alike(split: Split, **facts: object) -> Dataset:
    return Dataset(split, split, split, **facts)  # type: ignore[arg-type]


def test_images_that_a_pixel_tells_apart() -> None:
    labels = np.arange(300) % 3
    images = np.random.default_rng(0).normal(size=(300, 1, 4, 4)).astype(np.float32)
    images[np.arange(300), 0, 0, labels] += 20
    task = ImageClassification(alike(Split(images, labels), classes=("a", "b", "c")))
    assert accuracy(task) == 1.0


def test_texts_that_a_token_tells_apart_whatever_its_place() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(200) % 2
    tokens = random.integers(4, 50, (200, 6))
    tokens[np.arange(200), random.integers(0, 3, 200)] = 1 + labels
    tokens[:, 4:] = 0  # padding
    task = TextClassification(
        alike(Split(tokens, labels), classes=("no", "yes"), vocabulary_size=50)
    )
    assert accuracy(task) == 1.0


def test_pixels_alone_and_a_class_that_never_occurs() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 8, 8)).astype(np.uint8)
    labels = (images[:, 0] > 127).astype(np.int64)
    labels[0, 0, 0] = 255
    data = alike(Split(images, labels), classes=("dark", "light", "neither"), ignored=255)
    task = Segmentation(data)
    assert accuracy(task) > 0.99
    model = fit_linear(task)
    assert model is not None
    logits = model(task.tensors("test", CPU)[0][:2])
    assert logits.shape == (2, 3, 8, 8)
    assert (logits[:, 2] == UNSEEN).all()


def test_bytes_by_the_table_of_what_follows() -> None:
    """After 1 comes 2 three times and 1 once: with one more of each of 4 bytes, (3 + 1) / 8."""
    text = np.array([[1, 2, 1, 2, 1, 1, 2, 3]], dtype=np.uint8)
    split = Split(text[:, :-1].copy(), text[:, 1:].copy())
    model = fit_linear(LanguageModelling(alike(split, vocabulary_size=4)))
    assert model is not None
    logits = model(torch.tensor([[1, 3]], dtype=torch.uint8))
    assert logits.shape == (1, 2, 4)
    assert logits[0, 0].exp().tolist() == pytest.approx([1 / 8, 2 / 8, 4 / 8, 1 / 8])
    assert logits[0, 1].exp().tolist() == pytest.approx([1 / 4] * 4)
    assert math.isclose(float(logits.exp().sum()), 2.0, rel_tol=1e-6)


def test_none_where_there_is_nothing_linear() -> None:
    noise = Split(np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32))
    assert fit_linear(Rosenbrock(alike(noise))) is None
