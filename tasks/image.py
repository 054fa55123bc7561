"""Image classification: one label for each image."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tasks.augment.augmentation import Augment, Augmentation
from tasks.augment.mixup import mix
from tasks.augment.rand_augment import RandAugment
from tasks.base import Classification
from tasks.data.dataset import Dataset, InvalidData, Split
from tasks.data.io.mapped import is_large, iterate_chunks


class ImageClassification(Classification):
    """Images ``[N, C, H, W]``, float32, each channel standardised by the training split.

    They lie in memory in ``channels_last`` order, and so do batches taken by ``images[indices]``:
    convolutions then run in that order, on CPU up to twice as fast, with ordinary weights.

    Args:
        augment: random changes of training batches, by the words of ``Augmentation``.
        label_smoothing: as ``Classification`` has it.

    Raises:
        InvalidData: the images have no channel axis, no class is named, or ``augment`` has a word
            that means nothing.
    """

    inputs = "images"

    def __init__(
        self,
        dataset: Dataset,
        augment: Mapping[str, Any] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(dataset, label_smoothing)
        shape = dataset.train.inputs.shape
        if len(shape) != 4:
            raise InvalidData(
                f"images of shape {list(shape)} instead of [N, C, H, W]; grey ones have C = 1: "
                "images[:, None]"
            )
        if not dataset.classes:
            raise InvalidData("classes: none are named; Dataset(…, classes=(…)) takes their names")
        self._mean, self._std = compute_channel_statistics(dataset.train.inputs)
        if augment:
            self.augment = self._augment(Augmentation(**augment))

    def prepare(self, examples: Split) -> Tensor:
        """``(image - mean) / std`` by channel; uint8 needs no scaling to [0, 1] before that."""
        images = torch.tensor(examples.inputs, dtype=torch.float32)
        images.sub_(self._mean).div_(self._std)
        return images.to(memory_format=torch.channels_last)

    def _augment(self, words: Augmentation) -> Augment:
        operations = None
        if words.rand_augment:
            images = self.dataset.train.inputs
            low, high = (0, 255) if images.dtype == np.uint8 else (images.min(), images.max())
            operations = RandAugment(
                words.rand_augment, words.magnitude, self._mean, self._std, float(low), float(high)
            )
        return partial(augment, words, operations, len(self.dataset.classes))

    def model_arguments(self) -> dict[str, Any]:
        """``input_shape`` (C, H, W) and ``num_classes``."""
        return {
            "input_shape": tuple(self.dataset.train.inputs.shape[1:]),
            "num_classes": len(self.dataset.classes),
        }


def augment(
    words: Augmentation,
    operations: RandAugment | None,
    classes: int,
    images: Tensor,
    targets: Tensor,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """A training batch, changed; labels that are mixed become ``[B, classes]``, float32."""
    if operations:
        images = operations(images, generator)
    if words.moves:
        images = words.move(images, generator)
    if words.mixup:
        images, targets = mix(images, F.one_hot(targets, classes).float(), words.mixup, generator)
    return images, targets


def compute_channel_statistics(images: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of ``[N, C, H, W]``, both ``[C, 1, 1]``, float32.

    A channel that never varies gets standard deviation 1.
    """
    if is_large(images):
        mean, std = _compute_large_statistics(images)
    else:
        channels = range(images.shape[1])  # one at a time: a float64 copy of all would be large
        mean = np.array([images[:, channel].mean(dtype=np.float64) for channel in channels])
        std = np.array([images[:, channel].std(dtype=np.float64) for channel in channels])
    std[std == 0] = 1.0
    shape = (len(mean), 1, 1)
    return (
        torch.tensor(mean, dtype=torch.float32).reshape(shape),
        torch.tensor(std, dtype=torch.float32).reshape(shape),
    )


def _compute_large_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same in two passes over a file, both ``[C]``, float64."""
    axes, count = (0, 2, 3), images[:, 0].size
    mean = sum(part.sum(axes, dtype=np.float64) for part in iterate_chunks(images)) / count
    offset = mean[:, None, None]
    variance = sum(np.square(part - offset).sum(axes) for part in iterate_chunks(images)) / count
    return mean, np.sqrt(variance)
