"""Leaderboards: per comparison one row per side, against the reference's row of the same kind.

Entrants are ordered by the mean *validation* metric, those with unfinished seeds last; test values
are reported, never used to choose or to order. A verdict needs the difference to the reference on
test to survive Holm's adjustment over all tests of the report, those of ``reports.analysis.pairwise`` too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.spec import Status
from reports.analysis.arms import Arm, Kind
from reports.analysis.caveats import bad_seeds, groupings, marks, seed_groups
from reports.analysis.difference import NONE, Difference, compare, with_selection
from reports.analysis.multiplicity import Adjusted, Hypothesis
from reports.analysis.notes import notes
from reports.analysis.selection import count_statuses
from reports.analysis.verdict import Claim, Verdict, barred, judge
from reports.stats import intervals
from reports.stats.iqm import iqm
from reports.stats.power import n_needed
from reports.stats.sampling import bounded, standard_error
from reports.stats.to_target import median_interval, median_to_target


@dataclass(frozen=True)
class Leaderboard:
    """One table.

    Attributes:
        comparison: a task, and its settings where the study has several.
        metric, direction, target: what is measured; ``target`` is NaN without one.
        budget_steps: training steps a trial.
        reference: the optimizer that the others are compared with.
        rows: one per side, best validation mean first, tuned before default. Columns: optimizer,
            entrant, row (``reports.analysis.arms.Kind``), point, points_tried (in one tuning), repeats,
            seeds, n (finished), statuses, bad_share, seed_groups (text, empty for one group),
            val_mean, test_mean with test_low and test_high, test_selection_low and _high (with
            the luck of selection), test_iqm likewise, test_error (the test split's own standard
            error, of an accuracy; NaN: size not recorded), reference (the entrant it is compared
            with), diff_mean (to it, paired by seed) likewise with diff_n and pairs (broken ones
            included), p (of the verdict's test), p_t, p_sign_flip, p_holm (over all tests of the
            report), n_needed (pairs that would decide what is not shown, ∞: only repeated tuning
            could), verdict, reached, ran (trials that count for the target), steps_to_target,
            train_time_to_target_s, step_time_ms (medians), steps_low and steps_high (of the
            median, down by steps_tick, the evaluation interval), steps (median of those made),
            space_hash, marks.
        notes: sentences that belong under the table.
    """

    comparison: str
    metric: str
    direction: str
    target: float
    budget_steps: int
    reference: str
    rows: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rivalry:
    """A row's side and what it is compared with: None where the reference did not run."""

    side: Arm
    reference: Arm | None
    difference: Difference

    @property
    def hypothesis(self) -> Hypothesis | None:
        """None where nothing is compared."""
        apart = self.reference is not None and self.reference is not self.side
        return frozenset((self.side, self.reference)) if apart and self.reference else None

    @property
    def p(self) -> float:
        """Of the verdict's test; NaN where nothing would be claimed whatever its outcome."""
        if self.reference is None or barred(self.side, self.reference, self.difference.pairs):
            return math.nan
        return self.difference.p


def rivalries(sides: Sequence[Arm], reference: str) -> list[Rivalry]:
    """Every side with what it is compared with.

    Args:
        reference: the optimizer that the others are compared with.
    """
    against = [_reference_of(side, sides, reference) for side in sides]
    return [
        Rivalry(side, other, NONE if other is None or other is side else compare(side, other))
        for side, other in zip(sides, against, strict=True)
    ]


def leaderboards(
    trials: pd.DataFrame,
    rivalries: Sequence[Rivalry],
    family: Mapping[Hypothesis, Adjusted],
    reference: str,
) -> list[Leaderboard]:
    """One leaderboard per comparison, in alphabetical order.

    Args:
        trials: of the study, as ``selection.attempts`` gives them.
        family: every test of the report, adjusted for all of them.
        reference: the optimizer that the others are compared with.
    """
    here: dict[str, list[Rivalry]] = {}
    for one in rivalries:
        here.setdefault(one.side.comparison, []).append(one)
    tests = sum(not math.isnan(adjusted.p) for adjusted in family.values())
    by_comparison = dict(list(trials.groupby("comparison")))
    return [
        _leaderboard(
            by_comparison[comparison],
            [one.side for one in here[comparison]],
            [_row(one, _adjusted(one, family)) for one in here[comparison]],
            reference,
            tests,
        )
        for comparison in sorted(here)
    ]


