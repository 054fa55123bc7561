"""The forecast of a study before it trains: its trials and its time."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.spec import Budget, Phase, TrialSpec, protocol
from bench.stack import heuristics
from bench.sweeps.plan import Plan
from bench.sweeps.progress import format_duration
from bench.sweeps.tune import Results, choose, list_selections, make_draws


@dataclass(frozen=True)
class Count:
    """The trials of one entrant on one task.

    Attributes:
        select, report: trials in each phase.
        recorded: those of them that need not run.
    """

    base: TrialSpec
    points: int
    select: int
    report: int
    recorded: int

    @property
    def to_run(self) -> int:
        return self.select + self.report - self.recorded


def count_trials(plan: Plan, results: Results) -> list[Count]:
    """Count each entrant's trials, and those of them that are recorded."""
    recorded = _count_recorded(plan, results)
    counts = []
    for base in plan.bases:
        tried = plan.points_of(base) * len(plan.repeats_of(base))
        select = tried * plan.tuning_seeds
        report = plan.reporting_seeds + len(plan.repeats_of(base))
        counts.append(Count(base, tried, select, report, recorded.get(base.config_hash, 0)))
    return counts


def _count_recorded(plan: Plan, results: Results) -> dict[str, int]:
    """Count a plan's stored results by base; those of a chosen point once all points were tried."""
    specs = [(base, spec) for base in plan.bases for spec in plan.default_trials(base)]
    for draw in make_draws(plan):
        tried = list_selections(plan, [draw])
        specs += [(draw.base, spec) for spec in tried]
        if tried and all(spec.config_hash in results for spec in tried):
            for one in choose(plan, [draw], results):
                chosen = plan.report_trial(one.base, one.repeat, one.point_index, one.point)
                specs.append((one.base, chosen))
    return Counter(base.config_hash for base, spec in specs if spec.config_hash in results)


def estimate_seconds(counts: Sequence[Count], workers: int, stacks: bool) -> float:
    """Estimate the wall time of what is to run from a few steps of each task and model.

    Args:
        workers: processes that share the work.
        stacks: alike trials train at once where that is faster.
    """
    groups: dict[str, list[Count]] = {}
    for count in counts:
        groups.setdefault(repr((count.base.task, count.base.model)), []).append(count)
    return sum(_estimate_group(group, workers, stacks) for group in groups.values())


def _estimate_group(group: Sequence[Count], workers: int, stacks: bool) -> float:
    if not any(count.to_run for count in group):
        return 0.0
    base = group[0].base
    step, evaluation, took = _measure(base, heuristics.FEW_STEPS)
    if took < heuristics.BRIEF_S:  # and now without what is built once a process
        step, evaluation, _ = _measure(base, heuristics.MORE_STEPS)
    alone = 0.0
    for count in group:
        steps, every = count.base.budget.steps, count.base.budget.eval_every
        alone += count.to_run * (step * steps + evaluation * math.ceil(steps / every))
    return alone / max(workers, _measure_gain(group) if stacks else 1.0)


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


def format_plan(plan: Plan, counts: Sequence[Count], expected: float | None) -> list[str]:
    """Return the plan as lines for people."""
    rows: list[tuple[str, ...]] = [
        ("task", "entrant", "steps", "points", "select", "report", "recorded")
    ]
    rows += [_make_row(plan, count) for count in counts]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    table = ["  " + _align(row, widths) for row in rows]
    total, done = (sum(getattr(c, k) for c in counts) for k in ("to_run", "recorded"))
    seeds = "seed" if plan.reporting_seeds == 1 else "seeds"
    head = f"study {plan.study}: "
    if plan.points:
        repeats = f", {plan.repeats} tunings" if plan.repeats > 1 else ""
        head += (
            f"{plan.points} points by {plan.sampler} on {plan.tuning_seeds} tuning "
            f"seed{'s' * (plan.tuning_seeds > 1)}{repeats}; default and chosen point on "
            f"{plan.reporting_seeds} other {seeds}"
        )
    else:
        head += f"nothing is tuned; the default point on {plan.reporting_seeds} {seeds}"
    time_left = "" if expected is None else f", about {format_duration(expected)}"
    return [head, *table, f"  {total + done} trials, {done} recorded, {total} to run{time_left}"]


def _make_row(plan: Plan, count: Count) -> tuple[str, ...]:
    base = count.base
    entrant = protocol.label(base.optimizer.name, base.schedule.name)
    untuned = plan.points > 0 and not base.optimizer.search_space
    points = "no search_space" if untuned else str(count.points)
    numbers = (count.select, count.report, count.recorded)
    return (base.task.name, entrant, str(base.budget.steps), points, *map(str, numbers))


def _align(row: Sequence[str], widths: Sequence[int]) -> str:
    """Align names to the left, numbers to the right."""
    cells = [text.ljust(width) for text, width in zip(row[:2], widths, strict=False)]
    cells += [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join(cells)
