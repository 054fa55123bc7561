"""Arms: an entrant as it was prepared, with its results. Each is a row of a leaderboard.

In a study each entrant has an arm ``tuned`` (the choice of each tuning, trained once on a seed of
its own) and an arm ``default``; in an explore sweep one arm, at its best setting by validation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.spec import Phase, Status, protocol
from bench.spec.hyperparameters import hyperparameters
from bench.spec.looks import Ended
from bench.spec.protocol import Edge, Standing
from bench.spec.search_space import count_settings
from reports.analysis.selection import final_values, is_in_study, preference_of
from reports.data.ids import ARM
from reports.data.labels import prefixed_columns

Config = Mapping[str, Any]
Floats = NDArray[np.float64]


class Kind(StrEnum):
    """The point of an entrant that a row reports."""

    TUNED = "tuned"  # chosen on selection seeds, rerun on fresh ones
    DEFAULT = "default"  # as the optimizer's YAML has it
    BEST = "best tried"  # of an explore sweep, chosen on the seeds that are reported


@dataclass(frozen=True, eq=False)
class Arm:
    """An entrant, prepared in one way, under one setting.

    Attributes:
        trials: reported trials; ``repeat`` says whose choice it is. Of several tunings the ids and
            labels of the point are those of the first.
        tried: settings that each tuning tried; 0 for a default.
        standing: the facts that the rules on verdicts need.
        preference: sort key on validation; the least is the best.
        tunings: number of tunings with a report trial; 0 for a default.
        choices: of ``selection.tabulate_points``, the choice of each of these tunings.
    """

    kind: Kind
    trials: pd.DataFrame
    tried: int
    standing: Standing
    preference: tuple[bool, float, float]
    tunings: int = 0
    choices: pd.DataFrame | None = None

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

    @property
    def sign(self) -> float:
        """1 where the metric is maximized, −1 where it is minimized."""
        return 1.0 if self.direction == "maximize" else -1.0

    @cached_property
    def test(self) -> Floats:
        """Final values on test, one a trial that ran; NaN for one that did not finish."""
        return self._final_values("test")

    @cached_property
    def val(self) -> Floats:
        """Final values on validation, likewise."""
        return self._final_values("val")

    @cached_property
    def results(self) -> Floats:
        """``test``, the larger the better; −∞ for a trial that did not finish."""
        return np.where(np.isnan(self.test), -np.inf, self.sign * self.test)

    @property
    def is_skipped(self) -> bool:
        """True where no trial ran, as the entrant does not apply here."""
        return not self._ran.any()

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

    @cached_property
    def ended(self) -> tuple[Ended, ...]:
        """When each of ``results`` came, as far as the records say.

        A baseline says under which plan alone. Its plans stand for commands then.
        """
        own = self.trials[self._count_values("test")]
        planned, generations = own["planned"].tolist(), own["generation"].tolist()
        if not any(generations):
            order = sorted(set(planned))
            generations = [order.index(one) for one in planned]
        return tuple(map(Ended, generations, planned))

    @cached_property
    def origin(self) -> tuple[str, str]:
        """The baseline, empty for none, and the study whose trials these are."""
        return self._first("source"), self._first("study")

    def _first(self, column: str) -> str:
        return str(self.trials[column].iloc[0])

    def _final_values(self, split: str) -> Floats:
        values = final_values(self.trials, split).to_numpy(dtype=float)
        unfinished = (self.trials["status"] != Status.FINISHED).to_numpy(dtype=bool)
        return np.asarray(np.where(unfinished, np.nan, values)[self._count_values(split)])

    def _count_values(self, split: str) -> NDArray[np.bool_]:
        """Tell which trials count: those that ran, and where they finished measured the split."""
        unfinished = self.trials["status"] != Status.FINISHED
        counts = self._ran & (unfinished | final_values(self.trials, split).notna())
        return np.asarray(counts.to_numpy(dtype=bool))


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
    selections = trials[trials["phase"] == Phase.SELECT]
    chose = {key: set(own["seed"]) for key, own in selections.groupby(ARM)}
    arms = []
    for key, own in reported.groupby(ARM, sort=False):
        if own["phase"].iloc[0] != Phase.REPORT:
            arms.append(_best(own, tried[key]))
            continue
        drawn = own[own["index"].notna()]
        if key in tried and len(drawn):
            arms += _tuned(own, tried[key], chose[key], configs, spaces)
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
    outermost = tuple((name, "outer") for name in find_outermost(own, point["point_id"]))
    standing = Standing(
        str(point["entrant"]),
        results=_count_results(trials),
        no_result=_explain_no_result(trials),
        edges=(outermost,),
        chosen_on_reported_seeds=int(tried["candidate"].sum()) > 1,
    )
    return Arm(Kind.BEST, trials, len(tried), standing, preference_of(point))


def _tuned(
    own: pd.DataFrame,
    tried: pd.DataFrame,
    chose: Collection[int],
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> Iterator[Arm]:
    """Yield the tuned arm, none until a choice has been reported.

    Tunings of the newest design that has one stand; of two designs nothing is pooled.
    """
    drawn = own[own["index"].notna()]
    newest = drawn["draw"].max()
    drawn, tried = drawn[drawn["draw"] == newest], tried[tried["draw"] == newest]
    chosen = tried[tried["selected"]].sort_values("repeat")
    of_point = own if newest < protocol.DRAW else drawn  # once a choice took all of its trials
    trials = pd.concat(
        of_point[_belongs(of_point, repeat, point, newest)].assign(repeat=repeat)
        for repeat, point in zip(chosen["repeat"], chosen["point_id"], strict=True)
    ).reset_index(drop=True)
    if trials.empty:
        return
    reported = tried[tried["repeat"].isin(trials["repeat"])]
    choices = reported[reported["selected"]].sort_values("repeat")
    settings = int(reported.groupby("repeat")["index"].nunique().max())
    planned = drawn["repeats"].max()
    standing = Standing(
        str(choices["entrant"].iloc[0]),
        results=_count_results(trials),
        planned=0 if math.isnan(planned) or newest < protocol.DRAW else int(planned),
        settings=settings,
        exhausted=settings >= count_settings(spaces.get(drawn["space_hash"].iloc[0], {})) > 1,
        draw=int(newest),
        no_result=_explain_no_result(trials),
        edges=tuple(_find_edges(trials, drawn, configs, spaces)),
        # the sweep keeps them apart, a store may not
        chosen_on_reported_seeds=bool(trials["seed"].isin(chose).any()),
        sampler=str(drawn["sampler"].iloc[0]),
        rerank=int(drawn["rerank"].iloc[0]),
    )
    preference = min(preference_of(point) for _, point in choices.iterrows())
    yield Arm(Kind.TUNED, trials, settings, standing, preference, len(choices), choices)


def _belongs(trials: pd.DataFrame, repeat: float, point: str, draw: float) -> pd.Series:
    """Tell which trials report a tuning's choice: its own, and in the old design all of it."""
    at_point = trials["point_id"] == point
    return at_point if draw < protocol.DRAW else at_point & (trials["repeat"] == repeat)


