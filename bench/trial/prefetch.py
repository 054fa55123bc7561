"""Batches of data on disk, read by worker processes while this one trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bench.runtime.guard import guard
from bench.spec.errors import UserCodeError
from tasks.stored import Stored

Pair = tuple[Tensor, Tensor]


def prefetch_batches(
    inputs: Stored, targets: Stored, batches: Iterable[Tensor], workers: int
) -> Iterator[Pair]:
    """Yield inputs and targets of each batch of indices ``[B]``, in order, on the data's device.

    Args:
        workers: processes; each is two batches ahead.
    """
    indices = (rows.tolist() for rows in batches)
    loader = DataLoader(
        _Pairs(inputs, targets),
        batch_sampler=indices,
        num_workers=workers,
        collate_fn=_return_unchanged,
    )
    for pair in loader:
        if isinstance(pair, UserCodeError):
            raise pair
        yield pair[0].to(inputs.device), pair[1].to(targets.device)


class _Pairs(Dataset[Pair]):
    """A data set of whole batches by their indices, on the CPU, where the workers are."""

    def __init__(self, inputs: Stored, targets: Stored) -> None:
        cpu = torch.device("cpu")
        self.columns = [Stored(one.examples, one.prepare, cpu) for one in (inputs, targets)]

    def __getitems__(self, rows: Sequence[int]) -> Pair | UserCodeError:
        """Read a batch; return what it raises: torch would make another exception of it."""
        try:
            return self._read(rows)
        except UserCodeError as error:
            return error

    @guard
    def _read(self, rows: Sequence[int]) -> Pair:
        indices = torch.tensor(rows)
        inputs, targets = (column[indices] for column in self.columns)
        return inputs, targets


def _return_unchanged(pair: Any) -> Any:
    return pair
