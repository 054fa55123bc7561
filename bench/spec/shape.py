"""Shapes of plain data that anybody may have written, and the first place that breaks one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple


class WrongShape(ValueError):
    """A value of another kind than it has to be; the message names its key."""


class Kind(NamedTuple):
    """A kind of value: its name, and what tells it."""

    name: str
    fits: Callable[[Any], bool]


Shape = Kind | Mapping[str, Any]
"""A kind, or a mapping whose keys have to be there with values of these shapes."""


class Misfit(NamedTuple):
    """The first place where a value breaks its shape.

    Attributes:
        key: dotted path of the place.
        value: what is there.
        shape: what should be; None where the key is missing.
    """

    key: str
    value: Any
    shape: Shape | None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(low: int, high: int) -> Kind:
    """A whole number from ``low`` to ``high``."""
    return Kind(
        f"a whole number from {low} to {high}",
        lambda value: _is_number(value) and isinstance(value, int) and low <= value <= high,
    )


def one_of(words: Collection[str]) -> Kind:
    """One of some words."""
    known = list(words)
    return Kind(f"one of {', '.join(known)}", lambda value: value in known)


def optional(kind: Kind) -> Kind:
    """A kind, or null."""
    return Kind(f"{kind.name} or null", lambda value: value is None or kind.fits(value))


def list_of(kind: Kind) -> Kind:
    """A list of values of a kind."""
    return Kind(
        f"a list, each {kind.name}",
        lambda value: isinstance(value, list) and all(map(kind.fits, value)),
    )


def mapping_of(kind: Kind) -> Kind:
    """A mapping to values of a kind."""
    return Kind(
        f"a mapping to {kind.name}",
        lambda value: isinstance(value, dict) and all(map(kind.fits, value.values())),
    )


TEXT = Kind("text", lambda value: isinstance(value, str))
NAME = Kind("text of 1 to 200 characters", lambda v: isinstance(v, str) and 1 <= len(v) <= 200)
NUMBER = Kind("a number", _is_number)
SWITCH = Kind("true or false", lambda value: isinstance(value, bool))
MAPPING = Kind("a mapping", lambda value: isinstance(value, dict))
LIST = Kind("a list", lambda value: isinstance(value, list))


def find_misfit(value: Any, shape: Shape, key: str) -> Misfit | None:
    """Find the first place, below ``key``, where a value breaks a shape; None where it fits."""
    if isinstance(shape, Kind):
        return None if shape.fits(value) else Misfit(key, value, shape)
    if not isinstance(value, dict):
        return Misfit(key, value, shape)
    for name, inner in shape.items():
        if name not in value:
            return Misfit(f"{key}.{name}", None, None)
        if misfit := find_misfit(value[name], inner, f"{key}.{name}"):
            return misfit
    return None


def check_shape(value: Any, shape: Shape, key: str) -> None:
    """Check a value.

    Raises:
        WrongShape: naming the first key that is absent or has another kind of value.
    """
    misfit = find_misfit(value, shape, key)
    if misfit is None:
        return
    if misfit.shape is None:
        raise WrongShape(f"{misfit.key}: is missing")
    kind = misfit.shape.name if isinstance(misfit.shape, Kind) else MAPPING.name
    raise WrongShape(f"{misfit.key}: {_show(misfit.value)} is not {kind}")


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
