"""What stands in the rows of a leaderboard: an entrant at one point, with its reported trials.

In a study each entrant has a side ``tuned`` (the chosen point of each repeat, pooled) and a side
``default``; in an explore sweep one side, at its best point by validation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench.spec import Phase, Status, protocol
from bench.spec.hyperparameters import hyperparameters
from bench.spec.protocol import Standing
from reports.analysis.arrays import Cells, cells
from reports.analysis.selection import ENTRANT, final, in_study, preference
from reports.data.labels import family
from reports.stats.best_of_k import luck
from reports.stats.intervals import Variance

Config = Mapping[str, Any]


class Kind(StrEnum):
    """Which of an entrant's points a row reports."""

    TUNED = "tuned"  # chosen on selection seeds, rerun on fresh ones
    DEFAULT = "default"  # as the optimizer's YAML has it
    BEST = "best tried"  # of an explore sweep, chosen on the seeds that are reported


@dataclass(frozen=True, eq=False)
class Side:
    """One row's material.

    Attributes:
        point: its label; with repeats that of the first.
        points: labels of all repeats.
        trials: reported trials, one a repeat and seed; ``repeat`` says whose chosen point it is.
        tried: points that were tried in one tuning; 0 for a default.
        repeats: tunings.
        standing: what ``protocol.withhold_verdict`` has to know of it.
        preference: sort key on validation; the least is the best.
        luck: variance of the best of the points tried on validation, where it was tuned once.
    """

    comparison: str
    entrant: str
    optimizer: str
    kind: Kind
    point: str
    points: tuple[str, ...]
    trials: pd.DataFrame
    tried: int
    repeats: int
    standing: Standing
    preference: tuple[bool, float, float]
    luck: Variance | None = None

    @cached_property
    def direction(self) -> str:
        return str(self.trials["direction"].iloc[0])

    @cached_property
    def stops_at_target(self) -> bool:
        return bool(self.trials["stop_at_target"].any())

    @cached_property
    def test(self) -> Cells:
        """Values on test by repeat and seed."""
        return self._cells("test")

    @cached_property
    def val(self) -> Cells:
        """Values on validation by repeat and seed."""
        return self._cells("val")

    @cached_property
    def steps(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Steps to the target, one a trial that ran; ∞ for a miss or one that broke off.

        Empty without a target.
        """
        ran = self._ran & self.trials["target"].notna()
        return self.trials["steps_to_target"].fillna(math.inf)[ran].to_numpy(dtype=float)

    def values(self, split: str) -> pd.DataFrame:
        """Columns ``value`` and ``broken`` by (repeat, seed); trials that were skipped left out."""
        trials = self.trials[self._ran]
        return pd.DataFrame(
            {
                "value": final(trials, split).to_numpy(dtype=float),
                "broken": (trials["status"] != Status.FINISHED).to_numpy(),
            },
            index=pd.MultiIndex.from_frame(trials[["repeat", "seed"]]),
        )

    @cached_property
    def _ran(self) -> pd.Series:
        return self.trials["status"] != Status.SKIPPED

    def _cells(self, split: str) -> Cells:
        ran = self._ran.to_numpy(dtype=bool)
        repeat, seed, value, status = (
            column.to_numpy()[ran]
            for column in (
                *(self.trials["repeat"], self.trials["seed"]),
                *(final(self.trials, split), self.trials["status"]),
            )
        )
        return cells(repeat, seed, value.astype(float), status != str(Status.FINISHED))


def sides(
    trials: pd.DataFrame,
    points: pd.DataFrame,
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> list[Side]:
    """Every row's material, in the order of comparison and entrant, tuned before default.

    Args:
        trials: as ``selection.attempts`` gives them.
        points: of ``selection.points``.
        configs: a trial's recorded config by its run_id.
        spaces: declared search spaces by their hash.
    """
    studied = in_study(trials)
    reported = trials[(trials["phase"] == Phase.REPORT) | ~studied]
    tried = dict(list(points.groupby(ENTRANT, sort=True)))
    found = []
    for key, own in reported.groupby(ENTRANT, sort=True):
        at = tried.get(key)
        if own["phase"].iloc[0] != Phase.REPORT:
            found.append(_best(own, tried[key]))
            continue
        if at is not None and (tuned := _tuned(own, at, configs, spaces)):
            found.append(tuned)
        if default := _default(own):
            found.append(default)
    return found


def _best(own: pd.DataFrame, tried: pd.DataFrame) -> Side:
    point = tried[tried["selected"]].iloc[0]
    trials = own[own["point"] == point["point"]].assign(repeat=0)
    name = str(point["entrant"])
    candidates = int(tried["candidate"].sum())
    standing = Standing(
        name,
        len(tried),
        edges=tuple(outermost(own, point["point"])),
        chosen_on_reported_seeds=candidates > 1,
    )
    return _side(Kind.BEST, trials, [point["point"]], len(tried), standing, preference(point))


def _tuned(
    own: pd.DataFrame,
    tried: pd.DataFrame,
    configs: Mapping[str, Config],
    spaces: Mapping[str, Config],
) -> Side | None:
    """None until a chosen point has been rerun."""
    chosen = tried[tried["selected"]].sort_values("repeat")
    parts = [
        own[own["point"] == point].assign(repeat=repeat)
        for repeat, point in zip(chosen["repeat"], chosen["point"], strict=True)
    ]
    trials = pd.concat(parts) if len(parts) > 1 else parts[0]
    if trials.empty:
        return None
    a_draw = own[own["index"].notna()]
    space = spaces.get(a_draw["space_hash"].iloc[0] if len(a_draw) else "", {})
    at_edge: dict[str, None] = {}
    for run_id in trials.drop_duplicates("repeat")["run_id"]:
        values = hyperparameters(configs[run_id]["optimizer"])
        at_edge |= dict.fromkeys(protocol.find_edges(space, values))
    rerun = tried[tried["repeat"].isin(trials["repeat"])]  # a tuning may still wait for it
    counts = rerun.groupby("repeat")["index"].nunique()
    name = f"{chosen['entrant'].iloc[0]}"
    sampler = str(a_draw["sampler"].iloc[0]) if len(a_draw) else ""
    standing = Standing(
        name,
        int(counts.sum()),
        edges=tuple(at_edge),
        chosen_on_reported_seeds=_overlap(own, trials),
        sampler=sampler,
    )
    chosen = chosen[chosen["repeat"].isin(trials["repeat"])]
    key = min(preference(point) for _, point in chosen.iterrows())
    return _side(
        Kind.TUNED,
        trials,
        chosen["point"].tolist(),
        int(counts.max()),
        standing,
        key,
        repeats=len(counts),
        luck=_luck(rerun) if len(counts) == 1 else None,
    )


def _overlap(own: pd.DataFrame, trials: pd.DataFrame) -> bool:
    """Whether seeds that chose are reported; the sweep keeps them apart, a store may not."""
    chose = own.loc[own["phase"] == Phase.SELECT, "seed"]
    return bool(trials["seed"].isin(chose).any())


def _luck(tried: pd.DataFrame) -> Variance:
    """Of the best of the points that were tried; unknown where fewer than two finished."""
    values = tried["val_mean"].where(tried["n"] == tried["seeds"])
    return luck(values, "maximize" if _maximizes(tried) else "minimize")


def _maximizes(tried: pd.DataFrame) -> bool:
    return bool(tried["direction"].iloc[0] == "maximize")


def _default(own: pd.DataFrame) -> Side | None:
    """None where no trial of the default point is reported."""
    labels = own.loc[own["index"].isna(), "point"]
    if labels.empty:
        return None
    point = labels.iloc[0]
    trials = own[own["point"] == point].assign(repeat=0)
    values = final(trials, "val").tolist()
    key = protocol.rank_point(values, trials["direction"].iloc[0])
    name = f"{trials['entrant'].iloc[0]}"
    return _side(Kind.DEFAULT, trials, [point], 0, Standing(name, 0), key)


def _side(
    kind: Kind,
    trials: pd.DataFrame,
    points: list[str],
    tried: int,
    standing: Standing,
    key: tuple[bool, float, float],
    repeats: int = 1,
    luck: Variance | None = None,
) -> Side:
    first = trials.iloc[0]
    return Side(
        comparison=first["comparison"],
        entrant=first["entrant"],
        optimizer=first["optimizer"],
        kind=kind,
        point=points[0],
        points=tuple(points),
        trials=trials.reset_index(drop=True),
        tried=tried,
        repeats=repeats,
        standing=standing,
        preference=key,
        luck=luck,
    )


def outermost(trials: pd.DataFrame, point: str) -> list[str]:
    """Hyperparameters at which ``point`` takes the smallest or largest of the values tried.

    Where nothing declares a range, as in an explore sweep, this is all there is to know of one.
    """
    found = []
    for name in family(trials, "hp."):
        column = trials[name]
        if column.nunique() < 2:
            continue
        switches = column.map(lambda value: isinstance(value, bool))  # these have no range
        values = pd.to_numeric(column.mask(switches), errors="coerce")
        chosen = values[trials["point"] == point]
        if values.nunique() > 1 and chosen.isin([values.min(), values.max()]).any():
            found.append(name.removeprefix("hp."))
    return found