def _find_edges(
    trials: pd.DataFrame,
    drawn: pd.DataFrame,
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> Iterator[tuple[Edge, ...]]:
    """Find the edges at which each tuning's choice lies; a default never lies at one."""
    space = spaces.get(drawn["space_hash"].iloc[0], {})
    for _, trial in trials.drop_duplicates("repeat").iterrows():
        is_default = trial["draw"] >= protocol.DRAW and trial["index"] == 0
        values = hyperparameters(configs[trial["run_id"]]["optimizer"])
        yield () if is_default else tuple(protocol.find_edges(space, values))


def _count_results(trials: pd.DataFrame) -> int:
    """Count trials that finished or diverged; others are no results."""
    return int(trials["status"].isin([Status.FINISHED, Status.DIVERGED]).sum())


def _explain_no_result(trials: pd.DataFrame) -> str:
    """Explain report trials without a result; empty where all have one."""
    name = trials["entrant"].iloc[0]
    skipped = trials[trials["status"] == Status.SKIPPED]
    if len(skipped):
        return f"{name} was skipped: {skipped['reason'].iloc[0]}"
    failed = trials[trials["status"] == Status.FAILED]
    if failed.empty:
        return ""
    count = f"{len(failed)} of {len(trials)} report trials of {name} failed"
    return f"{count} ({failed['reason'].iloc[0]}): an exception is no result. Mend it, run again"


def _default(own: pd.DataFrame) -> Arm | None:
    """Return None where no trial of the default is reported."""
    default = own[own["index"].isna()]
    if default.empty:
        return None
    point = default["point_id"].iloc[0]
    # a choice of the old design that is the default shares its trials
    shared = (own["point_id"] == point) & (own["index"].isna() | (own["draw"] < protocol.DRAW))
    trials = own[shared].assign(repeat=0).reset_index(drop=True)
    values = final_values(trials, "val").tolist()
    standing = Standing(
        str(trials["entrant"].iloc[0]),
        results=_count_results(trials),
        no_result=_explain_no_result(trials),
    )
    preference = protocol.rank_point(values, trials["direction"].iloc[0])
    return Arm(Kind.DEFAULT, trials, 0, standing, preference)
