"""Every entrant against every other over all tasks: the multi-comparison matrix.

A pair does not change with who else is entered, as ranks and critical-difference diagrams do; only
Holm's correction knows of the others. Source: Ismail-Fawaz et al. 2023, arXiv:2305.11921. The pairs
of the reference are the overall verdicts.

The test is one exact rank-sum test, summed over the tasks that both ran (van Elteren 1960); the
effect is the probability of improvement, averaged over these tasks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from reports.analysis.arms import Arm
from reports.analysis.difference import ALPHA, Difference, compare
from reports.analysis.grid import Grid
from reports.analysis.looks import find_looks
from reports.analysis.multiplicity import Adjusted, Family, Hypothesis
from reports.analysis.verdict import (
    Verdict,
    find_bar,
    find_standing_objection,
    is_significant,
    judge,
)
from reports.stats.improvement import improvement_interval
from reports.stats.intervals import UNKNOWN, Interval
from reports.stats.rank_sum import RankSum, stratified_rank_sum

COLUMNS = [
    *["ours", "theirs", "ours_id", "theirs_id", "tasks", "improvement", "low", "high", "level"],
    *["win", "tie", "loss", "no_verdict", "p", "p_holm", "claim", "reason"],
]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two entrants on the tasks that both ran.

    Attributes:
        by_task: of each task our arm, theirs, and their difference.
        pending: reason why nothing is judged yet; empty once all that was declared has ended.
    """

    by_task: tuple[tuple[Arm, Arm, Difference], ...]
    pending: str = ""

    @cached_property
    def looks(self) -> tuple[Pair, ...]:
        """The pair as it was at each look; the last one is with all results."""
        arms = [arm for ours, theirs, _ in self.by_task for arm in (ours, theirs)]
        return tuple(self._first(sizes) for sizes in find_looks(arms))

    def _first(self, sizes: Sequence[int]) -> Pair:
        each = zip(self.by_task, sizes[::2], sizes[1::2], strict=True)
        return replace(self, by_task=tuple((a, b, d.first(m, n)) for (a, b, d), m, n in each))

    @property
    def hypothesis(self) -> Hypothesis:
        return frozenset(arm for ours, theirs, _ in self.by_task for arm in (ours, theirs))

    @cached_property
    def test(self) -> RankSum:
        """The test over all tasks; NaN where one of them has no result."""
        differences = [each for *_, each in self.by_task]
        if not all(each.is_measured for each in differences):
            return RankSum(math.nan, math.nan)
        if len(differences) == 1:
            return differences[0].test
        return stratified_rank_sum([(each.ours, each.theirs) for each in differences])

    @property
    def gain(self) -> float:
        """The probability of improvement beyond one half: positive where ours is better."""
        return self.test.improvement - 0.5

    def estimate_improvement(self, alpha: float = ALPHA) -> Interval:
        """Estimate the mean over tasks of the probability that ours is better."""
        if math.isnan(self.test.p):
            return UNKNOWN
        return improvement_interval([(each.ours, each.theirs) for *_, each in self.by_task], alpha)

    @cached_property
    def bars(self) -> tuple[str, ...]:
        """For each task the reason for no verdict whatever the outcome; empty for none."""
        return tuple(find_bar(ours, theirs) for ours, theirs, _ in self.by_task)

    @property
    def p_tested(self) -> float:
        """``p``; NaN where there is no verdict whatever its outcome."""
        return math.nan if any(self.bars) or self.pending else self.test.p

    @property
    def p_by_look(self) -> tuple[float, ...]:
        """``p_tested`` at each look."""
        return tuple(one.p_tested for one in self.looks)

    def judge(self, adjusted: Adjusted) -> Verdict:
        """Give the verdict on ours; without one on a task there is none over all."""
        several = len(self.by_task) > 1
        named = zip(self.by_task, self.bars, strict=True)
        bars = [f"on {own[0].comparison}: {bar}" if several else bar for own, bar in named if bar]
        bar = next(iter(bars), self.pending)
        return judge(adjusted, self.gain, bar, self._find_edge_objection())

    def _find_edge_objection(self) -> str:
        """Apply the edge rule to the loser's tunings of all tasks together."""
        won = self.gain > 0
        sides = [
            (theirs.standing, len(each.theirs)) if won else (ours.standing, len(each.ours))
            for ours, theirs, each in self.by_task
        ]
        edges = tuple(one for side, _ in sides for one in side.edges)
        first = tuple(one for side, results in sides for one in side.edges[:results])
        return find_standing_objection(replace(sides[0][0], edges=edges), first)

    def tally(self) -> tuple[int, int, int]:
        """Count tasks won, tied and lost; those without a verdict are none of them.

        A task is won or lost where its own test shows a difference at 5 %, before any correction:
        equal entrants win and lose one in forty each. Counts describe; claims rest on ``p``.
        """
        tested = [each for (*_, each), bar in zip(self.by_task, self.bars, strict=True) if not bar]
        signs = [np.sign(each.gain) if is_significant(each.p) else 0 for each in tested]
        return signs.count(1), signs.count(0), signs.count(-1)


def compare_pairs(grid: Grid, pending: str = "") -> list[Pair]:
    """Compare every two entrants with a task in common, the later in order with the earlier.

    Args:
        pending: reason why nothing is judged yet; empty for none.
    """
    each = itertools.combinations(grid.entrants, 2)
    pairs = (_pair(grid, ours, theirs, pending) for theirs, ours in each)
    return [pair for pair in pairs if pair.by_task]


def tabulate_pairs(pairs: Sequence[Pair], family: Family) -> pd.DataFrame:
    """List the pairs; the columns are those of ``Study.pairs``."""
    return pd.DataFrame([_row(pair, family) for pair in pairs], columns=COLUMNS)


def _row(pair: Pair, family: Family) -> tuple[object, ...]:
    adjusted = family.find(pair.hypothesis)
    judged = pair.looks[adjusted.look]
    verdict, (win, tie, loss), tasks = judged.judge(adjusted), pair.tally(), len(pair.by_task)
    effect = judged.estimate_improvement(adjusted.alpha)
    ours, theirs, _ = pair.by_task[0]
    return (
        *(ours.entrant, theirs.entrant, ours.entrant_id, theirs.entrant_id, tasks),
        *(effect.estimate, effect.low, effect.high, 1 - adjusted.alpha),
        *(win, tie, loss, tasks - win - tie - loss),
        *(judged.test.p, adjusted.p, str(verdict.claim), verdict.reason),
    )


def _pair(grid: Grid, ours: str, theirs: str, pending: str) -> Pair:
    """Pair two entrants on the tasks to which both apply."""
    arms = [
        (grid.arms[ours, at], grid.arms[theirs, at])
        for at in grid.settings
        if (ours, at) in grid.arms and (theirs, at) in grid.arms
    ]
    ran = [(a, b) for a, b in arms if not (a.is_skipped or b.is_skipped)]
    return Pair(tuple((a, b, compare(a, b)) for a, b in ran), pending)
