"""Every entrant against every other over all comparisons: the multi-comparison matrix.

What a pair says does not change with who else is entered, as ranks and critical-difference
diagrams do; only Holm's adjustment knows of the others. Source: Ismail-Fawaz et al. 2023,
arXiv:2305.11921.

The effect is the log2 ratio of remaining losses (``stats.anchored``), per task of means over the
seeds that both finished, then the plain mean over tasks: the tasks are taken as they are, and its
interval is one over seeds and tunings. Where a trial broke off, or a task's metric has no such
ratio, the test combines each task's own test instead (Stouffer).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from reports.analysis.arms import Side
from reports.analysis.difference import Difference, compare
from reports.analysis.effect import Effect, effect
from reports.analysis.grid import Grid
from reports.analysis.multiplicity import Adjusted, Hypothesis
from reports.analysis.verdict import Claim, Verdict, barred, claim, is_shown, withheld
from reports.stats.intervals import UNKNOWN, Interval, Variance, around
from reports.stats.tests import stouffer

COLUMNS = [
    *["ours", "theirs", "tasks", "measured", "effect", "low", "high", "win", "tie", "loss"],
    *["withheld", "p", "p_holm", "claim", "reason"],
]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two entrants on the comparisons in which both have a side.

    Attributes:
        met: of each comparison our side, theirs, and their difference.
        effect: mean over the tasks that have one; positive where ours is better.
        measured: how many these are.
        p: two-sided, that ours and theirs are alike.
        gain: positive where ours is better.
    """

    ours: str
    theirs: str
    met: tuple[tuple[Side, Side, Difference], ...]
    effect: Interval
    measured: int
    p: float
    gain: float

    @property
    def hypothesis(self) -> Hypothesis:
        return frozenset(side for ours, theirs, _ in self.met for side in (ours, theirs))

    @cached_property
    def barred(self) -> tuple[str, ...]:
        """Per comparison why it would not be judged whatever its outcome; empty where it would."""
        return tuple(barred(ours, theirs, each.pairs) for ours, theirs, each in self.met)

    @property
    def p_tested(self) -> float:
        """``p``; NaN where nothing would be claimed whatever its outcome."""
        return math.nan if any(self.barred) else self.p

    def judge(self, p_holm: float) -> Verdict:
        """What is claimed of ours: nothing at all where anything is withheld in one comparison."""
        for ours, theirs, each in self.met:
            if reason := withheld(ours, theirs, each, self.gain, p_holm):
                where = f"on {ours.comparison}: " if len(self.met) > 1 else ""
                return Verdict(Claim.WITHHELD, where + reason)
        return claim(p_holm, self.gain, "")

    def tally(self) -> tuple[int, int, int]:
        """Tasks won, tied and lost; those that are barred are none of them.

        A task is won or lost where its own test shows a difference at 5 %, before any adjustment:
        equal entrants win and lose one in forty each. Counts describe; claims rest on ``p``.
        """
        tested = [
            each for (*_, each), reason in zip(self.met, self.barred, strict=True) if not reason
        ]
        signs = [np.sign(each.gain) if is_shown(each.p) else 0 for each in tested]
        return signs.count(1), signs.count(0), signs.count(-1)


def meetings(grid: Grid) -> list[Pair]:
    """Every two entrants that met, the later in the grid's order against the earlier."""
    made = (_pair(grid, ours, theirs) for theirs, ours in itertools.combinations(grid.entrants, 2))
    return [pair for pair in made if pair.met]


def pair_table(pairs: Sequence[Pair], family: Mapping[Hypothesis, Adjusted]) -> pd.DataFrame:
    """One row a pair; the columns are those of ``Study.pairs``."""
    return pd.DataFrame([_row(pair, family[pair.hypothesis].p) for pair in pairs], columns=COLUMNS)


def _row(pair: Pair, p_holm: float) -> tuple[object, ...]:
    verdict, (win, tie, loss), tasks = pair.judge(p_holm), pair.tally(), len(pair.met)
    return (
        *(pair.ours, pair.theirs, tasks, pair.measured),
        *(pair.effect.estimate, pair.effect.low, pair.effect.high),
        *(win, tie, loss, tasks - win - tie - loss),
        *(pair.p, p_holm, str(verdict.claim), verdict.reason),
    )


def _pair(grid: Grid, ours: str, theirs: str) -> Pair:
    both = [
        (grid.sides[ours, at], grid.sides[theirs, at])
        for at in grid.comparisons
        if (ours, at) in grid.sides and (theirs, at) in grid.sides
    ]
    met = tuple((a, b, compare(a, b)) for a, b in both)
    effects = [each for a, b in both if (each := effect(a, b)) is not None]
    mean, p = _mean(effects, sum(each.seeds.n for *_, each in met))
    p, gain = _test(met, mean, p, complete=len(effects) == len(met))
    return Pair(ours, theirs, met, mean, len(effects), p, gain)


def _mean(effects: Sequence[Effect], n: int) -> tuple[Interval, float]:
    """Of independent tasks, with the p-value of its being 0."""
    if not effects:
        return UNKNOWN, math.nan
    parts = [
        Variance(part.value / len(effects) ** 2, part.degrees)
        for each in effects
        for part in each.parts
    ]
    with np.errstate(invalid="ignore"):  # one task won and one lost by ∞: NaN
        return around(float(np.mean([each.estimate for each in effects])), parts, n)


def _test(
    met: Sequence[tuple[Side, Side, Difference]], mean: Interval, p: float, *, complete: bool
) -> tuple[float, float]:
    """``(p, gain)``: of the effect where every task has one and every trial finished, else of the
    tasks' own tests together; of one task its own."""
    differences = [each for *_, each in met]
    if len(met) == 1:
        return differences[0].p, differences[0].gain
    if complete and not math.isnan(p) and not any(each.broken for each in differences):
        return p, mean.estimate
    z, combined = stouffer([each.p for each in differences], [each.gain for each in differences])
    return combined, z
