"""Contestants timed side by side: a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch


def take_turns(contestants: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each contestant in each round; the order rotates from round to round."""
    times: list[list[float]] = [[] for _ in contestants]
    order = list(range(len(contestants)))
    for i in range(-3, rounds):  # three rounds to warm up
        order = order[1:] + order[:1]
        for which in order:
            started = time.perf_counter()
            contestants[which]()
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()
            if i >= 0:
                times[which].append(time.perf_counter() - started)
    return times


def ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """Median of the rounds' ratios: what slows a whole round down leaves it alone."""
    return statistics.median(a / b for a, b in zip(these, those, strict=True))
