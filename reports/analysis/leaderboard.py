"""Leaderboards: per setting one row per arm, against the reference's arm of the same kind.

Entrants are ordered by the mean *validation* metric, those with unfinished seeds last; test values
are reported, never used to choose or to order. A verdict needs the exact test against the reference
to pass Holm's correction over all tests of the report, those of pairs too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from reports.analysis.arms import Arm, Kind
from reports.analysis.caveats import count_groupings, find_caveats
from reports.analysis.difference import compare
from reports.analysis.multiplicity import Family
from reports.analysis.notes import write_notes
from reports.analysis.rows import Comparison, LeaderboardRow, make_row


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """The rows of one setting.

    Attributes:
        comparison: label of the setting: a task, and its settings where the study has several.
        metric, direction, target: what is measured; ``target`` is NaN without one.
        budget_steps: training steps a trial.
        reference: the optimizer that the others are compared with.
        rows: one per arm, best validation mean first, tuned before default.
        tests: the number of tests of the whole report.
        notes: sentences that belong under the rows.
    """

    comparison: str
    metric: str
    direction: str
    target: float
    budget_steps: int
    reference: str
    rows: tuple[LeaderboardRow, ...]
    tests: int
    notes: tuple[str, ...]

    @cached_property
    def table(self) -> pd.DataFrame:
        """``rows`` with the columns of ``LeaderboardRow.cells``."""
        return pd.DataFrame([row.cells() for row in self.rows])

    @cached_property
    def heads(self) -> list[LeaderboardRow]:
        """The first row of each entrant, which speaks for it."""
        heads: dict[str, LeaderboardRow] = {}
        for row in self.rows:
            heads.setdefault(row.arm.entrant_id, row)
        return list(heads.values())


def compare_with_reference(
    arms: Sequence[Arm], reference: str, pending: str = ""
) -> list[Comparison]:
    """Compare every arm with the reference's.

    Args:
        reference: the optimizer that the others are compared with.
        pending: reason why nothing is judged yet; empty for none.
    """
    comparisons = []
    for arm in arms:
        other = _find_reference(arm, arms, reference)
        difference = None if other is None or other is arm else compare(arm, other)
        comparisons.append(Comparison(arm, other, difference, pending))
    return comparisons


def make_leaderboards(
    trials: pd.DataFrame, comparisons: Sequence[Comparison], family: Family, reference: str
) -> list[Leaderboard]:
    """Make one leaderboard per setting, in alphabetical order.

    Args:
        trials: of the study, as ``selection.drop_reruns`` gives them.
        family: every test of the report, adjusted for all of them.
        reference: the optimizer that the others are compared with.
    """
    here: dict[str, list[Comparison]] = {}
    for one in sorted(comparisons, key=lambda one: one.arm.comparison):
        here.setdefault(one.arm.setting_id, []).append(one)
    by_setting = dict(list(trials.groupby("setting_id")))
    return [_leaderboard(by_setting[key], own, family, reference) for key, own in here.items()]


def order_entrants(boards: Sequence[Leaderboard]) -> list[str]:
    """List the labels of all entrants of a report: the reference, then by mean position."""
    positions: dict[str, list[int]] = {}
    for board in boards:
        for at, row in enumerate(board.heads):
            positions.setdefault(row.arm.entrant, []).append(at)
    rows = [(row, board.reference) for board in boards for row in board.rows]
    first = {row.arm.entrant for row, reference in rows if row.arm.optimizer == reference}
    return sorted(positions, key=lambda name: (name not in first, np.mean(positions[name]), name))


def _find_reference(arm: Arm, arms: Sequence[Arm], reference: str) -> Arm | None:
    """Find what an arm is compared with: the reference's best by validation, at its like point.

    Tuned with tuned, default with default. An entrant that has no tuned arm is held against the
    tuned reference, which leaves it without a verdict: nobody is called equal for want of tuning.
    """
    there = [one for one in arms if one.setting_id == arm.setting_id]
    own = [one for one in there if one.optimizer == reference]
    is_tuned = any(one.entrant_id == arm.entrant_id and one.kind is Kind.TUNED for one in there)
    wanted = Kind.TUNED if arm.kind is Kind.DEFAULT and not is_tuned else arm.kind
    if arm in own:
        wanted = arm.kind
    alike = [one for one in own if one.kind is wanted] or own
    return min(alike, key=lambda one: (one.preference, one.entrant), default=None)


def _leaderboard(
    trials: pd.DataFrame, comparisons: Sequence[Comparison], family: Family, reference: str
) -> Leaderboard:
    first = trials.iloc[0]
    arms = [one.arm for one in comparisons]
    tuned = {arm.entrant_id for arm in arms if arm.kind is Kind.TUNED}
    groupings = count_groupings(pd.concat([arm.trials for arm in arms]))
    rows = [
        make_row(one, family.find(one.hypothesis), find_caveats(one.arm, tuned, groupings))
        for one in comparisons
    ]
    rows = _sort_rows(rows, stops_at_target=bool(first["stop_at_target"]))
    return Leaderboard(
        comparison=first["comparison"],
        metric=first["metric"],
        direction=first["direction"],
        target=float(first["target"]),
        budget_steps=int(first["budget_steps"]),
        reference=reference,
        rows=tuple(rows),
        tests=family.tests,
        notes=tuple(write_notes(trials, rows, reference, family.tests)),
    )


def _sort_rows(rows: Sequence[LeaderboardRow], *, stops_at_target: bool) -> list[LeaderboardRow]:
    """Sort entrants by failures of their first arm, then its validation mean; its default below.

    Where trials stop at the target their final values are made at unequal steps: by steps.
    """

    def key(row: LeaderboardRow) -> tuple[float, bool, float, str]:
        sign = -1 if row.arm.direction == "maximize" else 1
        loss = row.steps_to_target.estimate if stops_at_target else sign * row.val_mean
        unknown = math.isnan(loss)
        unfinished = 1 - row.arm.finished / len(row.arm.trials)
        return unfinished, unknown, 0.0 if unknown else loss, row.arm.entrant

    def is_default(row: LeaderboardRow) -> bool:
        return row.arm.kind is Kind.DEFAULT

    heads: dict[str, LeaderboardRow] = {}
    for row in sorted(rows, key=is_default):
        heads.setdefault(row.arm.entrant_id, row)
    return sorted(rows, key=lambda row: (key(heads[row.arm.entrant_id]), is_default(row)))
