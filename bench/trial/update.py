"""One update of any optimizer: what it needs beyond a gradient (``bench.needs``) is met here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

Gradient = Callable[[], Tensor]
"""Clears the gradients, computes them anew where the parameters are now, returns the loss."""


def update(optimizer: Any, gradient: Gradient, needs: Collection[str]) -> Tensor:
    """One update; returns the loss at the parameters that it started from, a scalar."""
    if "closure" in needs:
        losses: list[Tensor] = []

        def closure() -> Tensor:
            losses.append(gradient())
            return losses[-1]

        optimizer.step(closure)
        return losses[0]
    loss = gradient()
    if "two_gradients" in needs:
        optimizer.step(gradient)
    else:
        optimizer.step()
    return loss


def clip(parameters: Iterable[Tensor], norm: float) -> None:
    """Scale all gradients together so that their global 2-norm is at most ``norm``; NaN stays."""
    torch.nn.utils.clip_grad_norm_(parameters, norm)


@contextmanager
def averaged(optimizer: Any, needs: Collection[str]) -> Iterator[None]:
    """Inside, the parameters are those to evaluate; afterwards those to train, as before."""
    if "eval_mode" not in needs:
        yield
        return
    optimizer.eval()
    try:
        yield
    finally:
        optimizer.train()
