"""A study as its trials recorded it: two tables and what follows from them, each computed once.

from reports import Study
s = Study.load("mine")                                     # shows itself in a notebook
s.trials, s.curves, s.leaderboards, s.costs
Study.load("mine,other", filters={"task": ["digits"]}, compare=["embedded"])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import Any, Self

import pandas as pd

from bench.spec import Phase, TrialRecord
from bench.tracking.uri import DEFAULT
from reports.analysis import selection
from reports.analysis.arms import Side, sides
from reports.analysis.grid import Grid, grid
from reports.analysis.leaderboard import Leaderboard, Rivalry, entrants, leaderboards, rivalries
from reports.analysis.multiplicity import Adjusted, Hypothesis, adjust
from reports.analysis.overall import overall
from reports.analysis.pairwise import Pair, meetings, pair_table
from reports.analysis.profiles import Race, profiles, race
from reports.analysis.stability import stability
from reports.data import costs
from reports.data.load import NoTrials, gather
from reports.data.tables import tables
from reports.stats.best_of_k import best_of_k

BEST_OF_K = [
    *["comparison", "entrant", "k", "points", "expected", "spread", "all_broken", "regret"],
]


def _by_comparison(key: tuple[str, str]) -> tuple[str, str]:
    return key[::-1]


@dataclass(frozen=True, eq=False)
class Study:
    """Trial records and what reports say of them.

    Attributes:
        filters: what the trials were narrowed to, e.g. ``{"task": ("digits",)}``.
        joined: sentences on the baselines that the study is compared with.
        measured: costs of entrants alone by the digest of their config (``reports.data.costs``).
    """

    records: tuple[TrialRecord, ...]
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[TrialRecord]) -> Self:
        """A study from records, in any order.

        Raises:
            NoTrials: there are none.
        """
        found = tuple(records)
        if not found:
            raise NoTrials
        return cls(found)

    @classmethod
    def load(
        cls,
        name: str,
        uri: str = DEFAULT,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        compare: Sequence[str] = (),
    ) -> Self:
        """A study from a store, or several as one: ``Study.load("mine,other")``.

        Args:
            filters: values of ``task`` and ``optimizer`` that are kept.
            compare: baselines to stand beside it, files or names (``reports.data.baseline``); with an
                empty ``name`` they alone.

        Raises:
            NoTrials: nothing has run in them.
            RefusedInput: one of them is not there or does not go with the others, or no trial is
                left.
        """
        names = list(dict.fromkeys(one.strip() for one in name.split(",") if one.strip()))
        found = gather(names, uri, filters or {}, compare)
        return cls(found.records, filters or {}, found.notes, found.costs)

    @property
    def name(self) -> str:
        """Of several studies all their names, ``a+b``."""
        own = [record.study for record in self.records if not record.source]
        names = dict.fromkeys(own or [record.study for record in self.records])
        return "+".join(names)

    @property
    def reference(self) -> str:
        """The optimizer that the others are compared with."""
        return self.records[0].reference

    @cached_property
    def _tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return tables(self.records)

    @property
    def trials(self) -> pd.DataFrame:
        """One row a trial; columns in ``reports.data.tables``."""
        return self._tables[0]

    @property
    def curves(self) -> pd.DataFrame:
        """One row a measured value; columns in ``reports.data.tables``."""
        return self._tables[1]

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """``trials`` without those that were run again since."""
        return selection.attempts(self.trials)

    @cached_property
    def points(self) -> pd.DataFrame:
        """Every point tried to find a reported one; columns in ``reports.analysis.selection.points``."""
        return selection.points(self.attempts)

    @cached_property
    def configs(self) -> dict[str, Any]:
        """A trial's recorded config by its run_id."""
        return {record.run_id: record.config for record in self.records}

    @cached_property
    def spaces(self) -> dict[str, Any]:
        """Declared search spaces by their hash."""
        tunings = [record.tuning for record in self.records if record.tuning]
        return {tuning.space_hash: dict(tuning.space) for tuning in tunings if tuning.space}

    @cached_property
    def sides(self) -> list[Side]:
        """What stands in the rows of the leaderboards, with its trials."""
        return sides(self.attempts, self.points, self.configs, self.spaces)

    @cached_property
    def reported(self) -> pd.DataFrame:
        """Trials that figures show: each entrant's at its tuned point, else at its only one."""
        shown = [self.grid.sides[key].trials for key in sorted(self.grid.sides, key=_by_comparison)]
        return pd.concat(shown, ignore_index=True) if shown else self.trials.iloc[:0]

    @cached_property
    def leaderboards(self) -> list[Leaderboard]:
        """One a comparison."""
        return leaderboards(self.attempts, self._rivalries, self._family, self.reference)

    @cached_property
    def grid(self) -> Grid:
        """Entrants and comparisons, each with the side that stands in aggregates."""
        return grid(self.sides, self.reference)

    @cached_property
    def overall(self) -> pd.DataFrame:
        """One row an entrant over all comparisons; columns in ``reports.analysis.overall``."""
        return overall(self.grid, self.leaderboards, self._race)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row for each two entrants; columns in ``reports.analysis.pairwise``."""
        return pair_table(self._pairs, self._family)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Performance profiles of the complete entrants; columns in ``reports.analysis.profiles``."""
        return profiles(self._race)

    @cached_property
    def stability(self) -> pd.DataFrame:
        """Ranks with each entrant left out; columns in ``reports.analysis.stability``."""
        return stability(self._race.entrants, self._race.medians)

    @cached_property
    def _race(self) -> Race:
        return race(self.grid)

    @cached_property
    def _rivalries(self) -> list[Rivalry]:
        return rivalries(self.sides, self.reference)

    @cached_property
    def _pairs(self) -> list[Pair]:
        return meetings(self.grid)

    @cached_property
    def _family(self) -> dict[Hypothesis, Adjusted]:
        """Every test of the report, adjusted for all of them."""
        tests = {pair.hypothesis: pair.p_tested for pair in self._pairs}
        tests |= {one.hypothesis: one.p for one in self._rivalries if one.hypothesis}
        return adjust(tests)

    @cached_property
    def entrants(self) -> list[str]:
        """In one order for the whole report."""
        return entrants(self.leaderboards)

    @cached_property
    def best_of_k(self) -> pd.DataFrame:
        """What tuning costs: the expected best of k points on validation, for k = 1 … K.

        Columns: comparison, entrant, k, points (tried, of all repeats), expected, spread,
        all_broken (probability that all k points broke off), regret (what the expected best of
        all K gains over that of k, at least 0 and in the metric's unit).
        """
        chosen = self.points[self.points["phase"] == Phase.SELECT]
        rows = []
        for (comparison, entrant), tried in chosen.groupby(selection.ENTRANT, sort=True):
            values = tried["val_mean"].where(tried["n"] == tried["seeds"])
            direction, n = tried["direction"].iloc[0], len(tried)
            sign = 1 if direction == "maximize" else -1
            most = int(tried.groupby("repeat").size().max())
            bests = [best_of_k(values, k, direction) for k in range(1, most + 1)]
            for best in bests:
                regret = (bests[-1].expected - best.expected) * sign
                rows.append((comparison, entrant, best.k, n, *astuple(best)[1:], regret))
        return pd.DataFrame(rows, columns=BEST_OF_K)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """What each entrant costs alone; columns in ``reports.data.costs``, empty if never measured."""
        return costs.table(self.reported, self.configs, self.measured)
