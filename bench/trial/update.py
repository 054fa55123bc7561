"""One update of any optimizer: what it needs beyond a gradient (``bench.needs``) is met here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

CALLS_BACK = frozenset({"closure", "two_gradients"})
"""Needs of an optimizer whose ``step`` is given a closure, and computes several gradients."""


class Gradient:
    """The closure that optimizers call: the loss and its gradient where the parameters are now.

    Args:
        model: whose parameters are trained by ``optimizer``.
        needs, clip_norm: as the optimizer's spec has them.
        backward: called with the loss and ``create_graph``; a trainer may scale there.

    Attributes:
        count: gradients computed so far; an optimizer may take several a step.
    """

    def __init__(
        self,
        optimizer: Any,
        model: nn.Module,
        needs: Collection[str] = (),
        clip_norm: float | None = None,
        backward: Callable[..., Any] = Tensor.backward,
    ) -> None:
        self.count = 0
        self._optimizer, self._model = optimizer, model
        self._clip_norm, self._backward = clip_norm, backward
        self._graph = {"create_graph": True} if "create_graph" in needs else {}
        several = CALLS_BACK & set(needs)
        self._normalising = statistics_of(model) if several else []
        self._first = True

    def of(self, loss: Callable[[], Tensor]) -> Gradient:
        """Itself, ready for one update on this loss."""
        self._compute, self._first = loss, True
        return self

    def __call__(self) -> Tensor:
        """Clear the gradients, compute them anew, return the loss."""
        self._optimizer.zero_grad()
        loss = self._loss()
        self._backward(loss, **self._graph)
        if self._clip_norm is not None:
            clip(self._model.parameters(), self._clip_norm)
        self.count += 1
        return loss

    def _loss(self) -> Tensor:
        """Running statistics follow the first gradient of a step; further ones look elsewhere."""
        first, self._first = self._first, False
        if first or not self._normalising:
            return self._compute()
        for layer in self._normalising:
            layer.track_running_stats = False
        try:
            return self._compute()
        finally:
            for layer in self._normalising:
                layer.track_running_stats = True


def clip(parameters: Iterable[Tensor], norm: float) -> None:
    """Scale all gradients together so that their global 2-norm is at most ``norm``; NaN stays."""
    nn.utils.clip_grad_norm_(parameters, norm)


def update(optimizer: Any, gradient: Callable[[], Tensor], needs: Collection[str]) -> Tensor:
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


def statistics_of(model: nn.Module) -> list[Any]:
    """The layers that keep running statistics of their inputs."""
    return [
        layer
        for layer in model.modules()
        if getattr(layer, "track_running_stats", False)
        and getattr(layer, "running_mean", None) is not None
    ]


@contextmanager
def recalibrated(model: nn.Module, batches: Sequence[Tensor]) -> Iterator[None]:
    """Inside, running statistics are those of the parameters as they are now; afterwards as before.

    An optimizer that is evaluated elsewhere than it trains (``eval_mode``) leaves them behind at
    the point where it trains; see https://github.com/facebookresearch/schedule_free#caveats

    Args:
        batches: inputs of training batches, passed through once.
    """
    layers = statistics_of(model)
    if not layers:
        yield
        return
    kept = [{name: value.clone() for name, value in one.named_buffers()} for one in layers]
    with torch.random.fork_rng(enabled=True):  # dropout here must not move the training's
        torch.optim.swa_utils.update_bn(batches, model)
    try:
        yield
    finally:
        for layer, buffers in zip(layers, kept, strict=True):
            for name, value in buffers.items():
                getattr(layer, name).copy_(value)
