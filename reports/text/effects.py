"""Effects in words: a shift in the task's unit, a probability of improvement, their level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from reports.stats.intervals import CONFIDENCE, Interval
from reports.stats.sampling import SHARES
from reports.text.numbers import MISSING, UNDETERMINED, number, significant

POINTS = 100
"""A share of examples is told in points, which are hundredths."""


def describe_shift(shift: Interval, metric: str, level: float) -> str:
    """``+1.6 points accuracy (95 % interval +1.0 to +2.2)``; empty where nothing is known."""
    if math.isnan(shift.estimate):
        return ""
    scaled, unit = _scale(shift, metric)
    if math.isinf(scaled.estimate):
        return f"size {UNDETERMINED}"
    digits = _choose_digits(scaled)
    ends = describe_ends(scaled, digits)
    value = number(scaled.estimate, digits, sign=True)
    return f"{value}{unit} ({format_level(level)} interval {ends})"


def describe_ruled_out(shift: Interval, metric: str) -> str:
    """``differences outside −0.7 to +0.9 points accuracy are ruled out``."""
    scaled, unit = _scale(shift, metric)
    ends = describe_ends(scaled, _choose_digits(scaled))
    if ends == UNDETERMINED:
        return "no size of a difference is ruled out"
    if math.isinf(scaled.low) or math.isinf(scaled.high):
        bound, side = (scaled.high, "above") if math.isinf(scaled.low) else (scaled.low, "below")
        return (
            f"differences {side} {number(bound, _choose_digits(scaled), sign=True)}{unit} are "
            "ruled out"
        )
    return f"differences outside {ends}{unit} are ruled out"


def describe_ends(interval: Interval, digits: int) -> str:
    """``−0.7 to +0.9``, or *not determined* where no end is known."""
    if not interval.known or (math.isinf(interval.low) and math.isinf(interval.high)):
        return UNDETERMINED
    return (
        f"{number(interval.low, digits, sign=True)} to {number(interval.high, digits, sign=True)}"
    )


def format_improvement(improvement: Interval) -> str:
    """``96 % [72, 99]``: how often a result of ours is the better one."""
    if math.isnan(improvement.estimate):
        return MISSING
    low, value, high = (
        f"{100 * share:.0f}" for share in (improvement.low, improvement.estimate, improvement.high)
    )
    return f"{value} % [{low}, {high}]" if improvement.known else f"{value} % [{UNDETERMINED}]"


def format_overall_improvement(row: Mapping[Any, Any]) -> str:
    """The same of a row of ``Study.overall``."""
    value, low, high = (row[f"improvement{end}"] for end in ("", "_low", "_high"))
    return format_improvement(Interval(value, low, high, 0))


def format_level(level: float) -> str:
    """``95 %``, ``99.8 %``, ``99.98 %``: one digit of what it lacks to 100 %."""
    lacking = 100 * (1 - level)
    if lacking <= 0:
        return "100 %"
    digits = max(0, -math.floor(math.log10(lacking) + 1e-9))
    return f"{100 * level:.{digits}f} %"


def is_adjusted(level: float) -> bool:
    """Tell if a level is above that of a single test."""
    return level > CONFIDENCE + 1e-9


def _scale(interval: Interval, metric: str) -> tuple[Interval, str]:
    if metric not in SHARES:
        return interval, f" {metric}"
    value, low, high = (POINTS * end for end in (interval.estimate, interval.low, interval.high))
    return Interval(value, low, high, interval.n), f" points {metric}"


def _choose_digits(interval: Interval) -> int:
    """Choose two significant digits of the half-width, or of the value where there is none."""
    width = (interval.high - interval.low) / 2
    known = [x for x in (width, abs(interval.estimate)) if math.isfinite(x) and x > 0]
    return significant(known[0]) if known else 0
