"""What an optimizer keeps between updates, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def state_bytes(optimizer: Optimizer, parameters: Iterable[Tensor]) -> int:
    """Bytes of every tensor that the optimizer holds, in whatever place, the parameters left out.

    Storage that several tensors share counts once. Wrappers keep optimizers inside themselves and
    some keep tensors outside ``state``: both count.
    """
    apart = {p.untyped_storage().data_ptr() for p in parameters}
    kept = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in _kept(optimizer)}
    return sum(size for address, size in kept.items() if address not in apart)


def _kept(optimizer: Optimizer) -> Iterator[Tensor]:
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
