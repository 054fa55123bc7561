"""Batches of data that stay on disk, read by other processes while this one trains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from tasks.stored import Stored

Pair = tuple[Tensor, Tensor]


def read_ahead(
    inputs: Stored, targets: Stored, batches: Iterable[Tensor], workers: int
) -> Iterator[Pair]:
    """Inputs and targets of each batch of indices ``[B]``, in their order, on the data's device.

    Args:
        workers: processes; each is two batches ahead.
    """
    indices = (rows.tolist() for rows in batches)
    loader = DataLoader(
        _Pairs(inputs, targets),
        batch_sampler=indices,
        num_workers=workers,
        collate_fn=_as_it_is,
    )
    for pair in loader:
        yield pair[0].to(inputs.device), pair[1].to(targets.device)


class _Pairs(Dataset[Pair]):
    """Whole batches by their indices, on the CPU: a worker has no business on another device."""

    def __init__(self, inputs: Stored, targets: Stored) -> None:
        cpu = torch.device("cpu")
        self.sides = [Stored(one.examples, one.prepare, cpu) for one in (inputs, targets)]

    def __getitems__(self, rows: Sequence[int]) -> Pair:
        chosen = torch.tensor(rows)
        inputs, targets = (side[chosen] for side in self.sides)
        return inputs, targets


def _as_it_is(pair: Any) -> Any:
    return pair
