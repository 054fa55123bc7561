"""A side of a split that stays on disk, where a family's tensors would otherwise be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tasks.data.dataset import Split
from tasks.data.io.mapped import release


class Stored:
    """Inputs or targets ``[N, ...]``: rows are read and made ready when they are asked for.

    Stands where a tensor does, for ``len`` and for indices or a slice in brackets.

    Args:
        prepare: a family's ``prepare`` or ``prepare_targets``.
        device: where the rows are wanted.
    """

    def __init__(
        self, examples: Split, prepare: Callable[[Split], Tensor], device: torch.device
    ) -> None:
        self.examples, self.prepare, self.device = examples, prepare, device

    def __len__(self) -> int:
        return len(self.examples.targets)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Tensor ``[*rows.shape, ...]`` of indices of any shape, or the rows of a slice."""
        chosen = rows if isinstance(rows, slice) else rows.flatten().cpu().numpy()
        inputs, targets = (np.array(array[chosen]) for array in self.examples)
        for array in self.examples:
            release(array)
        found = self.prepare(Split(inputs, targets)).to(self.device)
        return found if isinstance(rows, slice) else found.unflatten(0, rows.shape)
