"""What a study would do and how long it would take, said before anything trains."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.spec import Budget, Phase, TrialSpec, protocol
from bench.sweeps.plan import Plan
from bench.sweeps.progress import duration
from bench.sweeps.tune import Results, choose, draws_of, selecting

FEW, STEPS = 5, 50
"""Training steps that stand for a trial's time where a step is slow, and where it is not."""
BRIEF = 1.0
"""Seconds; a trial of ``FEW`` steps that takes less says little of the time of a step."""


@dataclass(frozen=True)
class Count:
    """The trials of one entrant on one task.

    Attributes:
        select, report: how many in each phase.
        recorded: how many of them need not run.
    """

    base: TrialSpec
    points: int
    select: int
    report: int
    recorded: int

    @property
    def to_run(self) -> int:
        return self.select + self.report - self.recorded


def counts(plan: Plan, results: Results) -> list[Count]:
    """What each entrant costs, and what of it is recorded."""
    recorded = _recorded(plan, results)
    found = []
    for base in plan.bases:
        tried = plan.points_of(base) * len(plan.repeats_of(base))
        select = tried * plan.tuning_seeds
        report = plan.reporting_seeds * (1 + len(plan.repeats_of(base)))
        found.append(Count(base, tried, select, report, recorded.get(base.config_hash, 0)))
    return found


def _recorded(plan: Plan, results: Results) -> dict[str, int]:
    """Trials of the plan in the record by their base; chosen points once everybody was tried."""
    specs = [(base, spec) for base in plan.bases for spec in plan.reporting(base)]
    for draw in draws_of(plan):
        tried = selecting(plan, [draw])
        specs += [(draw.base, spec) for spec in tried]
        if tried and all(spec.config_hash in results for spec in tried):
            for one in choose(plan, [draw], results):
                chosen = plan.reporting(one.base, one.repeat, one.place, one.point)
                specs += [(one.base, spec) for spec in chosen]
    return _counted(specs, results)


def _counted(specs: Iterable[tuple[TrialSpec, TrialSpec]], results: Results) -> dict[str, int]:
    found: dict[str, int] = {}
    for base, spec in specs:
        if spec.config_hash in results:
            found[base.config_hash] = found.get(base.config_hash, 0) + 1
    return found


def seconds(counted: Sequence[Count], workers: int, stacks: bool) -> float:
    """Expected wall time of what is to run, measured on a few steps of each task and model.

    Args:
        workers: processes that share the work.
        stacks: whether alike trials train at once where that pays.
    """
    groups: dict[str, list[Count]] = {}
    for count in counted:
        groups.setdefault(repr((count.base.task, count.base.model)), []).append(count)
    return sum(_seconds_of(group, workers, stacks) for group in groups.values())


def _seconds_of(group: Sequence[Count], workers: int, stacks: bool) -> float:
    if not any(count.to_run for count in group):
        return 0.0
    base = group[0].base
    step, evaluation, took = _measured(base, FEW)
    if took < BRIEF:  # and now without what is built once a process
        step, evaluation, _ = _measured(base, STEPS)
    alone = 0.0
    for count in group:
        steps, every = count.base.budget.steps, count.base.budget.eval_every
        alone += count.to_run * (step * steps + evaluation * math.ceil(steps / every))
    return alone / max(workers, _gain(group) if stacks else 1.0)


def _measured(base: TrialSpec, most: int) -> tuple[float, float, float]:
    """Seconds of a step, of an evaluation with all else that is no step, and of the short trial
    that they come of."""
    from bench.trial.run import run_trial

    steps = min(most, base.budget.eval_every, base.budget.steps)
    began = time.perf_counter()
    result = run_trial(replace(base, budget=Budget(steps, steps), phase=Phase.SELECT))
    took = time.perf_counter() - began
    training = result.summary.get("train_time_s", took)  # a trial that failed has none
    return training / steps, took - training, took


def _gain(group: Sequence[Count]) -> float:
    from bench.stack.probe import probe
    from bench.stack.stackable import explain_unstackable

    specs = [replace(count.base, seed=seed) for count in group for seed in range(4)]
    stackable = [spec for spec in specs if not explain_unstackable(spec)]
    if len(stackable) < 2:
        return 1.0
    measured = probe(stackable)
    return measured.factor if measured.pays() else 1.0


def lines(plan: Plan, counted: Sequence[Count], expected: float | None) -> list[str]:
    """The plan for people, a line each."""
    rows: list[tuple[str, ...]] = [
        ("task", "entrant", "steps", "points", "select", "report", "recorded")
    ]
    rows += [_row(plan, count) for count in counted]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    table = ["  " + _joined(row, widths) for row in rows]
    total, done = (sum(getattr(c, k) for c in counted) for k in ("to_run", "recorded"))
    seeds = "seed" if plan.reporting_seeds == 1 else "seeds"
    told = f"study {plan.study}: "
    if plan.points:
        repeats = f", {plan.repeats} tunings" if plan.repeats > 1 else ""
        told += (
            f"{plan.points} points by {plan.sampler} on {plan.tuning_seeds} tuning "
            f"seed{'s' * (plan.tuning_seeds > 1)}{repeats}; default and chosen point on "
            f"{plan.reporting_seeds} other {seeds}"
        )
    else:
        told += f"nothing is tuned; the default point on {plan.reporting_seeds} {seeds}"
    time_left = "" if expected is None else f", about {duration(expected)}"
    return [told, *table, f"  {total + done} trials, {done} recorded, {total} to run{time_left}"]


def _row(plan: Plan, count: Count) -> tuple[str, ...]:
    base = count.base
    entrant = protocol.label(base.optimizer.name, base.schedule.name)
    untuned = plan.points > 0 and not base.optimizer.search_space
    points = "no search_space" if untuned else str(count.points)
    numbers = (count.select, count.report, count.recorded)
    return (base.task.name, entrant, str(base.budget.steps), points, *map(str, numbers))


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    cells = [text.ljust(width) for text, width in zip(row[:2], widths, strict=False)]
    cells += [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join(cells)
