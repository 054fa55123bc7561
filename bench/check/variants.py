"""The same optimizer with other hyperparameters. Names are dotted, elements of lists numbered."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from bench.spec import OptimizerSpec

DECAYS = ("weight_decay", "weight_decay_1d", "lambd")
"""What pulls parameters to zero without a gradient; the last two names are MARS' and ASGD's."""


def settings(spec: OptimizerSpec) -> dict[str, Any]:
    """Every value of its YAML that a constructor receives, ``betas.0`` and ``rest.lr`` included."""
    found = _leaves(spec.arguments, "")
    if spec.rest is not None:
        found |= _leaves(spec.rest.arguments, "rest.")
    return found


def _leaves(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key.startswith("_"):  # Hydra's own
            continue
        name = f"{prefix}{key}"
        if isinstance(value, list | tuple):
            found |= _leaves({str(i): element for i, element in enumerate(value)}, f"{name}.")
        elif isinstance(value, Mapping):
            found |= _leaves(value, f"{name}.")
        else:
            found[name] = value
    return found


def changed(spec: OptimizerSpec, values: Mapping[str, Any]) -> OptimizerSpec:
    """With other values for some of its settings; one that its YAML lacks is added."""
    arguments = deepcopy(dict(spec.arguments))
    rest = deepcopy(dict(spec.rest.arguments)) if spec.rest is not None else {}
    for name, value in values.items():
        first, _, inner = name.partition(".")
        if first == "rest" and spec.rest is not None:
            _put(rest, inner, value)
        else:
            _put(arguments, name, value)
    other = None if spec.rest is None else replace(spec.rest, arguments=rest)
    return replace(spec, arguments=arguments, rest=other)


def _put(values: Any, name: str, value: Any) -> None:
    first, _, inner = name.partition(".")
    key: Any = int(first) if isinstance(values, list) else first
    if inner:
        _put(values[key], inner, value)
    else:
        values[key] = value


def last(name: str) -> str:
    """The part of a dotted name that says what it is: ``base_optimizer.betas.0`` is ``betas``."""
    return [part for part in name.split(".") if not part.isdigit()][-1]


def shown(name: str) -> str:
    """As people write it: ``betas.0`` is ``betas[0]``."""
    head, _, tail = name.rpartition(".")
    return f"{head}[{tail}]" if tail.isdigit() else name


def is_number(value: Any) -> bool:
    """Whether it can be scaled; a switch cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def rates(spec: OptimizerSpec) -> dict[str, float]:
    """Its learning rates by name, ``rest.lr`` included."""
    return {k: v for k, v in settings(spec).items() if last(k) == "lr" and is_number(v)}


def faster(spec: OptimizerSpec, factor: float) -> OptimizerSpec:
    """With all its learning rates times ``factor``."""
    return changed(spec, {name: rate * factor for name, rate in rates(spec).items()})


def with_decay(spec: OptimizerSpec, value: float) -> OptimizerSpec:
    """With this weight decay wherever its YAML has one."""
    names = [k for k, v in settings(spec).items() if last(k) in DECAYS and is_number(v)]
    return changed(spec, dict.fromkeys(names, value))
