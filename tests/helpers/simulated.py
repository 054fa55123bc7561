"""Studies by simulation: records of an optimizer whose true quality is a smooth function of lr."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bench.spec import TrialRecord, Tuning, protocol
from bench.spec.search_space import dimensions
from tests.reports.conftest import make_record

SPACE = {"lr": {"log": [1e-5, 1e-1]}}
BEST = 1e-3
N = 10


def quality(lr: float) -> float:
    """Accuracy in expectation: falls with the squared distance from the best rate, in decades."""
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
    """Records of one entrant: selection on one seed, then default and chosen point on ten."""
    (dimension,) = dimensions(SPACE)
    records = reported(name, random, None, BEST * 3, noise, shift, points=points, **options)
    for repeat in range(repeats):
        rates = [dimension.value(u) for u in (np.arange(points) + random.random(points)) / points]
        values = [quality(lr) + shift + noise * random.normal() for lr in rates]
        (seed,) = protocol.selection_seeds(1)
        for i, (lr, value) in enumerate(zip(rates, values, strict=True)):
            draw = Tuning(SPACE, "sobol", 0, points, repeat=repeat, index=i)
            records.append(
                make_record(
                    optimizer=name,
                    seed=seed,
                    point={"lr": lr},
                    val=value,
                    phase="select",
                    tuning=draw,
                    evaluations=1,
                )
            )
        best = protocol.choose_point([[value] for value in values], "maximize")
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
    """Reruns of one point on the reporting seeds; ``broken`` ones diverged."""
    draw = Tuning(SPACE if points else {}, "sobol", 0, points, repeat=repeat, index=index)
    made = []
    for seed in protocol.reporting_seeds(N):
        value, test = quality(lr) + shift + noise * random.normal(size=2)
        made.append(
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
    return made


def with_schedule(records: list[TrialRecord], name: str) -> list[TrialRecord]:
    """The same trials under another schedule."""
    schedule = {"name": name, "target": "", "arguments": {}}
    return [
        replace(r, run_id=f"{name} {r.run_id}", config={**r.config, "schedule": schedule})
        for r in records
    ]
