"""Segmentation: mIoU from exact sums, ignored pixels, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, jaccard_score, log_loss

from bench.trial import evaluation
from bench.trial.evaluation import evaluate
from tasks.data.dataset import Dataset, InvalidData, Split
from tasks.models.segmentation import UNet
from tasks.segmentation import Segmentation

CPU = torch.device("cpu")
CLASSES = ("sky", "sea", "land", "never")
EDGE = 200


def scenes(count: int = 10, edge: bool = True) -> Split:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, (count, 8, 8)).astype(np.int64)
    if edge:
        labels[:, 0] = EDGE
    images = random.standard_normal((count, 2, 8, 8)).astype(np.float32)
    return Split(images, labels)


def task(edge: bool = True) -> Segmentation:
    split = scenes(edge=edge)
    return Segmentation(Dataset(split, split, split, CLASSES, ignored=EDGE if edge else None))


@pytest.mark.parametrize("edge", [False, True])
def test_metrics_over_uneven_batches_are_those_of_scikit_learn(edge, monkeypatch) -> None:
    monkeypatch.setattr(
        evaluation, "choose_batch_size", lambda *_: 3
    )  # 10 scenes: the last batch has one
    ours = task(edge)
    torch.manual_seed(0)
    model = UNet(**ours.model_arguments(), channels=(4, 8))
    found = evaluate(ours, model, "test", CPU)
    images, _ = ours.tensors("test", CPU)
    logits = model(images).detach().double().permute(0, 2, 3, 1).reshape(-1, len(CLASSES))
    truth = scenes(edge=edge).targets.reshape(-1)
    kept = truth != EDGE
    truth, guess = truth[kept], logits.argmax(dim=1).numpy()[kept]
    assert found["test/miou"] == pytest.approx(jaccard_score(truth, guess, average="macro"))
    assert found["test/accuracy"] == pytest.approx(accuracy_score(truth, guess), rel=1e-12)
    expected = log_loss(truth, logits.softmax(dim=1).numpy()[kept], labels=range(len(CLASSES)))
    assert found["test/loss"] == pytest.approx(expected, rel=1e-6)


def test_miou_by_hand() -> None:
    """True 0 0 0 1, predicted 0 0 1 1: 2 of 3, 1 of 2; what is nowhere counts in no mean."""
    outputs = F.one_hot(torch.tensor([[[0, 0], [1, 1]]]), 4).permute(0, 3, 1, 2).float()
    ours = task()
    sums = ours.sums(outputs, torch.tensor([[[0, 0], [0, 1]]], dtype=torch.uint8))
    assert sums["confusion"].tolist() == [[2, 1, 0, 0], [0, 1, 0, 0], [0] * 4, [0] * 4]
    found = ours.metrics({name: total.double() for name, total in sums.items()}, 1)
    assert found["miou"].item() == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["accuracy"].item() == 3 / 4


def test_ignored_pixels_move_neither_loss_nor_gradient() -> None:
    ours = task()
    _, labels = ours.tensors("train", CPU)
    assert labels.dtype == torch.uint8 and labels.shape == (10, 8, 8)
    outputs = torch.randn(10, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    outputs.requires_grad_()
    loss = ours.loss(outputs, labels)
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert gradient[:, :, 0].abs().max() == 0 and gradient[:, :, 1:].abs().min() > 0
    rest = F.cross_entropy(outputs[:, :, 1:], labels[:, 1:].long())
    torch.testing.assert_close(loss, rest)


def test_a_label_for_each_pixel_is_needed() -> None:
    images, labels = scenes(edge=False)
    with pytest.raises(InvalidData, match=r"labels of shape \[10, 8, 7\] for images of"):
        split = Split(images, labels[:, :, :7])
        Segmentation(Dataset(split, split, split, CLASSES))


def test_a_label_that_is_neither_class_nor_ignored_is_refused() -> None:
    split = scenes()
    with pytest.raises(InvalidData, match=r"train targets: 200 at \[0, 0, 0\] is no class"):
        Dataset(split, split, split, CLASSES)
    with pytest.raises(InvalidData, match=r"200 at .* is no class"):
        Dataset(split, split, split, CLASSES, ignored=255)


def test_a_size_that_cannot_be_halved_is_refused() -> None:
    with pytest.raises(ValueError, match=r"3 levels need .* 4 divides, not 8 x 6"):
        UNet((1, 8, 6), 2, channels=(4, 4, 4))