def _adjusted(one: Rivalry, family: Mapping[Hypothesis, Adjusted]) -> Adjusted:
    return family[one.hypothesis] if one.hypothesis else Adjusted()


def entrants(boards: Sequence[Leaderboard]) -> list[str]:
    """All entrants of a report in one order: the reference, then by mean position."""
    if not boards:
        return []
    names = [board.table["entrant"].drop_duplicates().reset_index(drop=True) for board in boards]
    positions = pd.concat(names)
    mean_position = positions.index.to_series().groupby(positions.to_numpy()).mean()
    first = {
        entrant
        for board in boards
        for entrant in board.table.loc[board.table["optimizer"] == board.reference, "entrant"]
    }
    return sorted(
        mean_position.index, key=lambda name: (name not in first, mean_position[name], name)
    )


def _reference_of(side: Arm, sides: Sequence[Arm], reference: str) -> Arm | None:
    """What a side is compared with: the reference's best entrant by validation, at its like point.

    Tuned with tuned, default with default. An entrant that has no tuned side is held against the
    tuned reference, which withholds the verdict: nobody is called equal for want of tuning.
    """
    there = [s for s in sides if s.comparison == side.comparison]
    own = [s for s in there if s.optimizer == reference]
    is_tuned = any(s.entrant == side.entrant and s.kind is Kind.TUNED for s in there)
    wanted = Kind.TUNED if side.kind is Kind.DEFAULT and not is_tuned else side.kind
    if side in own:
        wanted = side.kind
    alike = [s for s in own if s.kind is wanted] or own
    return min(alike, key=lambda s: (s.preference, s.entrant), default=None)


def _leaderboard(
    trials: pd.DataFrame,
    sides: Sequence[Arm],
    cells: Sequence[Mapping[str, object]],
    reference: str,
    tests: int,
) -> Leaderboard:
    first = trials.iloc[0]
    rows = pd.DataFrame(cells)
    reported = pd.concat([side.trials for side in sides])
    tuned, grouped = {s.entrant for s in sides if s.kind is Kind.TUNED}, groupings(reported)
    rows["marks"] = pd.Series([marks(side, tuned, grouped) for side in sides], dtype=object)
    rows = _ordered(rows, first["direction"], bool(first["stop_at_target"]))
    rows.attrs["comparisons"] = tests
    return Leaderboard(
        comparison=first["comparison"],
        metric=first["metric"],
        direction=first["direction"],
        target=float(first["target"]),
        budget_steps=int(first["budget_steps"]),
        reference=reference,
        rows=rows,
        notes=tuple(notes(trials, sides, rows, reference)),
    )


