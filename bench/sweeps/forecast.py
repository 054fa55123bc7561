"""The forecast of a study before it trains: its trials and its time."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bench.spec import Budget, Phase, TrialSpec, protocol
from bench.spec.printable import counted
from bench.stack import heuristics
from bench.sweeps.plan import Plan
from bench.sweeps.progress import format_duration
from bench.sweeps.search import ADAPTIVE
from bench.sweeps.tune import Results, choose, find_best, list_selections, make_draws


class Phases(NamedTuple):
    """Numbers of trials, or seconds, by phase: tuning, reporting of choices, and defaults."""

    tuning: float = 0
    reporting: float = 0
    defaults: float = 0

    def by_record(self) -> dict[str, float]:
        """Return them by the phase of their records: a default is reported, too."""
        return {"select": self.tuning, "report": self.reporting + self.defaults}


@dataclass(frozen=True)
class Count:
    """The trials of one entrant on one task.

    Attributes:
        trials: of each phase.
        recorded: those of them that need not run.
    """

    base: TrialSpec
    trials: Phases
    recorded: Phases = field(default_factory=Phases)

    @property
    def to_run(self) -> Phases:
        return Phases(*(all_ - done for all_, done in zip(self.trials, self.recorded, strict=True)))


def count_trials(plan: Plan, results: Results) -> list[Count]:
    """Count each entrant's trials, and those of them that are recorded."""
    recorded = _count_recorded(plan, results)
    return [
        Count(base, count_phases(plan, base), recorded.get(base.config_hash, Phases()))
        for base in plan.bases
    ]


def count_phases(plan: Plan, base: TrialSpec) -> Phases:
    """Count the trials of one entrant on one task."""
    tunings = len(plan.repeats_of(base))
    if plan.sampler in ADAPTIVE:
        settings = [plan.points_of(base)] * tunings
    else:  # a small space may have fewer than a tuning may try
        settings = [len(draw.points) for draw in make_draws(replace(plan, bases=(base,)))]
    again = sum(min(plan.rerank, count) for count in settings)
    return Phases(sum(settings) * plan.tuning_seeds + again, tunings, plan.reporting_seeds)


def _count_recorded(plan: Plan, results: Results) -> dict[str, Phases]:
    """Count a plan's stored results by base; those of a chosen point once all points were tried."""
    counts = {
        base.config_hash: {"defaults": _count_stored(plan.default_trials(base), results)}
        for base in plan.bases
    }
    tried: Counter[str] = Counter()
    reported: Counter[str] = Counter()
    for draw in make_draws(plan):
        key, specs = draw.base.config_hash, list_selections(plan, [draw])
        stored = _count_stored(specs, results)
        if plan.rerank and specs and stored == len(specs):
            draw.again = find_best(plan, draw, results)
            specs = list_selections(plan, [draw])
            stored = _count_stored(specs, results)
        tried[key] += stored
        if specs and stored == len(specs):
            for one in choose(plan, [draw], results):
                chosen = plan.report_trial(one.base, one.repeat, one.point_index, one.point)
                reported[key] += _count_stored([chosen], results)
    return {key: Phases(tried[key], reported[key], **own) for key, own in counts.items()}


def _count_stored(specs: Iterable[TrialSpec], results: Results) -> int:
    return sum(spec.config_hash in results for spec in specs)


def estimate_seconds(counts: Sequence[Count], workers: int, stacks: bool) -> Phases:
    """Estimate the wall time of what is to run from a few steps of each task and model.

    Args:
        workers: processes that share the work.
        stacks: alike trials train at once where that is faster.
    """
    groups: dict[str, list[Count]] = {}
    for count in counts:
        groups.setdefault(repr((count.base.task, count.base.model)), []).append(count)
    seconds = [_estimate_group(group, workers, stacks) for group in groups.values()]
    return _add(seconds)


def _add(all_: Iterable[Phases]) -> Phases:
    return Phases(*map(sum, zip(*all_, strict=True)))


def _estimate_group(group: Sequence[Count], workers: int, stacks: bool) -> Phases:
    if not any(sum(count.to_run) for count in group):
        return Phases()
    base = group[0].base
    step, evaluation, took = _measure(base, heuristics.FEW_STEPS)
    if took < heuristics.BRIEF_S:  # and now without what is built once a process
        step, evaluation, _ = _measure(base, heuristics.MORE_STEPS)
    share = max(workers, _measure_gain(group) if stacks else 1.0)
    seconds = []
    for count in group:
        steps, every = count.base.budget.steps, count.base.budget.eval_every
        alone = step * steps + evaluation * math.ceil(steps / every)
        seconds.append(Phases(*(trials * alone / share for trials in count.to_run)))
    return _add(seconds)


