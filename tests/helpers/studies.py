"""Fair studies made by hand: trials with the phases and points that a study records.

Nothing here calls the code that draws, seeds or chooses points, so that its faults are seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.spec import Phase, TrialRecord, Tuning
from tests.helpers.records import make_record

SPACE = {"lr": {"log": [1e-4, 1e-1]}}
FAST: dict[str, Any] = {"evaluations": 1}
SELECTION_SEED = 1_000_000
REPORT_SEED = 1_000
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
            tuning=tuning or Tuning({}, "sobol", 0, 0, draw=2),
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


def tunings(
    optimizer: str,
    results: list[float | None],
    *,
    tried: int = 4,
    planned: int | None = None,
    choose: Callable[[int], float] = lambda repeat: 3e-3,
    statuses: Mapping[int, str] | None = None,
    **options: Any,
) -> list[TrialRecord]:
    """Make an entrant's tunings, one a result: its settings, of which the second is chosen.

    Args:
        results: on test, one a tuning; None for a report trial that diverged.
        planned: tunings that the study declares, if not as many as there are.
        choose: the learning rate that a tuning chooses.
        statuses: of report trials by tuning, where they are neither finished nor diverged.
    """
    records = []
    for repeat, value in enumerate(results):
        plan = {"repeats": planned or len(results), "repeat": repeat, "draw": 2}
        for index in range(tried):
            rate = choose(repeat) if index == 1 else 1e-3 * (1 + index) + 1e-6 * repeat
            records.append(
                make_record(
                    optimizer=optimizer,
                    seed=SELECTION_SEED + 100 * repeat,
                    point={"lr": rate} if index else {},
                    val=0.9 if index == 1 else 0.8,
                    test=None,
                    phase=Phase.SELECT,
                    tuning=Tuning(SPACE, "sobol", 0, tried, index=index, **plan),
                    **FAST,
                    **options,
                )
            )
        ended = "diverged" if value is None else "finished"
        records.append(
            make_record(
                optimizer=optimizer,
                seed=REPORT_SEED + repeat,
                point={"lr": choose(repeat)},
                val=0.5 if value is None else value,
                test=value,
                status=(statuses or {}).get(repeat, ended),
                reason="RuntimeError: mine" if statuses else "",
                phase=Phase.REPORT,
                tuning=Tuning(SPACE, "sobol", 0, tried, index=1, **plan),
                **FAST,
                **options,
            )
        )
    return records


def study(
    optimizer: str,
    landscape: Landscape,
    numbers: np.random.Generator,
    *,
    tried: int = 8,
    seeds: int = 10,
    repeats: int = 5,
    draw: int = 0,
) -> list[TrialRecord]:
    """Make all trials that a study records of one entrant; without settings only its default.

    Args:
        repeats: tunings; the reference has twice as many in a study.
        draw: number of the settings' draw, so that two entrants may try different ones.
    """
    records = []
    for repeat in range(repeats if tried else 0):
        points = [{}, *spread(tried - 1, start=math.sqrt(2) * draw + math.sqrt(3) * repeat)]
        rates = [point.get("lr", 1e-3) for point in points]
        values = [float(landscape.measure(rate, numbers, 1)[0]) for rate in rates]
        plan = {"repeat": repeat, "repeats": repeats, "draw": 2}
        for index, (point, value) in enumerate(zip(points, values, strict=True)):
            records.append(
                make_record(
                    optimizer=optimizer,
                    seed=SELECTION_SEED + 100 * repeat,
                    point=point,
                    val=value,
                    test=None,
                    phase=Phase.SELECT,
                    tuning=Tuning(SPACE, "sobol", draw, tried, index=index, **plan),
                    **FAST,
                )
            )
        best = max(range(tried), key=values.__getitem__)
        records.append(
            make_record(
                optimizer=optimizer,
                seed=REPORT_SEED + repeat,
                point=points[best],
                val=values[best],
                test=float(landscape.measure(rates[best], numbers, 1)[0]),
                phase=Phase.REPORT,
                tuning=Tuning(SPACE, "sobol", draw, tried, index=best, **plan),
                **FAST,
            )
        )
    space = SPACE if tried else {}
    default = landscape.measure(1e-3, numbers, seeds).tolist()
    plan = {"repeats": repeats if tried else 0, "draw": 2}
    records += reports(optimizer, default, tuning=Tuning(space, "sobol", draw, tried, **plan))
    return records
