"""Simulated studies that are enlarged: what they claim, and if stopping early saves trials.

A study is looked at after every enlarging. A rule of stopping enlarges only cells that are not
decided: an optimizer's on a task until its row shows a difference, the reference's until all rows
of the task do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from bench.spec.looks import format_rate, spend
from reports.pages.contest import quick_rank_sum
from reports.pages.simulated_reports import (
    Landscapes,
    count_share,
    draw_equal_results,
    draw_results,
    load_league,
    run,
)
from reports.pages.simulation import DEFAULT_TRIALS, REFERENCE, Design, Floats, Results, make_study

LOOKS = (Design(5, 10, 8), Design(8, 16, 8), Design(12, 24, 8), Design(16, 32, 8))
STOPPING = (Design(5, 10, 8), Design(10, 20, 8), Design(20, 40, 8))
FIXED = tuple(Design(n, 2 * n, 8) for n in (5, 6, 8, 10, 12, 15, 20))
OPTIMIZERS = (1, 3, 15)
"""Beside the reference, in a study that stops."""

Names = tuple[str, str]
"""An optimizer and its task, or two optimizers."""


class Enlarged(NamedTuple):
    """The end of a study.

    Attributes:
        claims: what is shown, with the look that showed it.
        trials: of the whole study, ten of every default among them.
    """

    claims: Mapping[Names, int]
    trials: int


def enlarge(results: Results, looks: Sequence[Design], *, stops: bool = False) -> Enlarged:
    """Enlarge a study from look to look, and judge it as real ones.

    Args:
        results: as many as the last look has.
        stops: decided rows are not enlarged.
    """
    going: Collection[Names] = results.keys()
    sizes: dict[Names, tuple[int, ...]] = dict.fromkeys(results, ())
    claims: Mapping[Names, int] = {}
    for design in looks:
        sizes |= {(name, task): (*sizes[name, task], design.count(name)) for name, task in going}
        if stops or design is looks[-1]:
            so_far = {cell: values[: sizes[cell][-1]] for cell, values in results.items()}
            claims = make_study(so_far, design, sizes, quick_rank_sum).list_claims()
        if stops and not (going := _list_undecided(results, claims)):
            break
    tunings = sum(each[-1] for each in sizes.values())
    trials = tunings * (looks[0].settings + 1) + len(results) * DEFAULT_TRIALS
    return Enlarged(claims, trials)


def _list_undecided(results: Results, shown: Collection[Names]) -> set[Names]:
    rows = {(name, task) for name, task in results if name != REFERENCE}.difference(shown)
    return rows | {(REFERENCE, task) for _, task in rows}


def simulate_enlarged_equals(
    seed: int, number: int, *, looks: Sequence[Design], stops: bool = False
) -> Enlarged:
    """Enlarge a study of 16 equal optimizers on 8 tasks: all of its claims are false."""
    return enlarge(draw_equal_results(seed, number, looks[-1]), looks, stops=stops)


def simulate_twins(
    seed: int, number: int, *, looks: Sequence[Design], stops: bool
) -> Collection[Names]:
    """Enlarge a study of eight of the league and the twin of each; return claims about twins.

    Some optimizers differ here, so that stopping depends on true differences.
    """
    random = np.random.default_rng([seed, number])
    chosen = _choose(random, 7)
    twins = {(f"{name} twin", task): one for (name, task), one in chosen.items()}
    results = draw_results({**chosen, **twins}, random, looks[-1])
    rows = {(f"{REFERENCE} twin", task) for _, task in chosen}
    twins_of = {(name, f"{name} twin") for name, _ in chosen}
    pairs = twins_of | {(twin, name) for name, twin in twins_of}
    return (rows | pairs).intersection(enlarge(results, looks, stops=stops).claims)


def simulate_stopping(seed: int, number: int, *, optimizers: int) -> Floats:
    """Return rows shown and trials, with stopping and of each fixed design on the same results."""
    random = np.random.default_rng([seed, number])
    results = draw_results(_choose(random, optimizers), random, STOPPING[-1])
    ends = [enlarge(results, STOPPING, stops=True), *(enlarge(results, [one]) for one in FIXED)]
    tasks = {task for _, task in results}
    rows = [sum(second in tasks for _, second in one.claims) for one in ends]
    return np.array([rows, [one.trials for one in ends]], dtype=float)


def _choose(random: np.random.Generator, optimizers: int) -> Landscapes:
    """Choose the reference and others of the league."""
    league = load_league()
    others = sorted({name for name, _ in league} - {REFERENCE})
    names = {REFERENCE, *random.choice(others, optimizers, replace=False).tolist()}
    return {(name, task): one for (name, task), one in league.items() if name in names}


def tabulate_enlarging(reports: int, seed: int) -> Iterator[dict[str, str]]:
    """Count reports of equal optimizers with a claim up to each look."""
    simulate = partial(simulate_enlarged_equals, seed, looks=LOOKS)
    found = run(simulate, reports, "enlarging")
    for last, design in enumerate(LOOKS):
        share = count_share([[at for at in one.claims.values() if at <= last] for one in found])
        yield {
            "look": str(design),
            "spends": format_rate(spend(last)),
            f"claims so far, of {reports} reports": f"{share:.1%}",
        }


def tabulate_stopping(reports: int, seed: int) -> Iterator[dict[str, str]]:
    """Compare the price of stopping with that of the fixed design which shows as many rows."""
    for optimizers in OPTIMIZERS:
        simulate = partial(simulate_stopping, seed, optimizers=optimizers)
        found = run(simulate, reports, f"until decided, {optimizers} beside the reference")
        (rows, *fixed_rows), (trials, *fixed_trials) = np.mean(found, axis=0)
        price = float(np.interp(rows, fixed_rows, fixed_trials))
        tasks = len({task for _, task in load_league()})
        yield {
            "optimizers beside the reference": str(optimizers),
            "rows shown": f"{rows:.1f} of {optimizers * tasks}",
            "trials until decided": f"{trials:.0f}",
            "trials of the fixed design": f"{price:.0f}",
            "saved": f"{1 - trials / price:.0%}",
        }


def count_false_claims(reports: int, seed: int) -> tuple[float, float]:
    """Return the shares of stopping studies with a false claim: equal optimizers, and twins."""
    equals = partial(simulate_enlarged_equals, seed, looks=STOPPING, stops=True)
    twins = partial(simulate_twins, seed, looks=STOPPING, stops=True)
    return (
        count_share([one.claims for one in run(equals, reports, "until decided, equals")]),
        count_share(run(twins, reports, "until decided, twins")),
    )
