"""Fair studies made by hand: trials with the phases and points that the study sweeper records."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.spec import Phase, TrialRecord, Tuning
from bench.spec.protocol import SELECTION_SEEDS, choose_point
from bench.sweeps.search import Source, points
from tests.reports.conftest import make_record

SPACE = {"lr": {"log": [1e-4, 1e-1]}}
FAST: dict[str, Any] = {"evaluations": 1}


def reports(
    optimizer: str,
    values: list[float | None],
    *,
    tuning: Tuning | None = None,
    point: dict[str, Any] | None = None,
    **options: Any,
) -> list[TrialRecord]:
    """Trials that report a point, one a seed; None for a seed that diverged."""
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
        width: decades off the peak that cost one unit of ``depth``.
    """

    def __init__(self, *, best: float = 3e-3, depth: float = 0.02, noise: float = 0.004) -> None:
        self.best, self.depth, self.noise = best, depth, noise

    def quality(self, lr: float) -> float:
        return 0.9 - self.depth * float(np.log10(lr / self.best)) ** 2

    def measured(self, lr: float, numbers: np.random.Generator, n: int) -> np.ndarray:
        """Final values of n seeds."""
        return self.quality(lr) + self.noise * numbers.standard_normal(n)


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
    """Everything that a study records of one entrant; without points only its default.

    Args:
        draw: seed of the points, so that two entrants may try different ones.
    """
    records = []
    for repeat in range(repeats if tried else 0):
        drawn = points(Source(SPACE, "sobol", draw, repeat), tried)
        values = [landscape.measured(point["lr"], numbers, 1).tolist() for point in drawn]
        for index, (point, value) in enumerate(zip(drawn, values, strict=True)):
            tuning = Tuning(SPACE, "sobol", draw, tried, repeat=repeat, index=index)
            records.append(
                make_record(
                    optimizer=optimizer,
                    seed=SELECTION_SEEDS,
                    point=point,
                    val=value[0],
                    test=None,
                    phase=Phase.SELECT,
                    tuning=tuning,
                    **FAST,
                )
            )
        best = choose_point(values, "maximize")
        tuning = Tuning(SPACE, "sobol", draw, tried, repeat=repeat, index=best)
        test = landscape.measured(drawn[best]["lr"], numbers, seeds).tolist()
        records += reports(optimizer, test, tuning=tuning, point=drawn[best])
    space = SPACE if tried else {}
    default = landscape.measured(1e-3, numbers, seeds).tolist()
    records += reports(optimizer, default, tuning=Tuning(space, "sobol", draw, tried))
    return records
