"""The two phases of a fair study: tune every entrant, then report what each tuning chose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from bench import tracking
from bench.spec import Status, TrialResult, TrialSpec, point_label, protocol
from bench.sweeps import batch, progress, search
from bench.sweeps.display import show_phase
from bench.sweeps.execute import Outcomes
from bench.sweeps.launchers.base import Launch
from bench.sweeps.plan import Plan
from bench.sweeps.resume import select_results

Results = Mapping[str, TrialResult]
"""Stored results of a study by ``config_hash``, without curves."""


class Choice(NamedTuple):
    """The setting that one tuning chose; ``value`` is NaN where a trial of it did not finish."""

    base: TrialSpec
    repeat: int
    point_index: int
    point: Mapping[str, Any]
    value: float


@dataclass
class Draw:
    """One tuning of one entrant: its settings so far, and the source of the next one.

    Attributes:
        again: indices of the settings that are tried on one more seed.
    """

    base: TrialSpec
    repeat: int
    points: list[dict[str, Any]] = field(default_factory=list)
    adaptive: search.Adaptive | None = None
    again: tuple[int, ...] = ()


class Tuned(NamedTuple):
    """The end of the first phase: choices, ends of its trials, and all results of the study."""

    choices: list[Choice]
    outcomes: Outcomes
    results: Results


def run(plan: Plan, uri: str, launch: Launch, results: Results) -> Outcomes:
    """Tune every entrant, choose on validation, report on fresh seeds.

    Args:
        results: what the study has stored so far; the store is read once more after each phase.

    Returns:
        How each trial ended, by ``config_hash``.

    Raises:
        RefusedInput: a trial cannot be built; nothing has trained.
    """
    tuned = tune(plan, uri, launch, results)
    specs = list_reports(plan, tuned.choices)
    return tuned.outcomes | rerun(specs, uri, launch, tuned.results)


def tune(plan: Plan, uri: str, launch: Launch, results: Results) -> Tuned:
    """Run the first phase; an adaptive sampler takes one turn a setting, a second look one more."""
    draws = make_draws(plan)
    outcomes: Outcomes = {}
    turns = plan.points if plan.sampler in search.ADAPTIVE else 1
    for turn in range(turns + (plan.rerank > 0)):
        if turn == turns:
            for draw in draws:
                draw.again = find_best(plan, draw, results)
        elif plan.sampler in search.ADAPTIVE:
            _ask(plan, draws, results)
        specs = list_selections(plan, draws)
        if specs:
            outcomes |= _run("tuning", specs, uri, launch, results)
            results = select_results(tracking.resume(uri, plan.study).records)
    choices = choose(plan, draws, results)
    for base in plan.bases:
        if own := [choice for choice in choices if choice.base is base]:
            progress.say(_describe(plan, own))
    return Tuned(choices, outcomes, results)


def rerun(specs: Sequence[TrialSpec], uri: str, launch: Launch, results: Results) -> Outcomes:
    """Run the second phase: trials on seeds that chose nothing."""
    return _run("reporting", specs, uri, launch, results) if specs else {}


def _run(
    phase: str, specs: Sequence[TrialSpec], uri: str, launch: Launch, results: Results
) -> Outcomes:
    show = partial(show_phase, phase)
    return batch.run(specs, uri, launch, make_callback=show, stored=results)


def make_draws(plan: Plan) -> list[Draw]:
    """Make every tuning of the plan, with its settings where they depend on no result."""
    draws = []
    for base in plan.bases:
        for repeat in plan.repeats_of(base):
            source = search.Source(base, plan.sampler, plan.seed, repeat)
            if plan.sampler in search.FIXED:
                draws.append(Draw(base, repeat, search.draw_settings(source, plan.points)))
            else:
                direction = base.task.target_metric.direction
                direction = "minimize" if plan.rank != "final" else direction
                draws.append(Draw(base, repeat, adaptive=search.OptunaDraw(source, direction)))
    return draws


def choose(plan: Plan, draws: Sequence[Draw], results: Results) -> list[Choice]:
    """Choose each tuning's setting on validation by ``protocol.choose_point``."""
    choices = []
    for draw in draws:
        direction = draw.base.task.target_metric.direction
        tried = [_measure_point(plan, draw, at, results) for at in range(len(draw.points))]
        values = [[value for value, _ in trials] for trials in tried]
        steps = [[steps for _, steps in trials] for trials in tried]
        best = protocol.choose_point(values, direction, steps if plan.rank != "final" else None)
        mean = math.fsum(values[best]) / len(values[best])
        choices.append(Choice(draw.base, draw.repeat, best, draw.points[best], mean))
    return choices


