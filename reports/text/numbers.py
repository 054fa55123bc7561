"""Numbers as text: as many digits as they support, a typographic minus, ∞ and ``n/a``; counts."""

from __future__ import annotations

import math
from collections.abc import Iterable

MISSING = "n/a"
UNDETERMINED = "not determined"
"""Of an interval: the values do not tell their spread, or it exceeds the metric's range."""
HUGE = 1e6
"""From here on a measured number is written with an exponent."""


def significant(half_width: float) -> int:
    """Decimals, 0 to 6, that show two significant digits of an interval's half-width."""
    return max(0, min(6, 1 - math.floor(math.log10(half_width))))


def number(value: float, digits: int, *, sign: bool = False) -> str:
    """``0.9723``, ``+0.0012``, ``∞``; ``n/a`` for NaN: a number that was not measured."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    rounded = round(value, digits) or 0.0  # no negative zero
    how = ".3g" if abs(value) >= HUGE else f".{digits}f"
    return format(rounded, f"+{how}" if sign else how).replace("-", "−")


def interval(value: float, low: float, high: float, digits: int, *, sign: bool = False) -> str:
    """``0.972 [0.968, 0.976]``; *not determined* where values do not tell their spread."""
    if math.isnan(value):
        return MISSING
    shown = number(value, digits, sign=sign)
    if math.isnan(low):
        return f"{shown} [{UNDETERMINED}]"
    return f"{shown} [{number(low, digits, sign=sign)}, {number(high, digits, sign=sign)}]"


def counted(count: int, word: str) -> str:
    """``1 seed``, ``8 seeds``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def listed(names: Iterable[object], most: int) -> str:
    """``a, b, c``, each once; of many the first few and how many more."""
    texts = [str(name) for name in dict.fromkeys(names)]
    rest = f", … ({len(texts) - most} more)" if len(texts) > most else ""
    return ", ".join(texts[:most]) + rest


def short(value: float) -> str:
    """Three significant digits, never in exponents: ``0.396``, ``12.3``, ``1234``."""
    if math.isnan(value) or math.isinf(value) or value == 0:
        return number(value, 0)
    return number(value, max(0, 2 - math.floor(math.log10(abs(value)))))


def whole(value: float) -> str:
    """A count: ``380``, ``1200000``."""
    return f"{value:.0f}" if math.isfinite(value) else number(value, 0)
