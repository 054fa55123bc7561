"""Simulated reports: results of tunings that are drawn, judged by the code of real reports."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.spec import protocol
from bench.spec.looks import Ended
from bench.spec.protocol import Standing
from reports.analysis.arms import Arm, Kind
from reports.analysis.difference import Difference
from reports.analysis.leaderboard import compare_with_reference
from reports.analysis.pairwise import Pair, compare_pairs
from reports.analysis.rows import Comparison
from reports.analysis.study import Study
from reports.analysis.verdict import Claim, is_significant
from reports.pages.pools import Landscape
from reports.stats.rank_sum import RankSum, stratified_rank_sum

REFERENCE = protocol.REFERENCE
DEFAULT_TRIALS = 10
"""Of each default on a task."""
SHOWN = frozenset({Claim.BETTER, Claim.WORSE})

Floats = NDArray[np.float64]
Test = Callable[[Sequence[tuple[Floats, Floats]]], RankSum]
"""Of ours and theirs on each task, as ``stratified_rank_sum``."""


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
        return self.tunings * (self.settings + 1) + DEFAULT_TRIALS

    def count(self, optimizer: str) -> int:
        return self.reference_tunings if optimizer == REFERENCE else self.tunings


Results = Mapping[tuple[str, str], Floats]
"""By optimizer and task: one a tuning, the larger the better, −∞ for one that diverged."""
Tune = Callable[[Landscape, np.random.Generator, int, int], Floats]
"""Settings and number of tunings lead to a result each, as ``Landscape.tune``."""


@dataclass(frozen=True, eq=False)
class SimulatedArm(Arm):
    """A tuned arm with given results, in place of trials.

    Attributes:
        looks: results at each look, where the study was enlarged; the last look has all.
    """

    name: str = ""
    task: str = ""
    given: Floats | tuple[()] = ()
    looks: tuple[int, ...] = ()

    @cached_property
    def ended(self) -> tuple[Ended, ...]:
        looks = self.looks or (len(self.results),)
        at = [bisect_right(looks, result) for result in range(len(self.results))]
        return tuple(Ended(look + 1, looks[look]) for look in at)

    @cached_property
    def results(self) -> Floats:
        return np.asarray(self.given)

    def _first(self, column: str) -> str:
        """Answer in place of the first trial."""
        names = dict.fromkeys(("entrant_id", "entrant", "optimizer"), self.name)
        places = dict.fromkeys(("setting_id", "comparison"), self.task)
        return {**names, **places, "direction": "maximize", "source": "", "study": ""}[column]

    @cached_property
    def stops_at_target(self) -> bool:
        return False

    @property
    def is_skipped(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class JudgedDifference(Difference):
    """A difference that a given test judges."""

    given: Test = stratified_rank_sum

    @cached_property
    def test(self) -> RankSum:
        return self.given([(self.ours, self.theirs)])


@dataclass(frozen=True, eq=False)
class JudgedPair(Pair):
    """A pair that a given test judges over all tasks."""

    given: Test = stratified_rank_sum

    @cached_property
    def test(self) -> RankSum:
        return self.given([(each.ours, each.theirs) for *_, each in self.by_task])


@dataclass(frozen=True, eq=False)
class SimulatedStudy(Study):
    """A study of given arms: its correction and verdicts are those of any study.

    Attributes:
        given_test: judges every comparison; other than the reports' own where an idea is tried.
    """

    given: tuple[SimulatedArm, ...] = ()
    given_test: Test = stratified_rank_sum

    @property
    def reference(self) -> str:
        return REFERENCE

    @cached_property
    def arms(self) -> list[Arm]:
        return list(self.given)

    @cached_property
    def own(self) -> frozenset[str]:
        return frozenset(arm.entrant_id for arm in self.given)

    @cached_property
    def _comparisons(self) -> list[Comparison]:
        found = compare_with_reference(self.arms, self.reference)
        return [
            replace(one, difference=one.difference and self._judge(one.difference)) for one in found
        ]

    @cached_property
    def _pairs(self) -> list[Pair]:
        judged = [
            tuple((ours, theirs, self._judge(each)) for ours, theirs, each in pair.by_task)
            for pair in compare_pairs(self.grid)
        ]
        return [JudgedPair(by_task, given=self.given_test) for by_task in judged]

    def _judge(self, one: Difference) -> Difference:
        return JudgedDifference(one.ours, one.theirs, one.sign, self.given_test)

    @cached_property
    def row_verdicts(self) -> dict[tuple[str, str], Claim]:
        """By optimizer and task, the reference's among them."""
        claims = {}
        for one in self._comparisons:
            adjusted = self._family.find(one.hypothesis)
            judged = one.looks[adjusted.look]
            claims[one.arm.entrant_id, one.arm.setting_id] = judged.judge(adjusted).claim
        return claims

    @cached_property
    def pair_verdicts(self) -> dict[tuple[str, str], Claim]:
        """By the names of the two."""
        claims = {}
        for pair in self._pairs:
            adjusted = self._family.find(pair.hypothesis)
            claims[_names(pair)] = pair.looks[adjusted.look].judge(adjusted).claim
        return claims

    def list_claims(self) -> dict[tuple[str, str], int]:
        """List what is shown with the look that showed it: rows and pairs by their names."""
        rows = {
            (one.arm.entrant_id, one.arm.setting_id): one.hypothesis for one in self._comparisons
        }
        asked = {**rows, **{_names(pair): pair.hypothesis for pair in self._pairs}}
        found = {names: self._family.find(one) for names, one in asked.items()}
        return {names: one.look for names, one in found.items() if is_significant(one.p)}

    def count_claims(self) -> Counts:
        """Count rows, overall comparisons and other pairs with a verdict of better or worse."""
        shown = [names for names, claim in self.pair_verdicts.items() if claim in SHOWN]
        overall = sum(REFERENCE in names for names in shown)
        rows = sum(claim in SHOWN for claim in self.row_verdicts.values())
        return Counts(rows, overall, len(shown) - overall)

    def find_contradictions(self) -> list[str]:
        """List the comparisons whose interval says otherwise than their test."""
        found = []
        for one in self._comparisons:
            adjusted = self._family.find(one.hypothesis)
            if one.difference is None or math.isnan(adjusted.p):
                continue
            rejects = is_significant(adjusted.p)
            difference = one.looks[adjusted.look].difference
            assert difference is not None
            shift = difference.estimate_shift(adjusted.alpha)
            improvement = difference.estimate_improvement(adjusted.alpha)
            if {shift.excludes(0.0), improvement.excludes(0.5)} != {rejects}:
                found.append(f"{one.arm.entrant_id} on {one.arm.setting_id}")
        for pair in self._pairs:
            adjusted = self._family.find(pair.hypothesis)
            interval = pair.looks[adjusted.look].estimate_improvement(adjusted.alpha)
            if interval.excludes(0.5) != is_significant(adjusted.p):
                found.append(" and ".join(_names(pair)))
        return found


