"""The rules of a fair comparison as pure functions, called by sweeps, status and reports.

They say what is compared with what, which seeds choose and which report, which point is chosen,
which record stands for a trial, and when there is no verdict. Standard library only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.spec.printable import counted
from bench.spec.result import Status, TrialRecord
from bench.spec.search_space import dimensions
from bench.spec.trial import Phase

COMPARED = (
    *("protocol_version", "task", "data_fingerprint", "model", "batch_size", "budget"),
    *("precision", "stop_at_target"),
)
"""Keys of a trial's config that have to be equal within a comparison. The others belong to the
entrant (optimizer, schedule) or to the trial (seed, phase)."""

ENTRANT = ("optimizer", "schedule")
"""Keys of a trial's config whose names make the entrant."""

REFERENCE = "adam"
"""The optimizer that others are compared with, where it takes part and no other is declared."""

MINIMUM_TUNINGS = 4
"""Tunings of each side below which there is no verdict."""

MINIMUM_SEEDS = 5
"""Seeds of each side below which there is no verdict on defaults and plain sweeps."""

DRAW = 2
"""Version of the design of tunings: in 1 an optimizer was tuned once and reported on many seeds."""

EDGE = 0.1
"""A chosen value in this outer share of its declared range, on its scale, is at its edge."""

REPORTING_SEEDS = 1000
"""The seed on which the first tuning reports; the seeds of defaults lie below it."""

SELECTION_SEEDS = 1_000_000
"""The first seed on which tunings select; all seeds that are reported lie below it."""

SEEDS_A_TUNING = 100
"""Selection seeds that belong to one tuning."""

MOST_TUNINGS = 1000
"""Tunings of one configuration; the test of a report needs a few dozen."""


