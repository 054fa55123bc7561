"""Caveats: what weakens a row's numbers stands beside them."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.spec import Status, protocol
from reports.analysis.arms import Arm, Floats, Kind
from reports.analysis.selection import final_values
from reports.data.labels import prefixed_columns
from reports.stats import seeds

ADAPTIVE = ("tpe", "gp", "cmaes")  # samplers whose later points depend on earlier results


class Caveat(Enum):
    """One weakness; the value is what it means."""

    FEW_SEEDS = (
        "few seeds",
        f"fewer than {protocol.MINIMUM_SEEDS} finished trials ({protocol.MINIMUM_TUNINGS} where it "
        "was tuned): the interval of the mean is wide and assumes normal noise.",
    )
    SAME_SEEDS = (
        "same seeds",
        "the point was selected on the validation values of the seeds that are reported, so its "
        "numbers are optimistic; rerun it on new seeds, or tune with hydra/sweeper=study.",
    )
    EDGE = (
        "edge",
        "at least half of its tunings end at the same edge of a range (the outer tenth of a "
        "declared one, else the smallest or largest value tried): a better value may lie beyond.",
    )
    DEFAULT_ONLY = (
        "default only",
        "it has no tuned row here: it declares no search space, or its chosen point was not rerun.",
    )
    ADAPTIVE = (
        "adaptive",
        "its sampler learns from earlier points: a different tuner, not only another draw.",
    )
    BAD_SEEDS = (
        "bad seeds",
        "some seeds broke off or ended far behind the others: the mean describes neither kind, "
        "and its interval is not to be trusted.",
    )
    GROUPING = (
        "grouping",
        "weight decay applies to other parameters than in other rows: part of a difference may be "
        "that.",
    )
    MORE_GRADIENTS = (
        "more gradients",
        "it takes more than one gradient a step: equal steps are not equal work.",
    )
    STACKED = (
        "stacked",
        "trained at once with other trials: there is no time of its own to compare; "
        "hydra/launcher=basic measures one.",
    )
    INCOMPLETE = (
        "incomplete",
        "some trials did not finish; means cover the finished ones only and flatter the "
        "optimizer; the test ranks a diverged trial as the worst.",
    )

    def __init__(self, word: str, meaning: str) -> None:
        self.word = word
        self.meaning = meaning

    def __str__(self) -> str:
        return self.word


def find_caveats(arm: Arm, tuned: Collection[str], groupings: int) -> tuple[Caveat, ...]:
    """Find the caveats of one row.

    Args:
        tuned: ids of the setting's entrants that have a tuned row.
        groupings: different ways in which the setting's rows group parameters for weight decay.
    """
    trials = arm.trials
    finished = trials[trials["status"] == Status.FINISHED]
    default = arm.kind is Kind.DEFAULT
    least = protocol.MINIMUM_TUNINGS if arm.kind is Kind.TUNED else protocol.MINIMUM_SEEDS
    holds = {
        Caveat.FEW_SEEDS: finished["seed"].nunique() < least,
        Caveat.SAME_SEEDS: arm.standing.chosen_on_reported_seeds,
        Caveat.EDGE: protocol.find_common_edge(arm.standing.edges) is not None,
        Caveat.DEFAULT_ONLY: default and bool(tuned) and arm.entrant_id not in tuned,
        Caveat.ADAPTIVE: arm.standing.sampler in ADAPTIVE,
        Caveat.BAD_SEEDS: bool(bad_seeds(arm).any()),
        Caveat.GROUPING: groupings > 1,
        Caveat.MORE_GRADIENTS: bool((finished["gradients"] > finished["steps"]).any()),
        Caveat.STACKED: bool(trials["stack_size"].notna().any()),
        Caveat.INCOMPLETE: len(finished) < len(trials),
    }
    return tuple(caveat for caveat, applies in holds.items() if applies)


def bad_seeds(arm: Arm) -> NDArray[np.bool_]:
    """Mark an arm's trials that went bad, one entry a trial that ran."""
    return seeds.bad(_outcomes(arm), arm.direction)


def seed_groups(arm: Arm) -> tuple[seeds.Group, ...]:
    """Part the trials by how they ended; empty where all ended alike."""
    groups = seeds.groups(_outcomes(arm), arm.direction)
    return groups if len(groups) > 1 else ()


def _outcomes(arm: Arm) -> Floats:
    """Return final values on test, and where no trial measured that on validation."""
    return arm.test if np.isfinite(arm.test).any() else arm.val


def count_groupings(trials: pd.DataFrame) -> int:
    """Count ways of grouping parameters among trials, where some weight decay is not zero."""
    names = prefixed_columns(trials, "hp.")
    decays = [name for name in names if name.rpartition(".")[2] == "weight_decay"]
    used = [pd.to_numeric(trials[name], errors="coerce").fillna(0) != 0 for name in decays]
    decaying = np.logical_or.reduce(used) if used else np.zeros(len(trials), dtype=bool)
    return int(trials.loc[decaying, "param_groups"].nunique())


def list_unmeasured(trials: pd.DataFrame) -> list[str]:
    """List splits on which no finished trial has a value, of trials that should have one."""
    finished = trials[trials["status"] == Status.FINISHED]
    splits = ("val", "test") if len(finished) else ()
    return [split for split in splits if final_values(finished, split).isna().all()]
