"""Which trials of a sweep are alike: they can be a stack, or parts of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.spec import TrialSpec


def alike(specs: Sequence[TrialSpec]) -> list[list[int]]:
    """Places of trials that differ in seed, optimizer and schedule only."""
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