def setting(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a recorded config that has to be equal within a comparison."""
    return {key: config[key] for key in COMPARED if key in config}


def entrant(config: Mapping[str, Any]) -> str:
    """Name the entrant: ``adam``, or ``adam+cosine`` where the schedule is not constant."""
    optimizer, schedule = (config[key]["name"] for key in ENTRANT)
    return label(optimizer, schedule)


def entrant_key(config: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return task, model and entrant of a study's trial."""
    return config["task"]["name"], config["model"]["name"], entrant(config)


def label(optimizer: str, schedule: str) -> str:
    """Name the entrant of an optimizer and a schedule."""
    return optimizer if schedule == "constant" else f"{optimizer}+{schedule}"


def opens_test(phase: Phase) -> bool:
    """Say if a trial evaluates the test split at its end; one that selects never opens it."""
    return phase is not Phase.SELECT


def default_seeds(count: int) -> list[int]:
    """Return the seeds on which a default is reported: 0, 1, …"""
    return list(range(count))


def selection_seeds(repeat: int, count: int) -> list[int]:
    """Return the seeds on which one tuning tries its settings: 1 000 000 + 100 repeat + 0, 1, …"""
    first = SELECTION_SEEDS + SEEDS_A_TUNING * repeat
    return list(range(first, first + count))


def reporting_seed(repeat: int) -> int:
    """Return the seed on which one tuning reports its choice."""
    return REPORTING_SEEDS + repeat


def rank_point(
    values: Sequence[float], direction: str, steps: Sequence[float] = ()
) -> tuple[bool, float, float]:
    """Return a sort key of a point by its trials' final validation values; the least is the best.

    Args:
        values: one a seed; NaN for a trial that diverged, failed or did not reach its end. A point
            with such a trial comes after every point all of whose trials finished.
        direction: ``maximize`` or ``minimize``.
        steps: steps to the target, one a seed, ∞ for a miss and of no account where the value is
            NaN. They come first and the final values break ties; empty: the final values alone.
    """
    finished = [value for value in values if not math.isnan(value)]
    if not finished:
        return True, math.inf, math.inf
    mean = math.fsum(finished) / len(finished)
    reached = [
        math.inf if math.isnan(value) or math.isnan(step) else step
        for value, step in zip(values, steps, strict=False)
    ]
    first = sum(reached) / max(1, len(reached))
    return len(finished) < len(values), first, -mean if direction == "maximize" else mean


def choose_point(
    points: Sequence[Sequence[float]],
    direction: str,
    steps: Sequence[Sequence[float]] | None = None,
) -> int:
    """Return the index of the best of at least one point; of equal ones the first.

    Only points with the most trials compete: those of a tuning that were tried again.

    Args:
        points, direction: final validation values of each point's trials, see ``rank_point``.
        steps: each point's steps to the target, where a study ranks by them.
    """
    most = max(map(len, points))
    return next(at for at in order_points(points, direction, steps) if len(points[at]) == most)


def order_points(
    points: Sequence[Sequence[float]],
    direction: str,
    steps: Sequence[Sequence[float]] | None = None,
) -> list[int]:
    """Return the indices of points, the best first; the arguments are those of ``choose_point``."""
    ranked = steps if steps is not None else [()] * len(points)
    every = range(len(points))
    return sorted(every, key=lambda at: rank_point(points[at], direction, ranked[at]))


def rank_record(status: str, generation: int, ended_at: float) -> tuple[bool, int, float]:
    """Return a sort key of one of several records of a trial; the least stands.

    The record of the latest command stands. A failure stands only where there is nothing else.

    Args:
        generation: number of the command in its study; clocks may be wrong.
        ended_at: decides within one command, and between records that have no number.
    """
    return status == Status.FAILED, -generation, -ended_at


def select_records(*studies: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Select the record that stands for each trial (``config_hash``), by ``rank_record``.

    Args:
        studies: of a trial that several of them ran, the first one's record stands before later
            ones', unless it failed.
    """
    ranked: dict[str, list[tuple[tuple[bool, int, int, float], TrialRecord]]] = {}
    for at, records in enumerate(studies):
        for record in records:
            end = record.result
            failed, number, age = rank_record(end.status, end.generation, end.ended_at)
            rank = failed, at, number, age
            ranked.setdefault(record.config_hash, []).append((rank, record))
    return [min(attempts, key=lambda one: one[0])[1] for attempts in ranked.values()]


Edge = tuple[str, str]
"""A hyperparameter and the end of its range, ``low`` or ``high``."""


def find_edges(space: Mapping[str, Any], values: Mapping[str, Any]) -> list[Edge]:
    """List the hyperparameters that lie in an outer tenth of their declared range.

    Args:
        space: as declared (``bench.spec.search_space``).
        values: the chosen setting, by name.
    """
    edges = []
    for dimension in dimensions(space):
        if dimension.name in values:
            unit = dimension.unit(values[dimension.name])
            if not EDGE <= unit <= 1 - EDGE and not math.isnan(unit):
                is_low = (unit < EDGE) is not dimension.one_minus  # the end of β, not of 1 - β
                edges.append((dimension.name, "low" if is_low else "high"))
    return edges


def find_common_edge(tunings: Sequence[Sequence[Edge]]) -> Edge | None:
    """Find an edge at which at least half of the tunings end: a wider range may have helped.

    Args:
        tunings: the edges of each tuning's choice. Of several common ones the most frequent is
            returned, of equally frequent ones the first by name.
    """
    counts = Counter(edge for edges in tunings for edge in edges)
    common = [edge for edge, count in counts.items() if 2 * count >= len(tunings)]
    return min(common, key=lambda edge: (-counts[edge], edge), default=None)


@dataclass(frozen=True)
class Standing:
    """One of the two sides of a comparison, as far as the rules on verdicts go.

    Attributes:
        name: for people.
        results: independent results: of tunings where it was tuned, else of seeds.
        planned: results that its plan declares; 0 where nothing declares them.
        settings: settings that each tuning tried; 0 where it was not tuned.
        exhausted: these are all settings of its space, so that no tuning can try more.
        draw: version of the design of the tunings, see ``bench.spec.trial.Tuning``.
        no_result: reason why a report trial has no result (it failed or was skipped).
        edges: of each tuning, the edges at which its choice lies.
        chosen_on_reported_seeds: seeds that chose the setting are among the reported ones.
        sampler: what drew the settings, such as ``sobol``; empty where it was not tuned.
        rerank: settings of each tuning that were tried on one more seed.
    """

    name: str
    results: int = 0
    planned: int = 0
    settings: int = 0
    exhausted: bool = False
    draw: int = DRAW
    no_result: str = ""
    edges: tuple[tuple[Edge, ...], ...] = ()
    chosen_on_reported_seeds: bool = False
    sampler: str = ""
    rerank: int = 0


def find_bar(first: Standing, second: Standing) -> str:
    """Return the reason for no verdict between two sides whatever the outcome; empty for none."""
    return next(_iterate_bars(first, second), "")


def _iterate_bars(first: Standing, second: Standing) -> Iterator[str]:
    """Yield every reason, the one that a person has to mend first at the head."""
    sides = (first, second)
    yield from (side.no_result for side in sides if side.no_result)
    for side in sides:
        if side.chosen_on_reported_seeds:
            yield f"the setting of {side.name} was chosen on seeds that are reported"
    for side in sides:
        if side.settings and side.draw < DRAW:
            yield (
                f"{side.name} was tuned once; a verdict needs {MINIMUM_TUNINGS} tunings or more. "
                f"Run it too, in a new study with hydra/sweeper=study optimizer=…,{side.name}"
            )
    less, more = sorted(sides, key=lambda side: side.settings)
    if less.settings < more.settings and not less.exhausted:
        rest = f"with {less.settings}" if less.settings else "not at all"
        yield (
            f"{more.name} was tuned with {counted(more.settings, 'setting')}, {less.name} {rest}: "
            "only equal tuning can be compared"
        )
    if first.sampler != second.sampler:
        yield (
            f"{first.name} was tuned by tuning.sampler={first.sampler}, {second.name} by "
            f"{second.sampler}: only equal tuning can be compared"
        )
    if first.rerank != second.rerank:
        yield (
            f"{first.name} was tuned with tuning.rerank={first.rerank}, {second.name} with "
            f"{second.rerank}: only equal tuning can be compared"
        )
    for side in sides:
        word, least = ("tuning", MINIMUM_TUNINGS) if side.settings else ("seed", MINIMUM_SEEDS)
        if side.results < side.planned:
            yield f"{side.results} of {counted(side.planned, word)} of {side.name} are done"
        if side.results < least:
            yield f"{counted(side.results, word)} of {side.name}; at least {least} are needed"


def find_edge_objection(loser: Standing) -> str:
    """Return why the loser of a test may not have lost: half of its tunings end at one edge."""
    common = find_common_edge(loser.edges)
    if common is None:
        return ""
    name, end = common
    return (
        f"at least half of the tunings of {loser.name} end at the {end} edge of {name}: widen its "
        "range"
    )