def _measure(base: TrialSpec, steps: int) -> tuple[float, float, float]:
    """Measure seconds of a step, of an evaluation with all else, and of the short trial itself."""
    from bench.trial.run import run_trial  # torch: a finished study needs none

    steps = min(steps, base.budget.eval_every, base.budget.steps)
    began = time.perf_counter()
    result = run_trial(replace(base, budget=Budget(steps, steps), phase=Phase.SELECT))
    took = time.perf_counter() - began
    training = result.summary.get("train_time_s", took)  # a trial that failed has none
    return training / steps, took - training, took


def _measure_gain(group: Sequence[Count]) -> float:
    from bench.stack.probe import probe  # torch, as above
    from bench.stack.stackable import explain_unstackable

    specs = [replace(count.base, seed=seed) for count in group for seed in range(4)]
    stackable = [spec for spec in specs if not explain_unstackable(spec)]
    if len(stackable) < 2:
        return 1.0
    gain = probe(stackable)
    return gain.factor if gain.pays() else 1.0


def format_plan(
    plan: Plan, counts: Sequence[Count], expected: Phases | None, prospects: Sequence[str]
) -> list[str]:
    """Return the plan as lines for people.

    Args:
        expected: seconds of each phase; None where nothing is to run.
        prospects: lines on what the study will be able to show.
    """
    rows: list[tuple[str, ...]] = [HEAD, *(_make_row(plan, count) for count in counts)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    table = ["  " + _align(row, widths) for row in rows]
    return [_format_head(plan), *table, *_format_costs(counts, expected), *prospects]


HEAD = (
    *("task", "entrant", "steps", "settings", "tunings", "tuning", "reporting", "defaults"),
    "recorded",
)


def _format_head(plan: Plan) -> str:
    seeds = counted(plan.reporting_seeds, "seed")
    if not plan.points:
        return f"study {plan.study}: nothing is tuned; defaults on {seeds}"
    usual, most = plan.repeats, max(len(plan.repeats_of(base)) for base in plan.bases)
    reference = plan.bases[0].origin.reference
    more = f" ({most} of {reference})" if most > usual else ""
    tried = f", each on {counted(plan.tuning_seeds, 'seed')}" if plan.tuning_seeds > 1 else ""
    tried += f", the best {plan.rerank} on one more seed" if plan.rerank else ""
    return (
        f"study {plan.study}: {counted(usual, 'tuning')} of every optimizer{more}; "
        f"{counted(plan.points, 'setting')} a tuning, by {plan.sampler}{tried}; defaults on {seeds}"
    )


def _format_costs(counts: Sequence[Count], expected: Phases | None) -> list[str]:
    """Return trials and time, all together and by phase."""
    trials, left = _add(count.trials for count in counts), _add(count.to_run for count in counts)
    time_left = "" if expected is None else f", about {format_duration(sum(expected))}"
    whole, missing = sum(trials), sum(left)
    total = f"  {whole} trials, {whole - missing} recorded, {missing} to run{time_left}"
    parts = []
    for at, name in enumerate(Phases._fields):
        if trials[at]:
            took = f", about {format_duration(expected[at])}" if expected and left[at] else ""
            parts.append(f"{name} {counted(trials[at], 'trial')}{took}")
    return [total, f"  {'; '.join(parts)}"]


def _make_row(plan: Plan, count: Count) -> tuple[str, ...]:
    base, trials = count.base, count.trials
    entrant = protocol.label(base.optimizer.name, base.schedule.name)
    untuned = plan.points > 0 and not base.optimizer.search_space
    settings = "no search_space" if untuned else str(plan.points_of(base))
    numbers = (len(plan.repeats_of(base)), *trials, sum(count.recorded))
    return (base.task.name, entrant, str(base.budget.steps), settings, *map(str, numbers))


def _align(row: Sequence[str], widths: Sequence[int]) -> str:
    """Align names to the left, numbers to the right."""
    cells = [text.ljust(width) for text, width in zip(row[:2], widths, strict=False)]
    cells += [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join(cells)
