"""Several optimizers as one: each updates parameters of its own, all in one ``step``.

What sees one optimizer (Lightning, a schedule, a checkpoint) sees the parameter groups of all, so
one update counts as one step. Used for Muon, which takes matrices only, with AdamW for the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class Combined(Optimizer):
    """Args:
        parts: optimizers over disjoint parameters, at least one; their groups keep this order.

    Attributes:
        param_groups: the parts' own group dictionaries: what a schedule writes, they read.
    """

    def __init__(self, parts: Sequence[Optimizer]) -> None:
        self.parts = list(parts)
        super().__init__([group for part in parts for group in part.param_groups], {})

    @property
    def state(self) -> defaultdict[Tensor, Any]:
        """The parts' own state of each parameter."""
        return defaultdict(dict, {k: v for part in self.parts for k, v in part.state.items()})

    @state.setter
    def state(self, value: Any) -> None:
        """The constructor of ``Optimizer`` assigns an empty one; the parts keep theirs."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Step every part; a closure is evaluated once, before the first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The parts' own state dictionaries, in order."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what ``state_dict`` gave.

        Raises:
            ValueError: it comes from another number of parts.
        """
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "parts": self.parts}
