"""Numbers as text: as many digits as they support, a typographic minus, ∞ and ``n/a``."""

from __future__ import annotations

import math

MISSING = "n/a"


def number(value: float, digits: int, *, sign: bool = False) -> str:
    """``0.9723``, ``+0.0012``, ``∞``; ``n/a`` for NaN: a number that was not measured."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, digits) or 0.0  # no negative zero
    text = f"{rounded:+.{digits}f}" if sign else f"{rounded:.{digits}f}"
    return text.replace("-", "−")


def interval(value: float, low: float, high: float, digits: int, *, sign: bool = False) -> str:
    """``0.972 [0.968, 0.976]``; ``[n/a]`` where the values tell nothing about their spread."""
    if math.isnan(value):
        return MISSING
    shown = number(value, digits, sign=sign)
    if math.isnan(low):
        return f"{shown} [{MISSING}]"
    return f"{shown} [{number(low, digits, sign=sign)}, {number(high, digits, sign=sign)}]"


def short(value: float) -> str:
    """Three significant digits, never in exponents: ``0.396``, ``12.3``, ``1234``."""
    if math.isnan(value) or math.isinf(value) or value == 0:
        return number(value, 0)
    return number(value, max(0, 2 - math.floor(math.log10(abs(value)))))


def whole(value: float) -> str:
    """A count: ``380``."""
    return number(value, 0)
