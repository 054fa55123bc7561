"""Arms: an entrant at one point, with its reported trials. Each is a row of a leaderboard.

In a study each entrant has an arm ``tuned`` (the chosen point of each repeat, pooled) and an arm
``default``; in an explore sweep one arm, at its best point by validation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import pandas as pd

from bench.spec import Phase, Status, protocol
from bench.spec.hyperparameters import hyperparameters
from bench.spec.protocol import Standing
from reports.analysis.arrays import FinalValues, Floats, arrange_values
from reports.analysis.selection import final_values, is_in_study, preference_of
from reports.data.ids import ARM
from reports.data.labels import prefixed_columns
from reports.stats.best_of_k import tuning_variance
from reports.stats.intervals import Variance

Config = Mapping[str, Any]


class Kind(StrEnum):
    """The point of an entrant that a row reports."""

    TUNED = "tuned"  # chosen on selection seeds, rerun on fresh ones
    DEFAULT = "default"  # as the optimizer's YAML has it
    BEST = "best tried"  # of an explore sweep, chosen on the seeds that are reported


@dataclass(frozen=True, eq=False)
class Arm:
    """An entrant at one point under one setting.

    Attributes:
        trials: reported trials, one a repeat and seed; ``repeat`` says whose chosen point it is.
            With repeats the ids and labels of the point are those of the first.
        tried: points that were tried in one tuning; 0 for a default.
        repeats: tunings.
        standing: the facts that ``protocol.withhold_verdict`` needs.
        preference: sort key on validation; the least is the best.
        tuning_variance: of the best of the points tried on validation, where it was tuned once.
    """

    kind: Kind
    trials: pd.DataFrame
    tried: int
    standing: Standing
    preference: tuple[bool, float, float]
    repeats: int = 1
    tuning_variance: Variance | None = None

    @cached_property
    def setting_id(self) -> str:
        return self._first("setting_id")

    @cached_property
    def entrant_id(self) -> str:
        return self._first("entrant_id")

    @cached_property
    def point_id(self) -> str:
        return self._first("point_id")

    @cached_property
    def comparison(self) -> str:
        return self._first("comparison")

    @cached_property
    def entrant(self) -> str:
        return self._first("entrant")

    @cached_property
    def optimizer(self) -> str:
        return self._first("optimizer")

    @cached_property
    def point(self) -> str:
        return self._first("point")

    @cached_property
    def metric(self) -> str:
        return self._first("metric")

    @cached_property
    def direction(self) -> str:
        return self._first("direction")

    @cached_property
    def finished(self) -> int:
        """The number of trials that finished."""
        return int((self.trials["status"] == Status.FINISHED).sum())

    @cached_property
    def stops_at_target(self) -> bool:
        return bool(self.trials["stop_at_target"].any())

    @cached_property
    def test(self) -> FinalValues:
        return self._final_values("test")

    @cached_property
    def val(self) -> FinalValues:
        return self._final_values("val")

    @cached_property
    def steps(self) -> Floats:
        """Steps to the target, one a trial that ran; ∞ for a miss or a trial that did not finish.

        Empty without a target.
        """
        ran = self._ran & self.trials["target"].notna()
        return self.trials["steps_to_target"].fillna(math.inf)[ran].to_numpy(dtype=float)

    @cached_property
    def _ran(self) -> pd.Series:
        return self.trials["status"] != Status.SKIPPED

    def _first(self, column: str) -> str:
        return str(self.trials[column].iloc[0])

    def _final_values(self, split: str) -> FinalValues:
        ran = self._ran.to_numpy(dtype=bool)
        repeat, seed, value, status = (
            column.to_numpy()[ran]
            for column in (
                *(self.trials["repeat"], self.trials["seed"]),
                *(final_values(self.trials, split), self.trials["status"]),
            )
        )
        return arrange_values(repeat, seed, value.astype(float), status != str(Status.FINISHED))


def collect_arms(
    trials: pd.DataFrame,
    points: pd.DataFrame,
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> list[Arm]:
    """Make every arm, in the order of comparison and entrant, tuned before default.

    Args:
        trials: as ``selection.drop_reruns`` gives them.
        points: of ``selection.tabulate_points``.
        configs: a trial's recorded config by its run_id.
        spaces: declared search spaces by their hash.
    """
    reported = trials[(trials["phase"] == Phase.REPORT) | ~is_in_study(trials)]
    tried = dict(list(points.groupby(ARM)))
    arms = []
    for key, own in reported.groupby(ARM, sort=False):
        if own["phase"].iloc[0] != Phase.REPORT:
            arms.append(_best(own, tried[key]))
            continue
        if key in tried and (tuned := _tuned(own, tried[key], configs, spaces)):
            arms.append(tuned)
        if default := _default(own):
            arms.append(default)
    return arms


def find_outermost(trials: pd.DataFrame, point_id: str) -> list[str]:
    """List hyperparameters at which a point takes the smallest or largest of the values tried.

    Where nothing declares a range, as in an explore sweep, this is all there is to know of one.
    """
    outermost = []
    for name in prefixed_columns(trials, "hp."):
        column = trials[name]
        if column.nunique() < 2:
            continue
        switches = column.map(lambda value: isinstance(value, bool))  # these have no range
        values = pd.to_numeric(column.mask(switches), errors="coerce")
        chosen = values[trials["point_id"] == point_id]
        if values.nunique() > 1 and chosen.isin([values.min(), values.max()]).any():
            outermost.append(name.removeprefix("hp."))
    return outermost


def _best(own: pd.DataFrame, tried: pd.DataFrame) -> Arm:
    point = tried[tried["selected"]].iloc[0]
    trials = own[own["point_id"] == point["point_id"]].assign(repeat=0).reset_index(drop=True)
    standing = Standing(
        str(point["entrant"]),
        len(tried),
        edges=tuple(find_outermost(own, point["point_id"])),
        chosen_on_reported_seeds=int(tried["candidate"].sum()) > 1,
    )
    return Arm(Kind.BEST, trials, len(tried), standing, preference_of(point))


def _tuned(
    own: pd.DataFrame,
    tried: pd.DataFrame,
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> Arm | None:
    """Return None until a chosen point has been rerun."""
    chosen = tried[tried["selected"]].sort_values("repeat")
    trials = pd.concat(
        own[own["point_id"] == point].assign(repeat=repeat)
        for repeat, point in zip(chosen["repeat"], chosen["point_id"], strict=True)
    ).reset_index(drop=True)
    if trials.empty:
        return None
    drawn = own[own["index"].notna()]
    rerun = tried[tried["repeat"].isin(trials["repeat"])]  # a tuning may still wait for it
    counts = rerun.groupby("repeat")["index"].nunique()
    standing = Standing(
        str(chosen["entrant"].iloc[0]),
        int(counts.sum()),
        edges=_edges(trials, drawn, configs, spaces),
        chosen_on_reported_seeds=_reuses_seeds(own, trials),
        sampler=str(drawn["sampler"].iloc[0]) if len(drawn) else "",
    )
    return Arm(
        Kind.TUNED,
        trials,
        int(counts.max()),
        standing,
        min(preference_of(point) for _, point in rerun[rerun["selected"]].iterrows()),
        repeats=len(counts),
        tuning_variance=_tuning_variance(rerun) if len(counts) == 1 else None,
    )


def _edges(
    trials: pd.DataFrame,
    drawn: pd.DataFrame,
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> tuple[str, ...]:
    """List hyperparameters of the chosen points at the edge of their declared range."""
    space = spaces.get(drawn["space_hash"].iloc[0] if len(drawn) else "", {})
    edges: dict[str, None] = {}
    for run_id in trials.drop_duplicates("repeat")["run_id"]:
        values = hyperparameters(configs[run_id]["optimizer"])
        edges |= dict.fromkeys(protocol.find_edges(space, values))
    return tuple(edges)


def _reuses_seeds(own: pd.DataFrame, trials: pd.DataFrame) -> bool:
    """Tell if seeds that chose are reported; the sweep keeps them apart, a store may not."""
    chose = own.loc[own["phase"] == Phase.SELECT, "seed"]
    return bool(trials["seed"].isin(chose).any())


def _tuning_variance(tried: pd.DataFrame) -> Variance:
    """Estimate it from the points tried; unknown where fewer than two finished."""
    values = tried["val_mean"].where(tried["n"] == tried["seeds"])
    return tuning_variance(values, str(tried["direction"].iloc[0]))


def _default(own: pd.DataFrame) -> Arm | None:
    """Return None where no trial of the default point is reported."""
    default = own.loc[own["index"].isna(), "point_id"]
    if default.empty:
        return None
    trials = own[own["point_id"] == default.iloc[0]].assign(repeat=0).reset_index(drop=True)
    values = final_values(trials, "val").tolist()
    preference = protocol.rank_point(values, trials["direction"].iloc[0])
    standing = Standing(str(trials["entrant"].iloc[0]), 0)
    return Arm(Kind.DEFAULT, trials, 0, standing, preference)
