"""The model of a function: its parameters and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Point(nn.Module):
    """Parameters that a task starts at a given point.

    Args:
        start: that point, ``d`` numbers.
        spread: standard deviation of each seed's own start around it; with 0 all seeds are alike.
    """

    def __init__(self, start: Sequence[float], spread: float = 0.0) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.tensor(start) + spread * torch.randn(len(start)))

    def forward(self, inputs: Tensor) -> Tensor:
        """``[B, ...]`` to the parameters, once for each example: ``[B, d]``."""
        return self.position.expand(len(inputs), -1)
