"""One update of any optimizer, with all that it needs beyond a gradient (``bench.needs``)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

CLOSURE_NEEDS = frozenset({"closure", "two_gradients"})
"""Needs of an optimizer whose ``step`` takes a closure and computes several gradients."""


class Gradient:
    """The closure that optimizers call: the loss and its gradient at the current parameters.

    Args:
        model: its parameters are trained by ``optimizer``.
        needs, clip_norm: of the optimizer's spec.
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
        several = CLOSURE_NEEDS & set(needs)
        self._statistics_layers = find_statistics_layers(model) if several else []
        self._first = True

    def bind(self, loss: Callable[[], Tensor]) -> Gradient:
        """Set the loss of the next update; return the gradient itself."""
        self._compute, self._first = loss, True
        return self

    def __call__(self) -> Tensor:
        """Clear the gradients, compute them anew, return the loss."""
        self._optimizer.zero_grad()
        loss = self._compute_loss()
        self._backward(loss, **self._graph)
        if self._clip_norm is not None:
            clip_gradients(self._model.parameters(), self._clip_norm)
        self.count += 1
        return loss

    def _compute_loss(self) -> Tensor:
        """Compute the loss; only the first one of a step moves running statistics."""
        first, self._first = self._first, False
        if first or not self._statistics_layers:
            return self._compute()
        for layer in self._statistics_layers:
            layer.track_running_stats = False
        try:
            return self._compute()
        finally:
            for layer in self._statistics_layers:
                layer.track_running_stats = True


def clip_gradients(parameters: Iterable[Tensor], norm: float) -> None:
    """Scale all gradients so that their global 2-norm is at most ``norm``; NaN stays."""
    nn.utils.clip_grad_norm_(parameters, norm)


def update(optimizer: Any, gradient: Callable[[], Tensor], needs: Collection[str]) -> Tensor:
    """Make one update; return the scalar loss at the parameters before it."""
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
def use_evaluation_parameters(optimizer: Any, needs: Collection[str]) -> Iterator[None]:
    """Use the parameters to evaluate inside the context, and those to train after it."""
    if "eval_mode" not in needs:
        yield
        return
    optimizer.eval()
    try:
        yield
    finally:
        optimizer.train()


def find_statistics_layers(model: nn.Module) -> list[Any]:
    """Find the layers that keep running statistics of their inputs."""
    return [
        layer
        for layer in model.modules()
        if getattr(layer, "track_running_stats", False)
        and getattr(layer, "running_mean", None) is not None
    ]


@contextmanager
def recalibrate_statistics(model: nn.Module, batches: Sequence[Tensor]) -> Iterator[None]:
    """Recompute running statistics for the current parameters; restore the old ones afterwards.

    An optimizer with ``eval_mode`` is evaluated at another point than it trains at, where the
    statistics come from; see https://github.com/facebookresearch/schedule_free#caveats

    Args:
        batches: inputs of training batches, passed through once.
    """
    layers = find_statistics_layers(model)
    if not layers:
        yield
        return
    saved = [{name: value.clone() for name, value in one.named_buffers()} for one in layers]
    with torch.random.fork_rng(enabled=True):  # dropout here must not move the training's
        torch.optim.swa_utils.update_bn(batches, model)
    try:
        yield
    finally:
        for layer, buffers in zip(layers, saved, strict=True):
            for name, value in buffers.items():
                getattr(layer, name).copy_(value)
