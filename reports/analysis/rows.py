"""A row of a leaderboard: an arm, what it is compared with, and its verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bench.spec.looks import spend
from reports.analysis.arms import Arm, Floats, Kind
from reports.analysis.caveats import Caveat, bad_seeds, seed_groups
from reports.analysis.difference import Difference
from reports.analysis.looks import find_looks
from reports.analysis.multiplicity import Adjusted, Hypothesis
from reports.analysis.selection import count_statuses
from reports.analysis.verdict import (
    NO_REFERENCE,
    Claim,
    Verdict,
    find_bar,
    find_edge_objection,
    judge,
)
from reports.stats import intervals
from reports.stats.intervals import UNKNOWN, Interval
from reports.stats.iqm import iqm
from reports.stats.power import tunings_needed
from reports.stats.sampling import bounded, standard_error
from reports.stats.seeds import Group
from reports.stats.to_target import median_interval, median_to_target


@dataclass(frozen=True, eq=False)
class Comparison:
    """An arm and the reference's that it is compared with: None where the reference did not run.

    Attributes:
        pending: reason why nothing is judged yet; empty once all that was declared has ended.
    """

    arm: Arm
    reference: Arm | None
    difference: Difference | None
    pending: str = ""

    @cached_property
    def looks(self) -> tuple[Comparison, ...]:
        """The comparison as it was at each look; the last one is with all results."""
        if self.reference is None or self.difference is None:
            return (self,)
        sizes = find_looks([self.arm, self.reference])
        return tuple(replace(self, difference=self.difference.first(*one)) for one in sizes)

    @property
    def hypothesis(self) -> Hypothesis | None:
        """None where nothing is compared."""
        if self.reference is None or self.difference is None:
            return None
        return frozenset((self.arm, self.reference))

    @cached_property
    def bar(self) -> str:
        """The reason for no verdict whatever the outcome; empty for none."""
        if self.reference is None:
            return NO_REFERENCE
        if self.difference is None:
            return ""
        return find_bar(self.arm, self.reference) or self.pending

    @property
    def p(self) -> float:
        """Of the verdict's test; NaN where there is no verdict whatever its outcome."""
        return math.nan if self.difference is None or self.bar else self.difference.p

    @property
    def p_by_look(self) -> tuple[float, ...]:
        """``p`` at each look."""
        return tuple(one.p for one in self.looks)

    def judge(self, adjusted: Adjusted) -> Verdict:
        """Give the verdict on the arm."""
        if self.reference is self.arm:
            return Verdict(Claim.REFERENCE)
        if self.reference is None or self.difference is None:
            return Verdict(Claim.NO_VERDICT, self.bar)
        gain, theirs = self.difference.gain, self.difference
        loser = (self.reference, len(theirs.theirs)) if gain > 0 else (self.arm, len(theirs.ours))
        return judge(adjusted, gain, self.bar, find_edge_objection(*loser))


@dataclass(frozen=True, eq=False)
class LeaderboardRow:
    """An arm, its summary and its verdict.

    Attributes:
        reference: the arm that it is compared with; None where the reference did not run.
        p: of the exact rank-sum test, and ``p_holm`` after correction for all tests of the report.
        look: number of the look that judged it, of ``looks`` (``bench.spec.looks``).
        level: of the next two intervals: that at which Holm judged the row.
        shift: Hodges–Lehmann estimate of ours minus the reference's, in the metric's unit.
        improvement: probability that a result of ours is better than one of the reference.
        tunings_needed: tunings that would decide what is not clear; ∞: never; NaN: not asked.
        val_mean: over finished trials.
        test: mean over the results that finished.
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
    verdict: Verdict
    p: float
    p_holm: float
    look: int
    looks: int
    level: float
    shift: Interval
    improvement: Interval
    tunings_needed: float
    val_mean: float
    test: Interval
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
        arm, reference = self.arm, self.reference
        return {
            "optimizer": arm.optimizer,
            "entrant": arm.entrant,
            "row": arm.kind,
            "point": arm.point,
            "settings": arm.tried,
            "tunings": arm.tunings,
            "results": arm.standing.results,
            "n": arm.finished,
            "statuses": count_statuses(arm.trials),
            "bad_share": self.bad_share,
            "val_mean": self.val_mean,
            "seed_groups": self.seed_groups,
            **_interval("test_mean", "test", self.test),
            **_interval("test_iqm", "test_iqm", self.test_iqm),
            "test_error": self.test_error,
            "reference": reference.entrant if reference else "",
            "results_reference": reference.standing.results if reference else 0,
            "n_reference": reference.finished if reference else 0,
            **_interval("improvement", "improvement", self.improvement),
            **_interval("shift", "shift", self.shift),
            "level": self.level,
            "look": self.look,
            "looks": self.looks,
            "p": self.p,
            "p_holm": self.p_holm,
            "tunings_needed": self.tunings_needed,
            "verdict": self.verdict,
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
    judged = one.looks[adjusted.look]
    arm, difference, trials = one.arm, judged.difference, one.arm.trials
    verdict = judged.judge(adjusted)
    values, bad = arm.test[np.isfinite(arm.test)], bad_seeds(arm)
    test = bounded(arm.metric, intervals.mean(values))
    tick = float(trials["eval_every"].iloc[0])
    steps, reached, ran = median_to_target(trials["steps_to_target"])
    return LeaderboardRow(
        arm=arm,
        reference=one.reference,
        verdict=verdict,
        p=difference.p if difference else math.nan,
        p_holm=adjusted.p,
        look=len(one.looks) if adjusted.look < 0 else adjusted.look + 1,
        looks=len(one.looks),
        level=1 - adjusted.alpha,
        shift=difference.estimate_shift(adjusted.alpha) if difference else UNKNOWN,
        improvement=difference.estimate_improvement(adjusted.alpha) if difference else UNKNOWN,
        tunings_needed=_count_tunings_needed(verdict, one, adjusted),
        val_mean=_mean(arm.val[np.isfinite(arm.val)]),
        test=test,
        test_iqm=iqm(values),
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


def _count_tunings_needed(verdict: Verdict, one: Comparison, adjusted: Adjusted) -> float:
    """Estimate the tunings that would decide what was tested and is not clear, else NaN.

    They are those of an enlarged study, which is judged at what its next look spends.
    """
    if verdict.claim is not Claim.UNCLEAR or one.arm.kind is not Kind.TUNED:
        return math.nan
    assert one.difference is not None
    ours, theirs = len(one.difference.ours), len(one.difference.theirs)
    level = adjusted.bar * spend(adjusted.look + 1) / spend(adjusted.look)
    return tunings_needed(one.difference.test.improvement, theirs / ours, level)


def _sampling_error(arm: Arm, mean: float) -> float:
    """Return the error where the metric is a share of examples and their number is known."""
    examples = arm.trials["test_examples"].dropna().unique()
    if arm.metric != "accuracy" or len(examples) != 1:
        return math.nan
    return standard_error(mean, float(examples[0]))


def _interval(estimate: str, ends: str, interval: Interval) -> dict[str, object]:
    return {estimate: interval.estimate, f"{ends}_low": interval.low, f"{ends}_high": interval.high}
