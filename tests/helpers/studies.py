"""Fair studies made by hand: trials with the phases and points that a study records.

Nothing here calls the code that draws, seeds or chooses points, so that its faults are seen.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bench.spec import Phase, TrialRecord, Tuning
from tests.helpers.records import make_record

SPACE = {"lr": {"log": [1e-4, 1e-1]}}
FAST: dict[str, Any] = {"evaluations": 1}
SELECTION_SEED = 1_000_000
GOLDEN = (math.sqrt(5) - 1) / 2


def reports(
    optimizer: str,
    values: list[float | None],
    *,
    tuning: Tuning | None = None,
    point: dict[str, Any] | None = None,
    **options: Any,
) -> list[TrialRecord]:
    """Make trials that report a point, one per seed; None stands for a seed that diverged."""
    return [
        make_record(
            optimizer=optimizer,
            seed=seed,
            point=point,
            val=0.5 if value is None else value,
            test=value,
            status="diverged" if value is None else "finished",
            phase=Phase.REPORT,
            tuning=tuning or Tuning({}, "sobol", 0, 0),
            **FAST,
            **options,
        )
        for seed, value in enumerate(values)
    ]


class Landscape:
    """One optimizer on one task: quality is a parabola in log lr, blurred by seeds.

    Args:
        best: the learning rate where it peaks.
        depth: the quality that one decade off the peak costs.
        noise: the standard deviation over seeds.
    """

    def __init__(self, *, best: float = 3e-3, depth: float = 0.02, noise: float = 0.004) -> None:
        self.best, self.depth, self.noise = best, depth, noise

    def quality(self, lr: float) -> float:
        return 0.9 - self.depth * float(np.log10(lr / self.best)) ** 2

    def measure(self, lr: float, numbers: np.random.Generator, n: int) -> np.ndarray:
        """Draw the final values of n seeds."""
        return self.quality(lr) + self.noise * numbers.standard_normal(n)


def spread(count: int, start: float) -> list[dict[str, float]]:
    """Spread points over SPACE: multiples of the golden ratio, modulo 1, on the log scale."""
    units = [(start + index * GOLDEN) % 1 for index in range(count)]
    return [{"lr": float(f"{10 ** (-4 + 3 * unit):.4g}")} for unit in units]


def study(
    optimizer: str,
    landscape: Landscape,
    numbers: np.random.Generator,
    *,
    tried: int = 8,
    seeds: int = 10,
    repeats: int = 1,
    draw: int = 0,
) -> list[TrialRecord]:
    """Make all trials that a study records of one entrant; without points only its default.

    Args:
        draw: number of the points' draw, so that two entrants may try different ones.
    """
    records = []
    for repeat in range(repeats if tried else 0):
        points = spread(tried, start=math.sqrt(2) * draw + math.sqrt(3) * repeat)
        values = [float(landscape.measure(point["lr"], numbers, 1)[0]) for point in points]
        for index, (point, value) in enumerate(zip(points, values, strict=True)):
            tuning = Tuning(SPACE, "sobol", draw, tried, repeat=repeat, index=index)
            records.append(
                make_record(
                    optimizer=optimizer,
                    seed=SELECTION_SEED,
                    point=point,
                    val=value,
                    test=None,
                    phase=Phase.SELECT,
                    tuning=tuning,
                    **FAST,
                )
            )
        best = max(range(tried), key=values.__getitem__)
        tuning = Tuning(SPACE, "sobol", draw, tried, repeat=repeat, index=best)
        test = landscape.measure(points[best]["lr"], numbers, seeds).tolist()
        records += reports(optimizer, test, tuning=tuning, point=points[best])
    space = SPACE if tried else {}
    default = landscape.measure(1e-3, numbers, seeds).tolist()
    records += reports(optimizer, default, tuning=Tuning(space, "sobol", draw, tried))
    return records
