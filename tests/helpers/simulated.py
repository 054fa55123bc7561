"""Simulated studies: records of an optimizer whose true quality is a smooth function of lr.

Nothing here calls the code that draws, seeds or chooses points, so that its faults are seen.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.spec import TrialRecord, Tuning
from tests.helpers.records import make_record

SPACE = {"lr": {"log": [1e-5, 1e-1]}}
BEST = 1e-3
SEEDS = range(10)
SELECTION_SEED = 1_000_000


def quality(lr: float) -> float:
    """Return the expected accuracy, which falls with the squared decades from the best rate."""
    return 0.95 - 0.02 * (math.log10(lr) - math.log10(BEST)) ** 2


def tuned(
    name: str,
    random: np.random.Generator,
    *,
    points: int = 8,
    repeats: int = 1,
    noise: float = 0.004,
    shift: float = 0.0,
    **options: object,
) -> list[TrialRecord]:
    """Make records of one entrant: selection on one seed, then default and best point on ten."""
    records = reported(name, random, None, BEST * 3, noise, shift, points=points, **options)
    for repeat in range(repeats):
        units = (np.arange(points) + random.random(points)) / points
        rates = [float(f"{10 ** (-5 + 4 * unit):.4g}") for unit in units]
        values = [quality(lr) + shift + noise * random.normal() for lr in rates]
        for i, (lr, value) in enumerate(zip(rates, values, strict=True)):
            draw = Tuning(SPACE, "sobol", 0, points, repeat=repeat, index=i)
            records.append(
                make_record(
                    optimizer=name,
                    seed=SELECTION_SEED,
                    point={"lr": lr},
                    val=value,
                    phase="select",
                    tuning=draw,
                    evaluations=1,
                )
            )
        best = max(range(points), key=values.__getitem__)
        records += reported(
            name, random, best, rates[best], noise, shift, repeat=repeat, points=points, **options
        )
    return records


def reported(
    name: str,
    random: np.random.Generator,
    index: int | None,
    lr: float,
    noise: float = 0.004,
    shift: float = 0.0,
    *,
    points: int = 8,
    repeat: int = 0,
    broken: tuple[int, ...] = (),
) -> list[TrialRecord]:
    """Make trials that report one point, one per seed; the ``broken`` seeds diverged."""
    draw = Tuning(SPACE if points else {}, "sobol", 0, points, repeat=repeat, index=index)
    records = []
    for seed in SEEDS:
        value, test = quality(lr) + shift + noise * random.normal(size=2)
        records.append(
            make_record(
                optimizer=name,
                seed=seed,
                point={"lr": lr},
                val=float(value),
                test=float(test),
                phase="report",
                tuning=draw,
                evaluations=1,
                status="diverged" if seed in broken and index is not None else "finished",
            )
        )
    return records


def with_schedule(records: list[TrialRecord], name: str) -> list[TrialRecord]:
    """Copy trials to another schedule."""
    schedule = {"name": name, "target": "", "arguments": {}}
    return [
        replace(r, run_id=f"{name} {r.run_id}", config={**r.config, "schedule": schedule})
        for r in records
    ]
