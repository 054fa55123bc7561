"""K gradient descents in one step: parameters stacked on a first axis, hyperparameters ``[K]``.

The rule is ``torch.optim.SGD``'s, with λ for weight decay, μ for momentum and α for ``lr``:

    g ← g + λ·θ        b ← μ·b + g  (at first b = g)        θ ← θ − α·b,   Nesterov: θ − α·(g + μ·b)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class StackedSGD(Optimizer):
    """Args:
    params: parameters or groups, each parameter ``[K, ...]``.
    lr, momentum, weight_decay: one number for all slices, or a tensor ``[K]``.
    nesterov: look ahead along the momentum.
    maximize: ascend instead.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor,
        momentum: float | Tensor = 0.0,
        weight_decay: float | Tensor = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        hyperparameters = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, {**hyperparameters, "nesterov": nesterov, "maximize": maximize})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, -p.grad if group["maximize"] else p.grad, group)

    def _update(self, p: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        lr, momentum, decay = (
            _column(group[name], p) for name in ("lr", "momentum", "weight_decay")
        )
        if _any(group["weight_decay"]):
            gradient = gradient + decay * p
        if _any(group["momentum"]):
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = gradient.clone()
            else:
                state["momentum_buffer"].mul_(momentum).add_(gradient)
            buffer = state["momentum_buffer"]
            gradient = gradient + momentum * buffer if group["nesterov"] else buffer
        p.sub_(lr * gradient)


def _any(value: float | Tensor) -> bool:
    return bool(value.any()) if isinstance(value, Tensor) else value != 0


def _column(value: float | Tensor, p: Tensor) -> Any:
    """``[K]`` as ``[K, 1, ..., 1]`` beside the slices of p; a number as it is."""
    if not isinstance(value, Tensor):
        return value
    return value.to(p).view(-1, *[1] * (p.dim() - 1))
