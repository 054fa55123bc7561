"""Signum, sign descent with momentum. Bernstein et al., 2018, https://arxiv.org/abs/1802.04434

Copy this file for an optimizer of your own; ``docs/add-an-optimizer.md`` has the steps around it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer


class SignMomentum(Optimizer):
    """Move every entry by the learning rate, against the sign of its averaged gradient.

        m ← β·m + (1 − β)·g
        x ← x − δ·(sign(m) + λ·x)

    With λ = 0 this is the paper's Algorithm 2. Weight decay is decoupled, as in AdamW.

    Args:
        params: parameters, named parameters or parameter groups, as for any torch optimizer.
        lr: δ, the step of every entry.
        momentum: β, the decay rate of the average. 0 gives signSGD.
        weight_decay: λ.
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        if not lr >= 0:  # "not" refuses NaN as well
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0 <= momentum < 1:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if not weight_decay >= 0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; return the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            delta, beta, decay = group["lr"], group["momentum"], group["weight_decay"]
            for x in group["params"]:
                if x.grad is None:
                    continue
                state = self.state[x]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(x)
                m = state["momentum_buffer"].lerp_(x.grad, 1 - beta)
                x.mul_(1 - delta * decay)
                x.sub_(delta * (m.sign() + 0 * m))  # torch's sign(NaN) is 0; 0·m keeps NaN visible
        return loss
