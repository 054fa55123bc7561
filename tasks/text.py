"""Text classification: one label for each text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tasks.base import Classification
from tasks.data.dataset import Split


class TextClassification(Classification):
    """Token ids ``[N, L]``, int64, padded at the end with 0."""

    inputs = "tokens"

    def prepare(self, examples: Split) -> Tensor:
        """Token ids as the integer type that embeddings take."""
        return torch.tensor(examples.inputs, dtype=torch.int64)

    def model_arguments(self) -> dict[str, Any]:
        """``vocabulary_size`` (padding included), ``max_length`` (L) and ``num_classes``."""
        return {
            "vocabulary_size": self.dataset.vocabulary_size,
            "max_length": self.dataset.train.inputs.shape[1],
            "num_classes": len(self.dataset.classes),
        }
