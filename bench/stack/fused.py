"""K optimizers of one rule as one: parameters stacked on a first axis, hyperparameters ``[K]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.stack.rules import Rule, State


class FusedOptimizer(Optimizer):
    """An optimizer over slices; each slice gets the update of an optimizer of its own.

    All that a step reads lies on the device of the parameters. On a GPU nothing waits for the host,
    and a step can be captured.

    Args:
        groups: parameters ``[K, ...]``, hyperparameters (one number for all slices, or a tensor
            ``[K]``; betas a tuple of them) and switches.
        hyperparameters: the names of a group's hyperparameters.

    Raises:
        RuntimeError: of ``step``: a parameter has a gradient in some steps only, so that its t
            would differ from its group's.
    """

    def __init__(
        self, groups: Sequence[dict[str, Any]], rule: Rule, hyperparameters: Sequence[str]
    ) -> None:
        super().__init__(list(groups), {})
        self.rule = rule
        self._memory: list[State] = []
        self._present: list[bool] | None = None
        first = self.param_groups[0]["params"][0]
        self._t = torch.zeros((), dtype=torch.float64, device=first.device)
        for group in self.param_groups:
            size, device = len(group["params"][0]), first.device
            group["on"] = {name for name in hyperparameters if _is_nonzero(group[name])}
            group |= {name: _expand(group[name], size, device) for name in hyperparameters}
            self._memory.append(
                {
                    name: torch.full((size,), value, dtype=torch.float64, device=device)
                    for name, value in rule.memory.items()
                }
            )
            for p in group["params"]:
                self.state[p] = rule.state(p.detach(), group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        present = [p.grad is not None for group in self.param_groups for p in group["params"]]
        if self._present not in (None, present):
            raise RuntimeError("a parameter has a gradient in some steps only")
        self._present = present
        self._t += 1
        for group, memory in zip(self.param_groups, self._memory, strict=True):
            table = torch.stack([*self.rule.coefficients(group, self._t, memory)])  # [C, K]
            table = table.to(group["params"][0].dtype)
            for p in group["params"]:
                if p.grad is not None:
                    columns = table.view(*table.shape, *[1] * (p.dim() - 1))
                    self.rule.update(p, p.grad, self.state[p], group, *columns)


def _is_nonzero(value: Any) -> bool:
    """Return True where any slice has a nonzero value; betas always count."""
    if isinstance(value, tuple):
        return True
    return bool(value.any()) if isinstance(value, Tensor) else value != 0


def _expand(value: Any, size: int, device: torch.device) -> Any:
    """Expand a number or ``[K]`` to ``[K]`` float64 on the device; a tuple element by element."""
    if isinstance(value, tuple):
        return tuple(_expand(one, size, device) for one in value)
    return torch.as_tensor(value, dtype=torch.float64).expand(size).clone().to(device)