def find_best(plan: Plan, draw: Draw, results: Results) -> tuple[int, ...]:
    """Find the settings of a tuning that are tried again, by index: its best ones so far."""
    tried = [_measure_point(plan, draw, at, results) for at in range(len(draw.points))]
    values = [[value for value, _ in trials] for trials in tried]
    steps = [[steps for _, steps in trials] for trials in tried]
    direction = draw.base.task.target_metric.direction
    order = protocol.order_points(values, direction, steps if plan.rank != "final" else None)
    return tuple(order[: plan.rerank])


def list_reports(plan: Plan, choices: Sequence[Choice]) -> list[TrialSpec]:
    """List the trials of the second phase: every default, then the choice of each tuning."""
    default = [spec for base in plan.bases for spec in plan.default_trials(base)]
    return default + [
        plan.report_trial(one.base, one.repeat, one.point_index, one.point) for one in choices
    ]


def list_selections(plan: Plan, draws: Sequence[Draw]) -> list[TrialSpec]:
    """List the trials that try the settings drawn so far."""
    return [
        spec
        for draw in draws
        for index in range(len(draw.points))
        for spec in _list_trials(plan, draw, index)
    ]


def _ask(plan: Plan, draws: Sequence[Draw], results: Results) -> None:
    """Tell every adaptive draw the value of its last setting, and ask it for the next one."""
    for draw in draws:
        assert draw.adaptive is not None
        if draw.points:
            trials = _measure_point(plan, draw, len(draw.points) - 1, results)
            values = [value if plan.rank == "final" else steps for value, steps in trials]
            mean = math.fsum(values) / len(values)
            draw.adaptive.tell(mean if math.isfinite(mean) else math.nan)
        draw.points.append(draw.adaptive.ask())


def _measure_point(
    plan: Plan, draw: Draw, index: int, results: Results
) -> list[tuple[float, float]]:
    """Return final validation value and steps to target of each trial; NaN if unfinished."""
    metric = f"val/{draw.base.task.target_metric.metric}"
    measured = []
    for spec in _list_trials(plan, draw, index):
        result = results.get(spec.config_hash)
        if result is None or result.status is not Status.FINISHED:
            measured.append((math.nan, math.nan))
        else:
            steps = result.summary.get("steps_to_target", math.inf)
            measured.append((result.final_value(metric), steps))
    return measured


def _list_trials(plan: Plan, draw: Draw, index: int) -> list[TrialSpec]:
    """List the trials of one setting of a tuning."""
    again, point = index in draw.again, draw.points[index]
    return plan.selection_trials(draw.base, draw.repeat, index, point, again=again)


def _describe(plan: Plan, choices: Sequence[Choice]) -> str:
    """Return ``digits · adam: 2 of 10 tunings chose the default, val/accuracy 0.97 to 0.98``.

    A single tuning names its setting.
    """
    base = choices[0].base
    entrant = protocol.label(base.optimizer.name, base.schedule.name)
    values = sorted(choice.value for choice in choices if not math.isnan(choice.value))
    ends = {f"{one:.4g}": None for one in (*values[:1], *values[-1:])}
    if len(choices) == 1:
        chosen = f"chose {point_label(choices[0].point)} of {plan.points} settings"
    else:
        defaults = sum(choice.point_index == 0 for choice in choices)
        chosen = f"{defaults} of {len(choices)} tunings chose the default"
    metric = f"val/{base.task.target_metric.metric} {' to '.join(ends)}"
    value = f"{metric} after {base.budget.steps} steps" if ends else "no trial finished"
    return f"{base.task.name} · {entrant}: {chosen}, {value}"
