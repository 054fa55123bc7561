"""What a check asks of a hyperparameter's name and value, and the variants that many checks use."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.build.components import REST
from bench.build.imports import import_target
from bench.spec import Component, OptimizerSpec
from bench.spec.hyperparameters import at, hyperparameters

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
    """With this weight decay wherever it has one, in its YAML or by default."""
    spec = listed(spec)
    names = [k for k, v in hyperparameters(spec).items() if last(k) in DECAYS and is_number(v)]
    return at(spec, dict.fromkeys(names, value))


def listed(spec: OptimizerSpec) -> OptimizerSpec:
    """As if its YAML listed each weight decay that is not zero by default."""
    arguments = {**_decays(spec.target, spec.arguments), **spec.arguments}
    if spec.param_groups != "matrices":
        return replace(spec, arguments=arguments)
    rest = spec.rest or REST
    others = {**_decays(rest.target, rest.arguments), **rest.arguments}
    rest = Component("rest", rest.target, others, path=rest.path)
    return replace(spec, arguments=arguments, rest=rest)


def unlisted_decay(spec: OptimizerSpec) -> dict[str, float]:
    """Weight decay by default that its YAML does not list, ``{"weight_decay": 0.01}``."""
    before = hyperparameters(spec)
    return {k: v for k, v in hyperparameters(listed(spec)).items() if k not in before}


def _decays(target: str, arguments: Mapping[str, Any]) -> dict[str, float]:
    try:
        signature = inspect.signature(import_target(target))
    except (TypeError, ValueError):  # of something compiled
        return {}
    defaults = {name: one.default for name, one in signature.parameters.items()}
    return {
        name: value
        for name, value in defaults.items()
        if name in DECAYS and name not in arguments and is_number(value) and value != 0
    }