class Counts(NamedTuple):
    """Verdicts of better or worse in a report."""

    rows: int
    overall: int
    pairs: int


def make_study(
    results: Results,
    design: Design,
    looks: Mapping[tuple[str, str], tuple[int, ...]] | None = None,
    test: Test = stratified_rank_sum,
) -> SimulatedStudy:
    """Make a study of the results of a design.

    Args:
        looks: numbers of results, by optimizer and task, that the study had at each look, the last
            one with all of them; None: it was never enlarged.
        test: judges every comparison.
    """
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
            looks=looks[name, task] if looks else (),
        )
        for (name, task), values in results.items()
    ]
    return SimulatedStudy(records=(), given=tuple(arms), given_test=test)


def draw_equals(
    landscapes: Sequence[Landscape],
    design: Design,
    random: np.random.Generator,
    names: Sequence[str],
    tune: Tune = Landscape.tune,
) -> Results:
    """Draw the results of one optimizer under several names, on one landscape a task."""
    counts = [design.count(name) for name in names]
    results = {}
    for at, landscape in enumerate(landscapes):
        drawn = tune(landscape, random, design.settings, sum(counts))
        parts = np.split(drawn, np.cumsum(counts)[:-1])
        results.update({(name, str(at)): part for name, part in zip(names, parts, strict=True)})
    return results


def spread_out(results: Results, random: np.random.Generator, ratio: float) -> Results:
    """Give equal optimizers unequal spreads, at a probability of improvement of one half.

    Each result is mirrored at the median of its task by the toss of a coin, so that all
    distributions are symmetric around it, and its distance is multiplied by a factor that its
    optimizer has there: uniform on the log scale, the largest ``ratio`` times the smallest one.
    """
    medians = {
        task: float(np.median(np.concatenate([x for (_, at), x in results.items() if at == task])))
        for _, task in results
    }
    spread = {}
    for (name, task), values in results.items():
        factor = ratio ** random.uniform(-0.5, 0.5) * random.choice([-1, 1], size=len(values))
        spread[name, task] = medians[task] + factor * (values - medians[task])
    return spread


def _names(pair: Pair) -> tuple[str, str]:
    ours, theirs, _ = pair.by_task[0]
    return ours.optimizer, theirs.optimizer
