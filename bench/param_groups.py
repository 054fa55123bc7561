"""Named rules that sort a model's parameters into an optimizer's parameter groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

ParamGroups = list[dict[str, Any]]


def everything(model: nn.Module) -> ParamGroups:
    """One group with every trained parameter."""
    return [{"params": [p for p in model.parameters() if p.requires_grad]}]


def no_decay_1d(model: nn.Module) -> ParamGroups:
    """Matrices and kernels decay; biases and normalisation weights (fewer than 2 axes) do not."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups: ParamGroups = [
        {"params": [p for p in trained if p.ndim >= 2]},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


RULES: dict[str, Callable[[nn.Module], ParamGroups]] = {
    "all": everything,
    "no_decay_1d": no_decay_1d,
}
