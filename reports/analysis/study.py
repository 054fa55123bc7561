"""A study as its trials recorded it: two tables and what follows from them, each computed once.

from reports import Study
s = Study.load("mine")                                     # shows itself in a notebook
s.trials, s.curves, s.leaderboards, s.costs
Study.load("mine,other", filters={"task": ["digits"]}, compare=["embedded"])
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from bench.spec import Phase, TrialRecord
from bench.spec.printable import make_printable
from bench.spec.questions import find_asking
from bench.spec.reference import choose_reference
from bench.tracking.uri import DEFAULT
from reports.analysis import selection
from reports.analysis.arms import Arm, collect_arms
from reports.analysis.grid import Grid, make_grid
from reports.analysis.leaderboard import (
    Leaderboard,
    compare_with_reference,
    make_leaderboards,
    order_entrants,
)
from reports.analysis.multiplicity import Family, Hypothesis, adjust
from reports.analysis.overall import judge_overall, summarize
from reports.analysis.pairwise import Pair, compare_pairs, tabulate_pairs
from reports.analysis.profiles import PerformanceProfile, measure_profile, tabulate_profile
from reports.analysis.rows import Comparison
from reports.analysis.stability import measure_stability
from reports.data import costs
from reports.data.ids import ARM
from reports.data.load import NoTrials, load_records
from reports.data.reference import find_declared
from reports.data.tables import make_tables
from reports.stats.best_of_k import best_of_k

BEST_OF_K = [
    *["comparison", "entrant", "k", "points", "expected", "spread", "all_broken", "regret"],
    *ARM,
]


@dataclass(frozen=True, eq=False)
class Study:
    """Trial records and what reports say of them.

    Attributes:
        filters: what the trials were narrowed to, e.g. ``{"task": ("digits",)}``.
        joined: sentences on the baselines that the study is compared with.
        measured: costs of entrants alone by the digest of their config (``reports.data.costs``).
        declared: the reference that was asked for, or declared by the latest plan; empty: what the
            latest trials say.
        pending: reason why nothing is judged yet; empty once all that was declared has ended.
    """

    records: tuple[TrialRecord, ...]
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    declared: str = ""
    pending: str = ""

    @classmethod
    def of(cls, records: Iterable[TrialRecord]) -> Self:
        """Make a study from records, in any order.

        Raises:
            NoTrials: there are none.
        """
        trials = tuple(make_printable(record) for record in records)
        if not trials:
            raise NoTrials
        return cls(trials)

    @classmethod
    def load(
        cls,
        name: str,
        uri: str = DEFAULT,
        *,
        filters: Mapping[str, Sequence[str]] | None = None,
        compare: Sequence[str] = (),
        reference: str = "",
    ) -> Self:
        """Load a study from a store, or several as one: ``Study.load("mine,other")``.

        Args:
            filters: values of ``task`` and ``optimizer`` that are kept.
            compare: baselines to stand beside it, files or names; with an empty ``name`` they
                alone.
            reference: the optimizer that others are compared with; empty: as the latest plan
                declares.

        Raises:
            NoTrials: nothing has run in them.
            RefusedInput: one of them or the reference is not there or does not go with the others,
                or no trial is left.
        """
        names = list(dict.fromkeys(one.strip() for one in name.split(",") if one.strip()))
        loaded = load_records(names, uri, filters or {}, compare, reference)
        rest = (loaded.notes, loaded.costs, loaded.reference, loaded.pending)
        return cls(loaded.records, filters or {}, *rest)

    @property
    def name(self) -> str:
        """Of several studies all their names, ``a+b``."""
        own = [record.study for record in self.records if not record.source]
        names = dict.fromkeys(own or [record.study for record in self.records])
        return "+".join(names)

    @cached_property
    def reference(self) -> str:
        """The optimizer that the others are compared with; empty where the pairs are all."""
        optimizers = {str(record.config["optimizer"]["name"]) for record in self.records}
        declared = self.declared or find_declared(self.records).name
        return choose_reference(declared, optimizers)

    @cached_property
    def _tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        return make_tables(self.records)

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
        return selection.drop_reruns(self.trials)

    @cached_property
    def points(self) -> pd.DataFrame:
        """Every point tried to find a reported one; columns in ``selection.tabulate_points``."""
        return selection.tabulate_points(self.attempts)

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
    def arms(self) -> list[Arm]:
        """What stands in the rows of the leaderboards, with its trials."""
        return collect_arms(self.attempts, self.points, self.configs, self.spaces)

    @cached_property
    def reported(self) -> pd.DataFrame:
        """Trials that figures show: each entrant's at its tuned point, else at its only one."""
        arms = sorted(self.grid.arms.values(), key=lambda arm: (arm.comparison, arm.entrant))
        shown = [arm.trials for arm in arms]
        return pd.concat(shown, ignore_index=True) if shown else self.trials.iloc[:0]

    @cached_property
    def leaderboards(self) -> list[Leaderboard]:
        """One a setting."""
        return make_leaderboards(self.attempts, self._comparisons, self._family, self.reference)

    @cached_property
    def grid(self) -> Grid:
        """Entrants and settings, each with the arm that stands in aggregates."""
        return make_grid(self.arms, self.reference)

    @cached_property
    def overall(self) -> pd.DataFrame:
        """One row an entrant over all settings; columns in ``reports.analysis.overall``."""
        verdicts = judge_overall(self.grid, self._pairs, self._family)
        return summarize(self.grid, self.leaderboards, self._profile, verdicts)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row for each two entrants.

        Columns: ours, theirs, ours_id, theirs_id, tasks (that both ran), improvement (probability
        that a result of ours is better, mean over these tasks) with low and high, level (of this
        interval), win, tie, loss, no_verdict (tasks), p, p_holm, claim, reason.
        """
        return tabulate_pairs(self._pairs, self._family)

    @cached_property
    def profile(self) -> pd.DataFrame:
        """Profiles of the complete entrants: entrant_id, entrant, tau, share, low, high."""
        return tabulate_profile(self._profile)

    @cached_property
    def stability(self) -> pd.DataFrame:
        """Ranks with each entrant left out; columns in ``reports.analysis.stability``."""
        return measure_stability(self._profile.entrants, self._profile.medians)

    @cached_property
    def _profile(self) -> PerformanceProfile:
        return measure_profile(self.grid)

    @cached_property
    def _comparisons(self) -> list[Comparison]:
        return compare_with_reference(self.arms, self.reference, self.pending)

    @cached_property
    def _pairs(self) -> list[Pair]:
        return compare_pairs(self.grid, self.pending)

    @cached_property
    def _family(self) -> Family:
        """Every test of the report, adjusted for all of them."""
        tests = {
            pair.hypothesis: pair.p_by_look for pair in self._pairs if self._asks(pair.hypothesis)
        }
        tests |= {
            one.hypothesis: one.p_by_look
            for one in self._comparisons
            if one.hypothesis and self._asks(one.hypothesis)
        }
        return adjust(tests)

    @cached_property
    def own(self) -> frozenset[str]:
        """Ids of the entrants that the report asks about (``bench.spec.questions``)."""
        trials = self.trials
        columns = trials["entrant_id"], trials["optimizer"], trials["source"] == ""
        return find_asking(zip(*columns, strict=True), self.reference)

    @property
    def tests(self) -> int:
        """The number of tests of the report."""
        return self._family.tests

    @property
    def level(self) -> float:
        """What Holm's correction asks of the first of its tests; NaN without any."""
        bars = [one.bar for one in self._family.adjusted.values() if not math.isnan(one.bar)]
        return min(bars, default=math.nan)

    def _asks(self, hypothesis: Hypothesis) -> bool:
        """Tell if the report asks whether these arms differ."""
        return any(arm.entrant_id in self.own for arm in hypothesis)

    @cached_property
    def entrants(self) -> list[str]:
        """Labels in one order for the whole report."""
        return order_entrants(self.leaderboards)

    @cached_property
    def best_of_k(self) -> pd.DataFrame:
        """What tuning costs: the expected best of k points on validation, for k = 1 … K.

        Columns: comparison, entrant, k, points (tried, of all repeats), expected, spread,
        all_broken (probability that all k points broke off), regret (what the expected best of
        all K gains over that of k, at least 0 and in the metric's unit), setting_id, entrant_id.
        """
        chosen = self.points[self.points["phase"] == Phase.SELECT]
        rows = []
        for ids, tried in chosen.sort_values(["comparison", "entrant"], kind="stable").groupby(
            ARM, sort=False
        ):
            # all settings by as many seeds: the best alone may have been tried again
            seeds = int(tried["seeds"].min())
            values = tried["value"].map(lambda each, seeds=seeds: float(np.mean(each[:seeds])))
            first, n = tried.iloc[0], len(tried)
            sign = 1 if first["direction"] == "maximize" else -1
            most = int(tried.groupby("repeat").size().max())
            bests = [best_of_k(values, k, first["direction"]) for k in range(1, most + 1)]
            labels = first["comparison"], first["entrant"]
            for best in bests:
                regret = (bests[-1].expected - best.expected) * sign
                rows.append((*labels, best.k, n, *astuple(best)[1:], regret, *ids))
        return pd.DataFrame(rows, columns=BEST_OF_K)

    @cached_property
    def costs(self) -> pd.DataFrame:
        """Costs of each entrant alone (``reports.data.costs``); empty if never measured."""
        return costs.tabulate_costs(self.reported, self.configs, self.measured)
