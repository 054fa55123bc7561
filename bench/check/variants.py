"""What a check asks of a hyperparameter's name and value, and the variants that many checks use."""

from __future__ import annotations

from typing import Any

from bench.hyperparameters import at, hyperparameters
from bench.spec import OptimizerSpec

DECAYS = ("weight_decay", "weight_decay_1d", "lambd")
"""What pulls parameters to zero without a gradient; the last two names are MARS' and ASGD's."""


def last(name: str) -> str:
    """The part of a dotted name that says what it is: ``base_optimizer.betas.0`` is ``betas``."""
    return [part for part in name.split(".") if not part.isdigit()][-1]


def is_number(value: Any) -> bool:
    """Whether it can be scaled; a switch cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def rates(spec: OptimizerSpec) -> dict[str, float]:
    """Its learning rates by name, ``rest.lr`` included."""
    return {k: v for k, v in hyperparameters(spec).items() if last(k) == "lr" and is_number(v)}


def faster(spec: OptimizerSpec, factor: float) -> OptimizerSpec:
    """With all its learning rates times ``factor``."""
    return at(spec, {name: rate * factor for name, rate in rates(spec).items()})


def with_decay(spec: OptimizerSpec, value: float) -> OptimizerSpec:
    """With this weight decay wherever its YAML has one."""
    names = [k for k, v in hyperparameters(spec).items() if last(k) in DECAYS and is_number(v)]
    return at(spec, dict.fromkeys(names, value))
