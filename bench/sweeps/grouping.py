"""Groups of trials that can be one stack or one job."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from bench.spec import TrialSpec


def group_alike(specs: Sequence[TrialSpec]) -> list[list[int]]:
    """Group the indices of trials that differ in seed, optimizer and schedule only."""
    groups: dict[str, list[int]] = {}
    for at, spec in enumerate(specs):
        shared = replace(
            spec,
            seed=0,
            optimizer=specs[0].optimizer,
            schedule=specs[0].schedule,
            origin=specs[0].origin,
        )
        groups.setdefault(repr(shared), []).append(at)
    return list(groups.values())


def split_evenly(indices: Sequence[int], most: int) -> list[Sequence[int]]:
    """Split into as few parts of nearly equal size as have at most ``most``."""
    count = math.ceil(len(indices) / most)
    bounds = [at * len(indices) // count for at in range(count + 1)]
    return [indices[start:end] for start, end in pairwise(bounds)]
