"""A search space: for each hyperparameter that is tuned, its range and the scale it is drawn on.

    lr: {log: [1.0e-5, 1.0e-1]}               uniform in the logarithm
    momentum: {linear: [0.5, 0.95]}           uniform
    betas.1: {one_minus: {log: [1.0e-3, 0.1]}}  1 - β uniform in the logarithm, so β in 0.9 … 0.999
    nesterov: {choice: [true, false]}         one of a list

Ends that are both whole numbers give whole numbers. Drawn values have four significant digits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.spec.errors import RefusedInput

SCALES = ("log", "linear", "choice", "one_minus")
DIGITS = 4
ROUNDING = 1e-9
"""Share of a range by which an end may seem to lie outside."""


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter's range.

    Attributes:
        name: dotted, see ``bench.spec.hyperparameters``.
        scale: ``log``, ``linear`` or ``choice``.
        ends: low and high; of a choice, its options.
        one_minus: whether the range is that of 1 - value.
    """

    name: str
    scale: str
    ends: tuple[Any, ...]
    one_minus: bool = False

    def value(self, unit: float) -> Any:
        """The value at ``unit`` in [0, 1) of the way from low to high on the scale."""
        if self.scale == "choice":
            return self.ends[min(int(unit * len(self.ends)), len(self.ends) - 1)]
        low, high = self.ends
        if self.scale == "log":
            drawn = math.exp(math.log(low) + unit * (math.log(high) - math.log(low)))
        else:
            drawn = low + unit * (high - low)
        if isinstance(low, int) and isinstance(high, int):
            return round(drawn)
        drawn = float(f"{min(max(drawn, low), high):.{DIGITS}g}")
        return round(1 - drawn, 12) if self.one_minus else drawn

    def unit(self, value: Any) -> float:
        """Where a value lies on the scale, 0 at low and 1 at high; NaN for a choice."""
        if self.scale == "choice":
            return math.nan
        low, high = self.ends
        value = 1 - value if self.one_minus else value
        if self.scale == "log":
            if value <= 0:
                return -math.inf
            return math.log(value / low) / math.log(high / low)
        return float((value - low) / (high - low))

    def count_values(self) -> float:
        """Count the values that can be drawn; infinite for a continuous range."""
        if self.scale == "choice":
            return len({repr(end) for end in self.ends})
        low, high = self.ends
        return high - low + 1 if isinstance(low, int) and isinstance(high, int) else math.inf

    def contains(self, value: Any) -> bool:
        """Say if a value lies in the range."""
        if self.scale == "choice":
            return value in self.ends
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return -ROUNDING <= self.unit(value) <= 1 + ROUNDING


def dimensions(space: Mapping[str, Any]) -> list[Dimension]:
    """A declared space in the order of names.

    Raises:
        RefusedInput: a range that breaks the grammar; names key, value and remedy, not the file.
    """
    return [_dimension(name, space[name]) for name in sorted(space)]


def count_settings(space: Mapping[str, Any]) -> float:
    """Count the settings that a space holds; infinite where a range is continuous."""
    return math.prod(one.count_values() for one in dimensions(space))


def find_outside(space: Mapping[str, Any], values: Mapping[str, Any]) -> list[Dimension]:
    """List the ranges that do not hold the value of their hyperparameter.

    Args:
        values: hyperparameters by name.
    """
    return [one for one in dimensions(space) if not one.contains(values.get(one.name))]


def _dimension(name: str, declared: Any) -> Dimension:
    if not isinstance(declared, Mapping) or len(declared) != 1:
        raise _refused(name, declared, "write one of {log: [LOW, HIGH]}, {linear: [LOW, HIGH]}, …")
    (scale, ends), *_ = declared.items()
    if scale not in SCALES:
        raise _refused(name, declared, f"{scale!r} is no scale; use {', '.join(SCALES)}")
    if scale == "one_minus":
        inner = _dimension(name, ends)
        if inner.scale == "choice" or inner.one_minus:
            raise _refused(name, declared, "one_minus takes {log: …} or {linear: …}")
        return Dimension(name, inner.scale, inner.ends, one_minus=True)
    if not isinstance(ends, Sequence) or isinstance(ends, str) or len(ends) < 2:
        raise _refused(name, declared, f"{scale} takes a list of at least two values")
    if scale != "choice":
        _check_range(name, declared, scale, ends)
    return Dimension(name, scale, tuple(ends))


def _check_range(name: str, declared: Any, scale: str, ends: Sequence[Any]) -> None:
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
    if len(ends) != 2 or not numbers or not all(math.isfinite(end) for end in ends):
        raise _refused(name, declared, f"{scale} takes two numbers, [LOW, HIGH]")
    if not ends[0] < ends[1]:
        raise _refused(name, declared, "LOW has to be less than HIGH")
    if scale == "log" and ends[0] <= 0:
        raise _refused(name, declared, "a logarithmic range has to be positive; use linear")


def _refused(name: str, declared: Any, remedy: str) -> RefusedInput:
    return RefusedInput(f"search_space.{name}: {declared}: {remedy}")
