"""Every entrant against every other over all tasks: the multi-comparison matrix.

A pair does not change with who else is entered, as ranks and critical-difference diagrams do; only
Holm's adjustment knows of the others. Source: Ismail-Fawaz et al. 2023, arXiv:2305.11921.

The effect is the log2 ratio of remaining losses (``stats.anchored``), per task of means over the
seeds that both finished, then the plain mean over tasks: the tasks are taken as they are, and its
interval is one over seeds and tunings. Where a trial did not finish, or a task's metric has no such
ratio, the test combines each task's own test instead (Stouffer).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from reports.analysis.arms import Arm
from reports.analysis.difference import Difference, compare
from reports.analysis.effect import Effect, measure_effect
from reports.analysis.grid import Grid
from reports.analysis.multiplicity import Family, Hypothesis
from reports.analysis.verdict import (
    Claim,
    Verdict,
    find_bar,
    find_objection,
    is_significant,
    make_verdict,
)
from reports.stats.intervals import UNKNOWN, Interval, Variance, t_interval
from reports.stats.tests import stouffer

COLUMNS = [
    *["ours", "theirs", "ours_id", "theirs_id", "tasks", "measured", "effect", "low", "high"],
    *["win", "tie", "loss", "withheld", "p", "p_holm", "claim", "reason"],
]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two entrants on the tasks on which both have an arm.

    Attributes:
        by_task: of each task our arm, theirs, and their difference.
        effect: mean over the tasks that have one; positive where ours is better.
        measured: the number of these tasks.
        p: two-sided, that ours and theirs are alike.
        gain: positive where ours is better.
    """

    by_task: tuple[tuple[Arm, Arm, Difference], ...]
    effect: Interval
    measured: int
    p: float
    gain: float

    @property
    def hypothesis(self) -> Hypothesis:
        return frozenset(arm for ours, theirs, _ in self.by_task for arm in (ours, theirs))

    @cached_property
    def bars(self) -> tuple[str, ...]:
        """For each task the reason not to judge whatever the outcome; empty where there is none."""
        return tuple(find_bar(ours, theirs, each.pairs) for ours, theirs, each in self.by_task)

    @property
    def p_tested(self) -> float:
        """``p``; NaN where nothing would be claimed whatever its outcome."""
        return math.nan if any(self.bars) else self.p

    def judge(self, p_holm: float) -> Verdict:
        """Give the verdict on ours; it is withheld where it would be on one of the tasks."""
        for ours, theirs, each in self.by_task:
            if reason := find_objection(ours, theirs, each, self.gain, p_holm):
                where = f"on {ours.comparison}: " if len(self.by_task) > 1 else ""
                return Verdict(Claim.WITHHELD, where + reason)
        return make_verdict(p_holm, self.gain, "")

    def tally(self) -> tuple[int, int, int]:
        """Count tasks won, tied and lost; those that are barred are none of them.

        A task is won or lost where its own test shows a difference at 5 %, before any adjustment:
        equal entrants win and lose one in forty each. Counts describe; claims rest on ``p``.
        """
        tested = [each for (*_, each), bar in zip(self.by_task, self.bars, strict=True) if not bar]
        signs = [np.sign(each.gain) if is_significant(each.p) else 0 for each in tested]
        return signs.count(1), signs.count(0), signs.count(-1)


def compare_pairs(grid: Grid) -> list[Pair]:
    """Compare every two entrants with a task in common, the later in order with the earlier."""
    pairs = (_pair(grid, ours, theirs) for theirs, ours in itertools.combinations(grid.entrants, 2))
    return [pair for pair in pairs if pair.by_task]


def tabulate_pairs(pairs: Sequence[Pair], family: Family) -> pd.DataFrame:
    """List the pairs; the columns are those of ``Study.pairs``."""
    rows = [_row(pair, family.adjusted[pair.hypothesis].p) for pair in pairs]
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(pair: Pair, p_holm: float) -> tuple[object, ...]:
    verdict, (win, tie, loss), tasks = pair.judge(p_holm), pair.tally(), len(pair.by_task)
    ours, theirs, _ = pair.by_task[0]
    return (
        *(ours.entrant, theirs.entrant, ours.entrant_id, theirs.entrant_id, tasks, pair.measured),
        *(pair.effect.estimate, pair.effect.low, pair.effect.high),
        *(win, tie, loss, tasks - win - tie - loss),
        *(pair.p, p_holm, str(verdict.claim), verdict.reason),
    )


def _pair(grid: Grid, ours: str, theirs: str) -> Pair:
    both = [
        (grid.arms[ours, at], grid.arms[theirs, at])
        for at in grid.settings
        if (ours, at) in grid.arms and (theirs, at) in grid.arms
    ]
    by_task = tuple((a, b, compare(a, b)) for a, b in both)
    effects = [each for a, b in both if (each := measure_effect(a, b)) is not None]
    mean, p = _mean(effects, sum(each.seeds.n for *_, each in by_task))
    p, gain = _test([each for *_, each in by_task], mean, p, complete=len(effects) == len(both))
    return Pair(by_task, mean, len(effects), p, gain)


def _mean(effects: Sequence[Effect], n: int) -> tuple[Interval, float]:
    """Average independent tasks; also return the p-value of the mean's being 0."""
    if not effects:
        return UNKNOWN, math.nan
    parts = [
        Variance(part.value / len(effects) ** 2, part.degrees)
        for each in effects
        for part in each.parts
    ]
    with np.errstate(invalid="ignore"):  # one task won and one lost by ∞: NaN
        return t_interval(float(np.mean([each.estimate for each in effects])), parts, n)


def _test(
    differences: Sequence[Difference], mean: Interval, p: float, *, complete: bool
) -> tuple[float, float]:
    """Return ``(p, gain)``: of the effect where every task has one and every trial finished.

    Else the tasks' own tests are combined; a single task's own test stands.
    """
    if len(differences) == 1:
        return differences[0].p, differences[0].gain
    if complete and not math.isnan(p) and not any(each.has_failures for each in differences):
        return p, mean.estimate
    z, combined = stouffer([each.p for each in differences], [each.gain for each in differences])
    return combined, z
