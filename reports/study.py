"""A study as its trials recorded it: two tables and what follows from them, each computed once.

from reports import Study
s = Study.load("mine")                                     # shows itself in a notebook
s.trials, s.curves, s.leaderboards, s.costs
Study.load("mine,other", filters={"task": ["digits"]}, compare=["embedded"])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from bench.address import DEFAULT
from bench.spec import Phase, RefusedInput, TrialRecord
from reports import costs, notebook, selection
from reports.gather import gather
from reports.leaderboard import Leaderboard, entrants, leaderboards
from reports.sides import Kind, Side, sides
from reports.stats.best_of_k import best_of_k
from reports.table import tables

BEST_OF_K = ["comparison", "entrant", "k", "points", "expected", "spread", "all_broken"]


@dataclass(frozen=True, eq=False)
class Study:
    """Trial records and what reports say of them.

    Attributes:
        filters: what the trials were narrowed to, e.g. ``{"task": ("digits",)}``.
        joined: sentences on the baselines that the study is compared with.
        measured: costs of entrants alone by the digest of their config (``reports.costs``).
    """

    records: tuple[TrialRecord, ...]
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[TrialRecord]) -> Study:
        """A study from records, in any order.

        Raises:
            RefusedInput: there are none.
        """
        found = tuple(records)
        if not found:
            raise RefusedInput(
                "the study has no trials yet: run some with optbench -m … study=NAME"
            )
        return cls(found)

    @classmethod
    def load(
        cls,
        name: str,
        uri: str = DEFAULT,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        compare: Sequence[str] = (),
    ) -> Study:
        """A study from a store, or several as one: ``Study.load("mine,other")``.

        Args:
            filters: values of ``task`` and ``optimizer`` that are kept.
            compare: baselines to stand beside it, files or names (``reports.baseline``); with an
                empty ``name`` they alone.

        Raises:
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
        """One row a trial; columns in ``reports.table``."""
        return self._tables[0]

    @property
    def curves(self) -> pd.DataFrame:
        """One row a measured value; columns in ``reports.table``."""
        return self._tables[1]

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """``trials`` without those that were run again since."""
        return selection.attempts(self.trials)

    @cached_property
    def points(self) -> pd.DataFrame:
        """Every point tried to find a reported one; columns in ``reports.selection.points``."""
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
        tuned = {(s.comparison, s.entrant) for s in self.sides if s.kind is Kind.TUNED}
        shown = [
            side.trials
            for side in self.sides
            if side.kind is not Kind.DEFAULT or (side.comparison, side.entrant) not in tuned
        ]
        return pd.concat(shown, ignore_index=True) if shown else self.trials.iloc[:0]

    @cached_property
    def leaderboards(self) -> list[Leaderboard]:
        """One a comparison."""
        return leaderboards(self.attempts, self.sides, self.reference)

    @cached_property
    def entrants(self) -> list[str]:
        """In one order for the whole report."""
        return entrants(self.leaderboards)

    @cached_property
    def best_of_k(self) -> pd.DataFrame:
        """What tuning costs: the expected best of k points on validation, for k = 1 … K.

        Columns: comparison, entrant, k, points (tried, of all repeats), expected, spread,
        all_broken (probability that all k points broke off).
        """
        chosen = self.points[self.points["phase"] == Phase.SELECT]
        rows = []
        for (comparison, entrant), tried in chosen.groupby(selection.ENTRANT, sort=True):
            values = tried["val_mean"].where(tried["n"] == tried["seeds"])
            direction, n = tried["direction"].iloc[0], len(tried)
            for k in range(1, int(tried.groupby("repeat").size().max()) + 1):
                best = best_of_k(values, k, direction)
                rows.append(
                    (comparison, entrant, k, n, best.expected, best.spread, best.all_broken)
                )
        return pd.DataFrame(rows, columns=BEST_OF_K)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """What each entrant costs alone; columns in ``reports.costs``, empty if never measured."""
        return costs.table(self.reported, self.configs, self.measured)

    def _repr_html_(self) -> str:
        return notebook.html(self.name, self.leaderboards, self.joined)
