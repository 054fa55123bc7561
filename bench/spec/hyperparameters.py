"""The hyperparameters of an optimizer by name: the one definition that everything shares.

A name is a path with dots: ``lr``, ``betas.0``, ``base_optimizer.momentum``, ``rest.lr`` (of the
optimizer that updates what ``matrices`` leaves over), ``clip_norm``. Overrides, records, tables,
checks and search spaces all say these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.spec.errors import RefusedInput
from bench.spec.suggest import suggest
from bench.spec.trial import Component, OptimizerSpec


def hyperparameters(optimizer: OptimizerSpec | Mapping[str, Any]) -> dict[str, Any]:
    """Every hyperparameter by name.

    Args:
        optimizer: a spec, or the ``optimizer`` of a recorded config.
    """
    if isinstance(optimizer, OptimizerSpec):
        rest = optimizer.rest.arguments if optimizer.rest else None
        return _named(optimizer.arguments, rest, optimizer.clip_norm)
    rest = (optimizer.get("rest") or {}).get("arguments")
    return _named(optimizer["arguments"], rest, optimizer.get("clip_norm"))


def at(spec: OptimizerSpec, values: Mapping[str, Any]) -> OptimizerSpec:
    """The optimizer at another point; ``values`` by name, the others stay.

    Raises:
        RefusedInput: it has no hyperparameter of that name.
    """
    known = hyperparameters(spec)
    arguments, rest, clip_norm = spec.arguments, spec.rest, spec.clip_norm
    for name, value in values.items():
        if name not in known:
            raise RefusedInput(f"{spec.name}: no hyperparameter {name!r}; {suggest(name, known)}")
        head, _, tail = name.partition(".")
        if name == "clip_norm" and "clip_norm" not in arguments:
            clip_norm = value
        elif head == "rest" and rest is not None:
            rest = Component(rest.name, rest.target, _set(rest.arguments, tail, value))
        else:
            arguments = _set(arguments, name, value)
    return replace(
        spec,
        arguments=arguments,
        rest=rest,
        clip_norm=clip_norm,
        point={**spec.point, **values},
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"base": {"lr": 1}, "betas": [0.9, 0.99]}`` as ``{"base.lr": 1, "betas.0": 0.9, …}``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = dict(enumerate(value)) if isinstance(value, list | tuple) else value
        if isinstance(inner, Mapping) and inner:
            found |= flat({str(key): one for key, one in inner.items()}, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _named(
    arguments: Mapping[str, Any], rest: Mapping[str, Any] | None, clip_norm: float | None
) -> dict[str, Any]:
    values = dict(arguments)
    if rest:
        values["rest"] = rest
    if clip_norm is not None:
        values["clip_norm"] = clip_norm
    named = flat(values)
    return {name: value for name, value in named.items() if name.rpartition(".")[2][:1] != "_"}


def _set(values: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy with the value at a dotted name replaced; every part of the name is there."""
    head, _, tail = name.partition(".")
    inner = values[head]
    if not tail:
        return {**values, head: value}
    if isinstance(inner, Mapping):
        return {**values, head: _set(inner, tail, value)}
    listed = _set({str(at): one for at, one in enumerate(inner)}, tail, value)
    return {**values, head: list(listed.values())}


def find_difference(declared: Any, given: Any, key: str = "") -> str:
    """Find where data differs from what is declared in more than numbers and switches.

    Returns its key with dots; empty where all keys and texts are the same.
    """
    if isinstance(declared, list | tuple) and isinstance(given, list | tuple):
        if all(map(_is_value, [*declared, *given])):  # hidden: [64], hidden: [128, 64]
            return ""
        declared, given = dict(enumerate(declared)), dict(enumerate(given))
    if isinstance(declared, Mapping) and isinstance(given, Mapping):
        for name in {**declared, **given}:
            inner = f"{key}.{name}" if key else str(name)
            if name not in declared or name not in given:
                return inner
            if found := find_difference(declared[name], given[name], inner):
                return found
        return ""
    switches = key.rpartition(".")[2][:1] == "_"  # _partial_ is no value
    same = type(declared) is type(given) and declared == given
    return "" if same or (_is_value(declared) and _is_value(given) and not switches) else key


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)
