"""Simulated reports of equal optimizers, of the shipped league and of the pools' optimizers.

The bootstrapped league: of each optimizer on each task the shipped file has eight settings tried
once on validation, ten trials of the best of them and ten of the default. A setting's value is its
validation result, that of the best one its mean over ten trials. A simulated trial adds the
deviation of one of these ten trials from their mean; on test all settings are shifted by the mean
difference between test and validation. Trials of the default are those ten that ran.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from bench.spec import Phase
from reports.analysis.selection import final_values
from reports.analysis.study import Study
from reports.pages.pools import Landscape, load_landscapes
from reports.pages.simulation import (
    REFERENCE,
    Counts,
    Design,
    Results,
    Test,
    Tune,
    draw_equals,
    make_study,
    spread_out,
)
from reports.stats.rank_sum import stratified_rank_sum

LEAGUE = "laptop"
NAMES = (REFERENCE, *(f"equal_{number}" for number in range(1, 16)))
TASKS = 8

Landscapes = Mapping[tuple[str, str], Landscape]
"""By optimizer and task."""
Simulated = TypeVar("Simulated")


def simulate_equals(
    seed: int,
    number: int,
    *,
    design: Design,
    ratio: float = 1,
    tune: Tune = Landscape.tune,
    test: Test = stratified_rank_sum,
) -> Counts:
    """Simulate a report of 16 equal optimizers on 8 tasks; count its claims, all of them false.

    Args:
        seed, number: of all simulations, and of this report.
        ratio: of the widest possible spread to the narrowest one (``spread_out``).
        tune, test: how results come about, and what judges them.
    """
    results = draw_equal_results(seed, number, design, ratio, tune)
    return make_study(results, design, test=test).count_claims()


def draw_equal_results(
    seed: int, number: int, design: Design, ratio: float = 1, tune: Tune = Landscape.tune
) -> Results:
    """Draw the results of 16 equal optimizers on 8 tasks."""
    random = np.random.default_rng([seed, number])
    known = [one for one in load_landscapes().values() if ratio == 1 or _is_finite(one)]
    chosen = [known[at] for at in random.choice(len(known), TASKS)]
    results = draw_equals(chosen, design, random, NAMES, tune)
    return spread_out(results, random, ratio) if ratio > 1 else results


def simulate_league(
    seed: int,
    number: int,
    *,
    design: Design,
    tune: Tune = Landscape.tune,
    test: Test = stratified_rank_sum,
) -> Counts:
    """Simulate a report of the league's optimizers that ran on all of its tasks."""
    return _simulate(load_league(), seed, number, design, tune, test)


def simulate_pools(
    seed: int,
    number: int,
    *,
    design: Design,
    tune: Tune = Landscape.tune,
    test: Test = stratified_rank_sum,
) -> Counts:
    """Simulate a report of the optimizers that ran in all pools, on their real seeds."""
    return _simulate(load_pool_league(), seed, number, design, tune, test)


def _simulate(
    landscapes: Landscapes, seed: int, number: int, design: Design, tune: Tune, test: Test
) -> Counts:
    results = draw_results(landscapes, np.random.default_rng([seed, number]), design, tune)
    return make_study(results, design, test=test).count_claims()


def draw_results(
    landscapes: Landscapes,
    random: np.random.Generator,
    design: Design,
    tune: Tune = Landscape.tune,
) -> Results:
    """Draw the results of every optimizer on every task."""
    return {
        (name, task): tune(landscape, random, design.settings, design.count(name))
        for (name, task), landscape in landscapes.items()
    }


@cache
def load_pool_league() -> Landscapes:
    """Load the optimizers that ran in all pools, by optimizer and pool."""
    cells = {(name.split()[1], name.split()[0]): one for name, one in load_landscapes().items()}
    return _drop_incomplete(cells)


@cache
def load_league() -> Landscapes:
    """Load the shipped league as landscapes, by optimizer and task."""
    trials = Study.load("", compare=[LEAGUE]).attempts
    sign = np.where(trials["direction"] == "maximize", 1.0, -1.0)
    trials = trials.assign(val=sign * final_values(trials, "val"))
    trials = trials.assign(test=sign * final_values(trials, "test"))
    groups = trials.groupby(["entrant", "comparison"])
    cells = {(str(name), str(task)): _make_landscape(own) for (name, task), own in groups}
    return _drop_incomplete({key: one for key, one in cells.items() if one is not None})


def _drop_incomplete(cells: Landscapes) -> Landscapes:
    """Drop optimizers that did not run on all tasks."""
    names, tasks = ({key[at] for key in cells} for at in (0, 1))
    complete = {name for name in names if all((name, task) in cells for task in tasks)}
    return {key: one for key, one in cells.items() if key[0] in complete}


def _make_landscape(own: pd.DataFrame) -> Landscape | None:
    """Make an optimizer's landscape on a task; None where it was not tuned."""
    tried = own[own["phase"] == Phase.SELECT]
    reported = own[own["phase"] == Phase.REPORT]
    tuned, default = reported[reported["index"].notna()], reported[reported["index"].isna()]
    if tried.empty:
        return None
    val, test = tuned["val"].to_numpy(), tuned["test"].to_numpy()
    values = tried["val"].fillna(-np.inf).to_numpy()
    values = np.where(tried["point_id"].isin(tuned["point_id"]), val.mean(), values)
    return Landscape(
        values[:, None] + val - val.mean(),
        values[:, None] + test - val.mean(),
        default["val"].fillna(-np.inf).to_numpy(),
        default["test"].fillna(-np.inf).to_numpy(),
    )


def _is_finite(one: Landscape) -> bool:
    return all(np.isfinite(x).all() for x in (one.test, one.default_test))


def run(
    simulate: Callable[..., Simulated], count: int, what: str = "", **options: Any
) -> list[Simulated]:
    """Simulate ``count`` reports in two processes; with ``what`` print a line."""
    job = partial(simulate, **options)
    found = list(_start_workers().map(job, range(count), chunksize=max(1, count // 40)))
    if what:
        print(f"{what}: {count} reports", flush=True)
    return found


def count_share(found: Sequence[Collection[object]]) -> float:
    """Return the share of reports with a claim: their numbers or names."""
    return float(np.mean([any(one) for one in found]))


@cache
def _start_workers() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))
