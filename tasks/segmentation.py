"""Semantic segmentation: a class for every pixel of an image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.base import compute_log_frequencies
from tasks.data.dataset import Dataset, InvalidData, Split
from tasks.image import ImageClassification

IGNORED = 255
"""The label in memory of pixels that do not count."""


class Segmentation(ImageClassification):
    """Images as ``ImageClassification`` has them; labels ``[N, H, W]``, in memory as uint8.

    The model returns logits ``[B, num_classes, H, W]``. Pixels with the data set's ``ignored``
    label are in no loss and no metric.

    Raises:
        InvalidData: not one label for each pixel, or more classes than a byte holds.
    """

    inputs = "pixels"

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        images, labels = dataset.train
        if labels.shape[1:] != images.shape[2:]:
            raise InvalidData(
                f"labels of shape {list(labels.shape)} for images of {list(images.shape)}; "
                "one for each pixel is needed: [N, H, W]"
            )
        if len(dataset.classes) > 255:
            raise InvalidData(f"{len(dataset.classes)} classes; at most 255 fit into a byte")
        self._classes = len(dataset.classes)

    def prepare_targets(self, examples: Split) -> Tensor:
        """Labels, uint8; the ignored one is 255. An eighth of what int64 takes."""
        labels = torch.tensor(examples.targets)
        if self.dataset.ignored is not None:
            labels = labels.masked_fill(labels == self.dataset.ignored, IGNORED)
        return labels.to(torch.uint8)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy in nats, the mean over the batch's labelled pixels."""
        return F.cross_entropy(outputs, targets.long(), ignore_index=IGNORED)

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """``loss``: summed cross-entropy; ``confusion``: pixels by true and by predicted class.

        ``confusion`` is ``[num_classes, num_classes]``, true classes in rows, float64: exact.
        """
        labels = targets.long()
        cell = labels * self._classes + outputs.argmax(dim=1)
        cells = self._classes**2
        cell = cell.where(labels != IGNORED, cells)  # one more cell, that is left out
        one = torch.ones_like(cell, dtype=torch.float64).flatten()
        counts = one.new_zeros(cells + 1).scatter_add(0, cell.flatten(), one)
        return {
            "loss": F.cross_entropy(outputs, labels, ignore_index=IGNORED, reduction="sum"),
            "confusion": counts[:-1].view(self._classes, self._classes),
        }

    def guess(self, count: int) -> Tensor:
        """``[count, num_classes, H, W]``: the same at every pixel; ignored labels are none."""
        labels = self.dataset.train.targets
        if self.dataset.ignored is not None:
            labels = labels[labels != self.dataset.ignored]
        shares = compute_log_frequencies(labels, self._classes)
        return shares.view(-1, 1, 1).expand(count, -1, *self.dataset.train.targets.shape[1:])

    def metrics(self, sums: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        """``loss`` a pixel, ``accuracy`` of pixels, and ``miou``.

        ``miou`` is the mean over classes of intersection over union, each over the whole split; a
        class that neither occurs nor is predicted has no union and is left out of the mean.
        """
        confusion = sums["confusion"]
        hit, pixels = confusion.diagonal(), confusion.sum()
        union = confusion.sum(0) + confusion.sum(1) - hit
        occurs = union > 0
        iou = hit / union.where(occurs, 1.0)
        return {
            "loss": sums["loss"] / pixels,
            "accuracy": hit.sum() / pixels,
            "miou": iou.sum() / occurs.sum(),
        }
