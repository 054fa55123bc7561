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
DEFAULT = 3e-3
SEEDS = range(10)
SELECTION_SEED = 1_000_000
REPORT_SEED = 1_000


def quality(lr: float) -> float:
    """Return the expected accuracy, which falls with the squared decades from the best rate."""
    return 0.95 - 0.02 * (math.log10(lr) - math.log10(BEST)) ** 2


def tuned(
    name: str,
    random: np.random.Generator,
    *,
    points: int = 8,
    repeats: int = 5,
    noise: float = 0.004,
    shift: float = 0.0,
    broken: tuple[int, ...] = (),
) -> list[TrialRecord]:
    """Make records of one entrant: its default on ten seeds, and tunings with a report each.

    Args:
        broken: tunings whose report trial diverged.
    """
    records = reported(name, random, noise, shift, points=points, repeats=repeats)
    for repeat in range(repeats):
        units = (np.arange(points) + random.random(points)) / points
        rates = [DEFAULT, *(float(f"{10 ** (-5 + 4 * unit):.4g}") for unit in units[1:])]
        values = [quality(lr) + shift + noise * random.normal() for lr in rates]
        plan = {"repeat": repeat, "repeats": repeats, "draw": 2}
        for i, (lr, value) in enumerate(zip(rates, values, strict=True)):
            records.append(
                make_record(
                    optimizer=name,
                    seed=SELECTION_SEED + 100 * repeat,
                    point={"lr": lr},
                    val=value,
                    test=None,
                    phase="select",
                    tuning=Tuning(SPACE, "sobol", 0, points, index=i, **plan),
                    evaluations=1,
                )
            )
        best = max(range(points), key=values.__getitem__)
        tuning = Tuning(SPACE, "sobol", 0, points, index=best, **plan)
        status = "diverged" if repeat in broken else "finished"
        seed = REPORT_SEED + repeat
        records.append(
            _report(name, random, rates[best], seed, noise, shift, tuning=tuning, status=status)
        )
    return records


def reported(
    name: str,
    random: np.random.Generator,
    noise: float = 0.004,
    shift: float = 0.0,
    *,
    points: int = 8,
    repeats: int = 5,
) -> list[TrialRecord]:
    """Make trials that report a default, one per seed."""
    plan = {"repeats": repeats if points else 0, "draw": 2}
    tuning = Tuning(SPACE if points else {}, "sobol", 0, points, **plan)
    return [
        _report(name, random, DEFAULT, seed, noise, shift, tuning=tuning, status="finished")
        for seed in SEEDS
    ]


def _report(
    name: str,
    random: np.random.Generator,
    lr: float,
    seed: int,
    noise: float,
    shift: float,
    *,
    tuning: Tuning,
    status: str,
) -> TrialRecord:
    value, test = quality(lr) + shift + noise * random.normal(size=2)
    return make_record(
        optimizer=name,
        seed=seed,
        point={"lr": lr},
        val=float(value),
        test=float(test),
        phase="report",
        tuning=tuning,
        evaluations=1,
        status=status,
    )


def with_schedule(records: list[TrialRecord], name: str) -> list[TrialRecord]:
    """Copy trials to another schedule."""
    schedule = {"name": name, "target": "", "arguments": {}}
    return [
        replace(r, run_id=f"{name} {r.run_id}", config={**r.config, "schedule": schedule})
        for r in records
    ]