def _row(one: Rivalry, adjusted: Adjusted) -> dict[str, object]:
    side, reference, difference = one.side, one.reference, one.difference
    verdict = judge(side, reference, difference, adjusted.p)
    trials = side.trials
    finished, bad = np.isfinite(side.test.value), bad_seeds(side)
    by_seed = _over_repeats(side.test.value[:, finished.any(axis=0)])
    steps, reached, ran = median_to_target(trials["steps_to_target"])
    metric = str(trials["metric"].iloc[0])
    selection = bounded(metric, with_selection(side))
    tick = float(trials["eval_every"].iloc[0])
    steps_low, steps_high = median_interval(trials["steps_to_target"], tick)
    mean = bounded(metric, intervals.mean(by_seed))
    return {
        "optimizer": side.optimizer,
        "entrant": side.entrant,
        "row": side.kind,
        "point": side.point,
        "points_tried": side.tried,
        "repeats": side.repeats,
        "seeds": len(trials),
        "n": int((trials["status"] == Status.FINISHED).sum()),
        "statuses": count_statuses(trials),
        "bad_share": float(bad.mean()) if len(bad) else math.nan,
        "val_mean": _mean(side.val.value[np.isfinite(side.val.value)]),
        "seed_groups": seed_groups(side),
        **_interval("test", mean),
        "test_selection_low": selection.low,
        "test_selection_high": selection.high,
        **_interval("test_iqm", iqm(side.test.value[finished])),
        "test_error": _sampling_error(side, mean.estimate),
        "reference": reference.entrant if reference else "",
        **_interval("diff", difference.seeds),
        "diff_selection_low": difference.selection.low,
        "diff_selection_high": difference.selection.high,
        "diff_n": difference.seeds.n,
        "pairs": difference.pairs,
        "p": difference.p,
        "p_t": difference.p_t,
        "p_sign_flip": difference.p_sign_flip,
        "p_holm": adjusted.p,
        "n_needed": _n_needed(verdict, difference, adjusted.level),
        "verdict": verdict,
        "finished_reference": int((reference.trials["status"] == Status.FINISHED).sum())
        if reference
        else 0,
        "seeds_reference": len(reference.trials) if reference else 0,
        "reached": reached,
        "ran": ran,
        "steps_to_target": steps,
        "steps_low": steps_low,
        "steps_high": steps_high,
        "steps_tick": tick if side.steps.size else math.nan,
        "train_time_to_target_s": median_to_target(trials["train_time_to_target_s"])[0],
        "step_time_ms": trials.loc[trials["stack_size"].isna(), "step_time_ms"].median(),
        "steps": trials["steps"].median(),
        "space_hash": max(trials["space_hash"]),
    }


def _over_repeats(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the repeats that finished, by seed; each has one."""
    return np.asarray(np.nanmean(values, axis=0)) if values.size else np.empty(0)


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else math.nan


def _n_needed(verdict: Verdict, difference: Difference, level: float) -> float:
    """Pairs that would decide what was tested and not shown; NaN for everything else."""
    if verdict.claim is not Claim.UNCLEAR or difference.broken:
        return math.nan
    return n_needed(difference.seeds.estimate, difference.spread, level, difference.luck)


def _sampling_error(side: Arm, mean: float) -> float:
    """Of the test split, where the metric is a share of its examples and their number is known."""
    examples = side.trials["test_examples"].dropna().unique()
    if side.trials["metric"].iloc[0] != "accuracy" or len(examples) != 1:
        return math.nan
    return standard_error(mean, float(examples[0]))


def _interval(name: str, interval: intervals.Interval) -> dict[str, float]:
    estimate = name if name.endswith("iqm") else f"{name}_mean"
    return {estimate: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _ordered(rows: pd.DataFrame, direction: str, stops_at_target: bool) -> pd.DataFrame:
    """Entrants by what broke of their first side, then its validation mean; its default below.

    Where trials stop at the target their final values are made at unequal steps: by steps.
    """
    loss = rows["val_mean"] * (-1 if direction == "maximize" else 1)
    keys = rows.assign(
        _default=rows["row"] == Kind.DEFAULT,
        _broken=1 - rows["n"] / rows["seeds"],
        _loss=rows["steps_to_target"] if stops_at_target else loss,
    ).sort_values(["_default", "_broken", "_loss", "entrant"], na_position="last")
    heads = keys.drop_duplicates("entrant").sort_values(
        ["_broken", "_loss", "entrant"], na_position="last"
    )
    place = {entrant: i for i, entrant in enumerate(heads["entrant"])}
    keys["_place"] = keys["entrant"].map(place)
    ordered = keys.sort_values(["_place", "_default"], kind="stable", ignore_index=True)
    return ordered.drop(columns=["_default", "_broken", "_loss", "_place"])
