"""Learning-rate schedules: pure functions from the training step to a factor on the learning rate.

Each returns ``factor(step)`` for ``step = 0 … steps - 1``, the number of updates already made, and
ends with the budget. ``warmup`` is the share of the budget in which the factor first rises linearly
to 1; the decay then covers what remains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from bench.spec import RefusedInput

Factor = Callable[[int], float]


def constant(steps: int, *, warmup: float = 0.0) -> Factor:
    """1 throughout."""
    return _after_warmup(steps, warmup, lambda _: 1.0)


def linear(steps: int, *, warmup: float = 0.0, final: float = 0.0) -> Factor:
    """A straight line from 1 to ``final``."""
    return _after_warmup(steps, warmup, lambda done: 1 - (1 - final) * done)


def cosine(steps: int, *, warmup: float = 0.0, final: float = 0.0) -> Factor:
    """Half a cosine from 1 to ``final`` (Loshchilov and Hutter 2017, without restarts)."""
    return _after_warmup(
        steps, warmup, lambda done: final + (1 - final) * (1 + math.cos(math.pi * done)) / 2
    )


def step(
    steps: int,
    *,
    warmup: float = 0.0,
    milestones: Sequence[float] = (0.5, 0.75),
    gamma: float = 0.1,
) -> Factor:
    """``gamma`` once more at each milestone, given as shares of the whole budget."""
    warm = _warmup_factor(steps, warmup)
    return lambda at: warm(at) * gamma ** sum(at >= share * steps for share in milestones)


def inverse_sqrt(steps: int, *, warmup: float = 0.0) -> Factor:
    """1/sqrt(step), scaled to 1 at the end of the warm-up (Vaswani et al. 2017)."""
    warm = _warmup_factor(steps, warmup)
    start = max(1, round(warmup * steps))
    return lambda at: warm(at) * math.sqrt(start / max(start, at + 1))


def _after_warmup(steps: int, warmup: float, decay: Callable[[float], float]) -> Factor:
    """``decay`` of the share done of what the warm-up leaves, in [0, 1)."""
    warm = _warmup_factor(steps, warmup)
    start = round(warmup * steps)
    return lambda at: warm(at) * decay(max(0, at - start) / max(1, steps - start))


def _warmup_factor(steps: int, warmup: float) -> Factor:
    if not 0 <= warmup < 1:
        raise RefusedInput(f"schedule.warmup: {warmup} is not a share of the budget in [0, 1)")
    length = round(warmup * steps)
    return lambda at: min(1.0, (at + 1) / length) if length else 1.0
