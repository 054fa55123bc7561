"""Language modelling: the next byte of a text, at every position of a window."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tasks.base import Task, compute_log_frequencies
from tasks.data.dataset import Dataset, InvalidData, Split


class LanguageModelling(Task):
    """Windows of bytes ``[N, L]`` and of the bytes that follow each of them, ``[N, L]``, uint8.

    The model returns logits ``[B, L, vocabulary_size]``; those at a position depend on the window
    up to it. Both lie in memory as bytes, an eighth of what ids of embeddings usually take.

    Raises:
        InvalidData: there is not one next byte for each byte, or no vocabulary is named.
    """

    inputs = "bytes"

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        windows, following = dataset.train
        if windows.ndim != 2 or windows.shape[1:] != following.shape[1:]:
            raise InvalidData(
                f"inputs {list(windows.shape)} and targets {list(following.shape)}; windows "
                "[N, L] and what follows each position [N, L] are needed"
            )
        if dataset.vocabulary_size is None or dataset.vocabulary_size > 256:
            raise InvalidData(f"vocabulary_size: {dataset.vocabulary_size}; bytes have 256")
        self._length = windows.shape[1]

    def prepare(self, examples: Split) -> Tensor:
        """Bytes as they are; the model widens a batch of them."""
        return torch.tensor(examples.inputs, dtype=torch.uint8)

    def prepare_targets(self, examples: Split) -> Tensor:
        """Bytes as they are; the loss widens a batch of them."""
        return torch.tensor(examples.targets, dtype=torch.uint8)

    def model_arguments(self) -> dict[str, Any]:
        """``vocabulary_size`` and ``max_length`` (L)."""
        return {"vocabulary_size": self.dataset.vocabulary_size, "max_length": self._length}

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the next byte, in nats, the mean over all positions."""
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten().long())

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """``loss``: summed cross-entropy; ``accuracy``: number of bytes predicted correctly."""
        logits, following = outputs.flatten(0, 1), targets.flatten().long()
        return {
            "loss": F.cross_entropy(logits, following, reduction="sum"),
            "accuracy": (logits.argmax(dim=-1) == following).sum(),
        }

    def guess(self, count: int) -> Tensor:
        """``[count, L, vocabulary_size]``: the same at every position."""
        shares = compute_log_frequencies(
            self.dataset.train.targets, self.model_arguments()["vocabulary_size"]
        )
        return shares.expand(count, self._length, -1)

    def metrics(self, sums: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        """``loss`` in nats a byte, ``bits_per_byte``, and ``accuracy`` of the next byte."""
        found = {name: total / (count * self._length) for name, total in sums.items()}
        return found | {"bits_per_byte": found["loss"] / math.log(2)}
