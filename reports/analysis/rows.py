"""A row of a leaderboard: an arm, what it is compared with, and its verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reports.analysis.arms import Arm
from reports.analysis.arrays import Floats
from reports.analysis.caveats import Caveat, bad_seeds, seed_groups
from reports.analysis.difference import Difference, mean_with_tuning
from reports.analysis.multiplicity import Adjusted, Hypothesis
from reports.analysis.selection import count_statuses
from reports.analysis.verdict import Claim, Verdict, find_bar, judge
from reports.stats import intervals
from reports.stats.intervals import Interval
from reports.stats.iqm import iqm
from reports.stats.power import n_needed
from reports.stats.sampling import bounded, standard_error
from reports.stats.seeds import Group
from reports.stats.to_target import median_interval, median_to_target


@dataclass(frozen=True, eq=False)
class Comparison:
    """An arm and the reference's that it is compared with: None where the reference did not run."""

    arm: Arm
    reference: Arm | None
    difference: Difference

    @property
    def hypothesis(self) -> Hypothesis | None:
        """None where nothing is compared."""
        if self.reference is None or self.reference is self.arm:
            return None
        return frozenset((self.arm, self.reference))

    @property
    def p(self) -> float:
        """Of the verdict's test; NaN where nothing would be claimed whatever its outcome."""
        if self.reference is None or find_bar(self.arm, self.reference, self.difference.pairs):
            return math.nan
        return self.difference.p


@dataclass(frozen=True, eq=False)
class LeaderboardRow:
    """An arm, its summary and its verdict.

    Attributes:
        reference: the arm that it is compared with; None where the reference did not run.
        difference: to the reference, on test.
        p_holm: of the verdict's test, adjusted for all tests of the report.
        n_needed: pairs that would decide what is not shown; ∞: only repeated tuning could.
        val_mean: over finished trials.
        test: mean over seeds; ``test_with_tuning`` holds the variance of tuning too.
        test_error: standard error of an accuracy by the test split's size; NaN: size not recorded.
        bad_share: share of trials that broke off or ended far behind the others.
        seed_groups: trials parted by how they ended; empty for one group.
        steps, step_time_ms: medians; the time of trials that ran alone.
        steps_to_target: median, its interval and the trials that count for the target.
        steps_tick: the evaluation interval, by which the interval's lower end is moved down.
        reached: trials that reached the target.
        train_time_to_target_s: median.
    """

    arm: Arm
    reference: Arm | None
    difference: Difference
    verdict: Verdict
    p_holm: float
    n_needed: float
    val_mean: float
    test: Interval
    test_with_tuning: Interval
    test_iqm: Interval
    test_error: float
    bad_share: float
    seed_groups: tuple[Group, ...]
    steps: float
    step_time_ms: float
    steps_to_target: Interval
    steps_tick: float
    reached: int
    train_time_to_target_s: float
    caveats: tuple[Caveat, ...]

    def cells(self) -> dict[str, object]:
        """Return the row as the columns of exported tables."""
        arm, reference, difference = self.arm, self.reference, self.difference
        return {
            "optimizer": arm.optimizer,
            "entrant": arm.entrant,
            "row": arm.kind,
            "point": arm.point,
            "points_tried": arm.tried,
            "repeats": arm.repeats,
            "seeds": len(arm.trials),
            "n": arm.finished,
            "statuses": count_statuses(arm.trials),
            "bad_share": self.bad_share,
            "val_mean": self.val_mean,
            "seed_groups": self.seed_groups,
            **_interval("test_mean", "test", self.test),
            "test_selection_low": self.test_with_tuning.low,
            "test_selection_high": self.test_with_tuning.high,
            **_interval("test_iqm", "test_iqm", self.test_iqm),
            "test_error": self.test_error,
            "reference": reference.entrant if reference else "",
            **_interval("diff_mean", "diff", difference.seeds),
            "diff_selection_low": difference.selection.low,
            "diff_selection_high": difference.selection.high,
            "diff_n": difference.seeds.n,
            "pairs": difference.pairs,
            "p": difference.p,
            "p_t": difference.p_t,
            "p_sign_flip": difference.p_sign_flip,
            "p_holm": self.p_holm,
            "n_needed": self.n_needed,
            "verdict": self.verdict,
            "finished_reference": reference.finished if reference else 0,
            "seeds_reference": len(reference.trials) if reference else 0,
            "reached": self.reached,
            "ran": self.steps_to_target.n,
            **_interval("steps_to_target", "steps", self.steps_to_target),
            "steps_tick": self.steps_tick,
            "train_time_to_target_s": self.train_time_to_target_s,
            "step_time_ms": self.step_time_ms,
            "steps": self.steps,
            "space_hash": max(arm.trials["space_hash"]),
            "marks": self.caveats,
            "setting_id": arm.setting_id,
            "entrant_id": arm.entrant_id,
            "point_id": arm.point_id,
        }


def make_row(one: Comparison, adjusted: Adjusted, caveats: tuple[Caveat, ...]) -> LeaderboardRow:
    """Summarize an arm and judge it against the reference."""
    arm, difference, trials = one.arm, one.difference, one.arm.trials
    verdict = judge(arm, one.reference, difference, adjusted.p)
    finished, bad = np.isfinite(arm.test.value), bad_seeds(arm)
    values = arm.test.value[:, finished.any(axis=0)]
    by_seed = np.nanmean(values, axis=0) if values.size else np.empty(0)  # over the repeats
    test = bounded(arm.metric, intervals.mean(by_seed))
    tick = float(trials["eval_every"].iloc[0])
    steps, reached, ran = median_to_target(trials["steps_to_target"])
    return LeaderboardRow(
        arm=arm,
        reference=one.reference,
        difference=difference,
        verdict=verdict,
        p_holm=adjusted.p,
        n_needed=_n_needed(verdict, difference, adjusted.level),
        val_mean=_mean(arm.val.value[np.isfinite(arm.val.value)]),
        test=test,
        test_with_tuning=bounded(arm.metric, mean_with_tuning(arm)),
        test_iqm=iqm(arm.test.value[finished]),
        test_error=_sampling_error(arm, test.estimate),
        bad_share=float(bad.mean()) if len(bad) else math.nan,
        seed_groups=seed_groups(arm),
        steps=float(trials["steps"].median()),
        step_time_ms=float(trials.loc[trials["stack_size"].isna(), "step_time_ms"].median()),
        steps_to_target=Interval(steps, *median_interval(trials["steps_to_target"], tick), ran),
        steps_tick=tick if arm.steps.size else math.nan,
        reached=reached,
        train_time_to_target_s=median_to_target(trials["train_time_to_target_s"])[0],
        caveats=caveats,
    )


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _n_needed(verdict: Verdict, difference: Difference, level: float) -> float:
    """Estimate pairs that would decide what was tested and not shown; NaN for everything else."""
    if verdict.claim is not Claim.UNCLEAR or difference.has_failures:
        return math.nan
    return n_needed(difference.seeds.estimate, difference.spread, level, difference.tuning_variance)


def _sampling_error(arm: Arm, mean: float) -> float:
    """Return the error where the metric is a share of examples and their number is known."""
    examples = arm.trials["test_examples"].dropna().unique()
    if arm.metric != "accuracy" or len(examples) != 1:
        return math.nan
    return standard_error(mean, float(examples[0]))


def _interval(estimate: str, ends: str, interval: Interval) -> dict[str, object]:
    return {estimate: interval.estimate, f"{ends}_low": interval.low, f"{ends}_high": interval.high}
