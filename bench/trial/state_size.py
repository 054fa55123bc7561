"""The exact memory of an optimizer's state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def count_state_bytes(optimizer: Optimizer, parameters: Iterable[Tensor]) -> int:
    """Count the bytes of every tensor that the optimizer holds, without the parameters.

    Storage that several tensors share counts once. Optimizers inside a wrapper and tensors outside
    ``state`` count as well.
    """
    excluded = {p.untyped_storage().data_ptr() for p in parameters}
    storages = (tensor.untyped_storage() for tensor in _find_tensors(optimizer))
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}
    return sum(size for address, size in sizes.items() if address not in excluded)


def _find_tensors(optimizer: Optimizer) -> Iterator[Tensor]:
    seen: set[int] = set()

    def walk(value: Any) -> Iterator[Tensor]:
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, Tensor):
            if value.layout == torch.strided:
                yield value
        elif isinstance(value, dict):
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list | tuple | set):
            for inner in value:
                yield from walk(inner)
        elif isinstance(value, Optimizer):
            yield from walk(value.state)
            yield from walk(vars(value))

    return walk(optimizer)
