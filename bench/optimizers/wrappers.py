"""Optimizers of other libraries whose constructors take something else than parameters first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytorch_optimizer as library
from torch.optim import Optimizer


def lookahead(
    params: Any,
    base_optimizer: Callable[..., Optimizer],
    k: int,
    alpha: float,
    pullback_momentum: str = "none",
    **hyperparameters: Any,
) -> Optimizer:
    """Lookahead (arXiv:1907.08610) over ``base_optimizer(params, **hyperparameters)``."""
    base = base_optimizer(params, **hyperparameters)
    return library.Lookahead(base, k=k, alpha=alpha, pullback_momentum=pullback_momentum)


def pytorch_optimizer(
    params: Any, name: str, lr: float | None, arguments: Mapping[str, Any]
) -> Optimizer:
    """Any optimizer of the library ``pytorch_optimizer``, by the name in its own list.

    Args:
        lr: None for the library's default.
        arguments: further keyword arguments of that class.

    Raises:
        NotImplementedError: the library has no optimizer of that name.
    """
    rate: dict[str, Any] = {} if lr is None else {"lr": lr}
    return library.load_optimizer(name)(params, **rate, **arguments)
