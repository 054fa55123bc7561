"""Simulated reports: results of tunings that are drawn, judged by the code of real reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.spec import protocol
from bench.spec.protocol import Standing
from reports.analysis.arms import Arm, Kind
from reports.analysis.pairwise import Pair
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.pages.pools import Landscape

REFERENCE = protocol.REFERENCE
SHOWN = frozenset({Claim.BETTER, Claim.WORSE})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """Tunings of each optimizer, of the reference, and settings of each tuning."""

    tunings: int
    reference_tunings: int
    settings: int

    def __str__(self) -> str:
        return f"{self.tunings}:{self.reference_tunings} × {self.settings}"

    @property
    def trials(self) -> int:
        """Of an optimizer on a task: tunings with their report trials, and ten of the default."""
        return self.tunings * (self.settings + 1) + 10

    def count(self, optimizer: str) -> int:
        return self.reference_tunings if optimizer == REFERENCE else self.tunings


Results = Mapping[tuple[str, str], Floats]
"""By optimizer and task: one a tuning, the larger the better, −∞ for one that diverged."""


@dataclass(frozen=True, eq=False)
class SimulatedArm(Arm):
    """A tuned arm with given results, in place of trials."""

    name: str = ""
    task: str = ""
    given: Floats | tuple[()] = ()

    @cached_property
    def results(self) -> Floats:
        return np.asarray(self.given)

    @cached_property
    def entrant_id(self) -> str:
        return self.name

    @cached_property
    def entrant(self) -> str:
        return self.name

    @cached_property
    def optimizer(self) -> str:
        return self.name

    @cached_property
    def setting_id(self) -> str:
        return self.task

    @cached_property
    def comparison(self) -> str:
        return self.task

    @cached_property
    def direction(self) -> str:
        return "maximize"

    @cached_property
    def stops_at_target(self) -> bool:
        return False

    @property
    def is_skipped(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class SimulatedStudy(Study):
    """A study of given arms: its tests, correction and verdicts are those of any study."""

    given: tuple[SimulatedArm, ...] = ()

    @property
    def reference(self) -> str:
        return REFERENCE

    @cached_property
    def arms(self) -> list[Arm]:
        return list(self.given)

    @cached_property
    def own(self) -> frozenset[str]:
        return frozenset(arm.entrant_id for arm in self.given)

    def count_claims(self) -> Counts:
        """Count rows, overall comparisons and other pairs with a verdict of better or worse."""
        rows = [one.judge(self._family.find(one.hypothesis).p) for one in self._comparisons]
        pairs = [
            (REFERENCE in _names(pair), pair.judge(self._family.find(pair.hypothesis).p))
            for pair in self._pairs
        ]
        return Counts(
            sum(verdict.claim in SHOWN for verdict in rows),
            sum(verdict.claim in SHOWN for with_reference, verdict in pairs if with_reference),
            sum(verdict.claim in SHOWN for with_reference, verdict in pairs if not with_reference),
        )


class Counts(NamedTuple):
    """Verdicts of better or worse in a report."""

    rows: int
    overall: int
    pairs: int


def make_study(results: Results, design: Design) -> SimulatedStudy:
    """Make a study of the results of a design."""
    arms = [
        SimulatedArm(
            Kind.TUNED,
            pd.DataFrame(),
            design.settings,
            Standing(name, len(values), len(values), design.settings, sampler="sobol"),
            (False, 0.0, 0.0),
            tunings=len(values),
            name=name,
            task=task,
            given=values,
        )
        for (name, task), values in results.items()
    ]
    return SimulatedStudy(records=(), given=tuple(arms))


def draw_equals(
    landscapes: Sequence[Landscape],
    design: Design,
    random: np.random.Generator,
    names: Sequence[str],
) -> Results:
    """Draw the results of one optimizer under several names, on one landscape a task."""
    counts = [design.count(name) for name in names]
    results = {}
    for at, landscape in enumerate(landscapes):
        drawn = landscape.tune(random, design.settings, sum(counts))
        parts = np.split(drawn, np.cumsum(counts)[:-1])
        results.update({(name, str(at)): part for name, part in zip(names, parts, strict=True)})
    return results


def spread_out(results: Results, random: np.random.Generator, widest: float) -> Results:
    """Give equal optimizers unequal spreads, at a probability of improvement of one half.

    Each result is mirrored at the median of its task by the toss of a coin, so that all
    distributions are symmetric around it, and its distance is multiplied by a factor that its
    optimizer has there: from 1/widest to widest, uniform on the log scale.
    """
    medians = {
        task: float(np.median(np.concatenate([x for (_, at), x in results.items() if at == task])))
        for _, task in results
    }
    spread = {}
    for (name, task), values in results.items():
        factor = widest ** random.uniform(-1, 1) * random.choice([-1, 1], size=len(values))
        spread[name, task] = medians[task] + factor * (values - medians[task])
    return spread


def _names(pair: Pair) -> tuple[str, str]:
    ours, theirs, _ = pair.by_task[0]
    return ours.optimizer, theirs.optimizer
