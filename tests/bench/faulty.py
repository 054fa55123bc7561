"""Optimizers and models that go wrong in known ways."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AnyLR(torch.optim.Optimizer):
    """Gradient descent that checks nothing."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})
        self.steps = 0

    @torch.no_grad()
    def step(self, closure=None):
        self.steps += 1
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.sub_(group["lr"] * p.grad)


class Raises(AnyLR):
    """Raises in the step with number ``at``."""

    def __init__(self, params, lr=0.1, at=1):
        super().__init__(params, lr)
        self.at = at

    def step(self, closure=None):
        super().step(closure)
        if self.steps == self.at:
            raise ArithmeticError(f"step {self.at} went wrong")


class BreaksUnusedParameter(AnyLR):
    """Leaves the loss finite and makes one parameter NaN."""

    @torch.no_grad()
    def step(self, closure=None):
        super().step(closure)
        self.param_groups[0]["params"][0].fill_(torch.nan)


class WithSpareParameter(nn.Module):
    """A linear classifier whose first parameter takes no part."""

    def __init__(self, input_shape, num_classes):
        super().__init__()
        self.spare = nn.Parameter(torch.zeros(3))
        self.linear = nn.Linear(int(torch.tensor(input_shape).prod()), num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


class FromModel(AnyLR):
    """Is constructed from the model."""

    def __init__(self, model, lr=0.1):
        super().__init__(model.parameters(), lr)
