"""The two phases of a fair study: try the points of every entrant, then report the chosen ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from bench.spec import Status, TrialResult, TrialSpec, point_label, protocol
from bench.sweeps import batch, progress, search
from bench.sweeps.display import display
from bench.sweeps.execute import Outcomes
from bench.sweeps.launchers.base import Launch
from bench.sweeps.plan import Plan

Results = Mapping[str, TrialResult]
"""What the record holds of a study, by ``config_hash``, without curves."""


class Chosen(NamedTuple):
    """The point that one tuning of one entrant chose; ``value`` is NaN where no trial finished."""

    base: TrialSpec
    repeat: int
    place: int
    point: Mapping[str, Any]
    value: float


@dataclass
class Draw:
    """One tuning of one entrant: its points so far, and from where the next one comes."""

    base: TrialSpec
    repeat: int
    points: list[dict[str, Any]] = field(default_factory=list)
    adaptive: search.Adaptive | None = None


def run(plan: Plan, uri: str, launch: Launch) -> Outcomes:
    """Tune everybody, choose on validation, report on fresh seeds; resumes where it was left.

    Returns:
        How each trial ended, by ``config_hash``.

    Raises:
        RefusedInput: a trial cannot be built; nothing has trained.
    """
    chosen, outcomes = tuned(plan, uri, launch)
    return outcomes | rerun(reporting(plan, chosen), uri, launch)


def tuned(plan: Plan, uri: str, launch: Launch) -> tuple[list[Chosen], Outcomes]:
    """The first phase: each tuning's choice, and how its trials ended."""
    draws = draws_of(plan)
    outcomes: Outcomes = {}
    if plan.sampler in search.ADAPTIVE:
        for _ in range(plan.points):
            _ask(plan, draws, uri)
            outcomes |= _run("tuning", selecting(plan, draws), uri, launch)
    else:
        outcomes |= _run("tuning", selecting(plan, draws), uri, launch)
    chosen = choose(plan, draws, _results(plan, uri))
    for one in chosen:
        progress.say(_said(one))
    return chosen, outcomes


def rerun(specs: Sequence[TrialSpec], uri: str, launch: Launch) -> Outcomes:
    """The second phase: trials on seeds that chose nothing."""
    return _run("reporting", specs, uri, launch)


def draws_of(plan: Plan) -> list[Draw]:
    """Every tuning of the plan, with its points where they follow from the space alone."""
    draws = []
    for base in plan.bases:
        for repeat in plan.repeats_of(base):
            space = base.optimizer.search_space
            source = search.Source(space, plan.sampler, plan.seed, repeat)
            if plan.sampler in search.FIXED:
                draws.append(Draw(base, repeat, search.points(source, plan.points)))
            else:
                direction = base.task.target_metric.direction
                direction = "minimize" if plan.rank != "final" else direction
                draws.append(Draw(base, repeat, adaptive=search.OptunaDraw(source, direction)))
    return draws


def choose(plan: Plan, draws: Sequence[Draw], results: Results) -> list[Chosen]:
    """Each tuning's best point on validation, by the protocol's rule; the test split has no say."""
    found = []
    for draw in draws:
        direction = draw.base.task.target_metric.direction
        tried = [_tried(plan, draw, index, results) for index in range(len(draw.points))]
        finals = [[final for final, _ in trials] for trials in tried]
        steps = [[steps for _, steps in trials] for trials in tried]
        best = protocol.chosen(finals, direction, steps if plan.rank != "final" else None)
        value = math.fsum(finals[best]) / len(finals[best])
        found.append(Chosen(draw.base, draw.repeat, best, draw.points[best], value))
    return found


def reporting(plan: Plan, chosen: Sequence[Chosen]) -> list[TrialSpec]:
    """The reruns: everybody's default, then the chosen points."""
    default = [spec for base in plan.bases for spec in plan.reporting(base)]
    return default + [
        spec
        for one in chosen
        for spec in plan.reporting(one.base, one.repeat, one.place, one.point)
    ]


def _ask(plan: Plan, draws: Sequence[Draw], uri: str) -> None:
    """The next point of every draw that looks at results, after it was told the last one's."""
    results = _results(plan, uri)
    for draw in draws:
        assert draw.adaptive is not None
        if draw.points:
            trials = _tried(plan, draw, len(draw.points) - 1, results)
            values = [final if plan.rank == "final" else steps for final, steps in trials]
            value = math.fsum(values) / len(values)
            draw.adaptive.tell(value if math.isfinite(value) else math.nan)
        draw.points.append(draw.adaptive.ask())


def selecting(plan: Plan, draws: Sequence[Draw]) -> list[TrialSpec]:
    """The trials that try the points drawn so far."""
    return [
        spec
        for draw in draws
        for index, point in enumerate(draw.points)
        for spec in plan.selecting(draw.base, draw.repeat, index, point)
    ]


def _run(phase: str, specs: Sequence[TrialSpec], uri: str, launch: Launch) -> Outcomes:
    if not specs:
        return {}
    return batch.run(specs, uri, launch, telling=partial(display, phase))


def _results(plan: Plan, uri: str) -> Results:
    from bench import tracking

    return tracking.read_results(uri, plan.study)


def _tried(plan: Plan, draw: Draw, index: int, results: Results) -> list[tuple[float, float]]:
    """Final validation value and steps to target of a point's trials; NaN where one did not end."""
    found = []
    metric = f"val/{draw.base.task.target_metric.metric}"
    for spec in plan.selecting(draw.base, draw.repeat, index, draw.points[index]):
        result = results.get(spec.config_hash)
        if result is None or result.status is not Status.FINISHED:
            found.append((math.nan, math.nan))
        else:
            steps = result.summary.get("steps_to_target", math.inf)
            found.append((result.final_value(metric), steps))
    return found


def _said(one: Chosen) -> str:
    """``digits · adam: chose lr=0.00421 (point 3), val/accuracy 0.9833 after 1000 steps``."""
    metric = one.base.task.target_metric.metric
    again = f" (tuning {one.repeat + 1})" if one.repeat else ""
    value = "no trial of any point finished" if math.isnan(one.value) else f"{one.value:.4f}"
    entrant = protocol.label(one.base.optimizer.name, one.base.schedule.name)
    return (
        f"{one.base.task.name} · {entrant}{again}: chose {point_label(one.point)} "
        f"(point {one.place + 1}), val/{metric} {value} after {one.base.budget.steps} steps"
    )
