"""What tasks hand to models, their loss and their sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from tasks.base import Task
from tasks.data import digits
from tasks.data.dataset import Dataset, Split
from tasks.image import ImageClassification, compute_channel_statistics
from tasks.text import TextClassification

CPU = torch.device("cpu")


def images(channels: int, dtype: type) -> Dataset:
    rng = np.random.default_rng(0)
    split = Split(
        rng.integers(0, 256, (6, channels, 4, 4)).astype(dtype), np.arange(6, dtype=np.int64) % 3
    )
    other = Split(split.inputs[:2] // 2, split.targets[:2])
    return Dataset(split, other, other, ("a", "b", "c"))


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (3, np.float32)])
def test_images_are_standardised_by_the_training_split(channels: int, dtype: type) -> None:
    data = images(channels, dtype)
    task = ImageClassification(data)
    train, _ = task.tensors("train", CPU)
    assert train.dtype == torch.float32
    torch.testing.assert_close(train.mean(dim=(0, 2, 3)), torch.zeros(channels), atol=1e-6, rtol=0)
    torch.testing.assert_close(train.std(dim=(0, 2, 3), correction=0), torch.ones(channels))
    whole = data.train.inputs.astype(np.float64)
    mean, std = (getattr(whole, name)(axis=(0, 2, 3), keepdims=True) for name in ("mean", "std"))
    expected = (data.val.inputs - mean) / std
    np.testing.assert_allclose(task.tensors("val", CPU)[0], expected, rtol=1e-5, atol=1e-6)


def test_scaling_to_the_unit_interval_changes_nothing() -> None:
    data = images(3, np.float32)
    scaled = Dataset(
        *(Split(s.inputs / 255, s.targets) for s in (data.train, data.val, data.test)),
        classes=data.classes,
    )
    torch.testing.assert_close(
        ImageClassification(data).tensors("val", CPU)[0],
        ImageClassification(scaled).tensors("val", CPU)[0],
    )


def test_a_constant_channel_becomes_zero() -> None:
    mean, std = compute_channel_statistics(np.full((5, 1, 2, 2), 7, dtype=np.uint8))
    assert mean.item() == 7 and std.item() == 1


@pytest.mark.parametrize("channels", [1, 3])
def test_images_and_batches_of_them_lie_channels_last(channels: int) -> None:
    train, _ = ImageClassification(images(channels, np.uint8)).tensors("train", CPU)
    batch = train[torch.tensor([4, 0])]
    assert train.stride() == batch.stride() == (16 * channels, 1, 4 * channels, channels)


def test_tensors_are_made_once_for_each_split() -> None:
    task: Task = ImageClassification(digits.load(data_dir="", download=False))
    assert task.tensors("train", CPU)[0] is task.tensors("train", CPU)[0]
    assert task.tensors("train", CPU)[0] is not task.tensors("val", CPU)[0]
    assert task.model_arguments() == {"input_shape": (1, 8, 8), "num_classes": 10}


def test_tokens_arrive_as_embeddings_take_them() -> None:
    split = Split(np.array([[1, 255, 0]], dtype=np.uint8), np.zeros(1, dtype=np.int64))
    task = TextClassification(Dataset(split, split, split, ("a", "b"), vocabulary_size=256))
    tokens, targets = task.tensors("test", CPU)
    assert tokens.dtype == targets.dtype == torch.int64 and tokens.tolist() == [[1, 255, 0]]
    assert task.model_arguments() == {"vocabulary_size": 256, "max_length": 3, "num_classes": 2}


def test_loss_and_sums_by_hand() -> None:
    """Softmax of (log 3, 0) is (3/4, 1/4); of (0, 0) it is (1/2, 1/2), the tie going to class 0."""
    task = ImageClassification(images(1, np.uint8))
    outputs = torch.tensor([[math.log(3), 0.0], [math.log(3), 0.0], [0.0, 0.0]])
    targets = torch.tensor([0, 1, 0])
    total = math.log(4 / 3) + math.log(4) + math.log(2)
    sums = task.sums(outputs, targets)
    assert sums["loss"].item() == pytest.approx(total)
    assert sums["accuracy"].item() == 2
    assert task.loss(outputs, targets).item() == pytest.approx(total / 3)


def test_sums_of_uneven_batches_make_the_metrics_of_the_whole() -> None:
    task = ImageClassification(images(1, np.uint8))
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(103, 5, generator=generator)
    targets = torch.randint(5, (103,), generator=generator)
    batches = [
        task.sums(outputs[start : start + 10], targets[start : start + 10])
        for start in range(0, 103, 10)
    ]
    metrics = {name: sum(b[name].item() for b in batches) / 103 for name in ("loss", "accuracy")}
    probabilities = outputs.double().softmax(dim=1).numpy()
    predicted = outputs.argmax(dim=1)
    assert metrics["loss"] == pytest.approx(log_loss(targets, probabilities), rel=1e-6)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(targets, predicted))
