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


def get_last_name(name: str) -> str:
    """The part of a dotted name that says what it is: ``base_optimizer.betas.0`` is ``betas``."""
    return [part for part in name.split(".") if not part.isdigit()][-1]


def is_number(value: Any) -> bool:
    """Whether it can be scaled; a switch cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def list_rates(spec: OptimizerSpec) -> dict[str, float]:
    """Its learning rates by name, ``rest.lr`` included."""
    return {
        k: v for k, v in hyperparameters(spec).items() if get_last_name(k) == "lr" and is_number(v)
    }


def scale_rates(spec: OptimizerSpec, factor: float) -> OptimizerSpec:
    """With all its learning rates times ``factor``."""
    return at(spec, {name: rate * factor for name, rate in list_rates(spec).items()})


def set_decay(spec: OptimizerSpec, value: float) -> OptimizerSpec:
    """With this weight decay wherever it has one, in its YAML or by default."""
    spec = list_default_decay(spec)
    names = [
        k for k, v in hyperparameters(spec).items() if get_last_name(k) in DECAYS and is_number(v)
    ]
    return at(spec, dict.fromkeys(names, value))


def list_default_decay(spec: OptimizerSpec) -> OptimizerSpec:
    """As if its YAML listed each weight decay that is not zero by default."""
    arguments = {**_find_decays(spec.target, spec.arguments), **spec.arguments}
    if spec.param_groups != "matrices":
        return replace(spec, arguments=arguments)
    rest = spec.rest or REST
    others = {**_find_decays(rest.target, rest.arguments), **rest.arguments}
    rest = Component("rest", rest.target, others, path=rest.path)
    return replace(spec, arguments=arguments, rest=rest)


def find_unlisted_decay(spec: OptimizerSpec) -> dict[str, float]:
    """Weight decay by default that its YAML does not list, ``{"weight_decay": 0.01}``."""
    before = hyperparameters(spec)
    return {k: v for k, v in hyperparameters(list_default_decay(spec)).items() if k not in before}


def _find_decays(target: str, arguments: Mapping[str, Any]) -> dict[str, float]:
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
