"""What ``optbench-target`` does: a study of which only the best point is run again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.spec import RefusedInput, Target, TrialSpec, point_label, protocol
from bench.sweeps import progress, tune
from bench.sweeps.execute import Outcomes
from bench.sweeps.plan import Plan
from bench.sweeps.sweepers.study import StudySweeper

DIGITS = 3
LINE = re.compile(r"^( +)target:.*\n(?:^ +#.*\n)*", re.MULTILINE)
"""A task's target with the comment that goes on below it."""


class Measured(NamedTuple):
    """A target as the procedure found it.

    Attributes:
        values: final validation values of the reruns.
        by: what they are of, e.g. ``nadam lr=0.00421``.
    """

    target: Target
    values: Sequence[float]
    by: str
    points: int
    optimizers: int

    @property
    def value(self) -> float:
        """The median, rounded to the easier side."""
        return eased(median(self.values), self.target.direction)


class TargetSweeper(StudySweeper):
    """Registered as ``hydra/sweeper=target``."""

    def plan(self, arguments: list[str]) -> Plan:
        plan = super().plan(arguments)
        if len({base.task.name for base in plan.bases}) != 1:
            raise RefusedInput("task: a target is measured of one task at a time; give task=NAME")
        return plan

    def trials(self, plan: Plan, uri: str) -> Outcomes:
        from bench import tracking

        chosen, outcomes = tune.tuned(plan, uri, self.chosen_launcher.run)
        best = best_of(chosen)
        specs = plan.reporting(best.base, best.repeat, best.place, best.point)
        outcomes |= tune.rerun(specs, uri, self.chosen_launcher.run)
        results = tracking.read_results(uri, plan.study)
        target = best.base.task.target_metric
        measured = Measured(
            target,
            [results[one.config_hash].final_value(f"val/{target.metric}") for one in specs],
            f"{best.base.optimizer.name} {point_label(best.point)}",
            plan.points,
            len(plan.bases),
        )
        _conclude(best.base, measured)
        return outcomes

    def _say(self, plan: Plan, known: tune.Results) -> None:
        tried = sum(plan.points_of(base) * len(plan.repeats_of(base)) for base in plan.bases)
        progress.say(
            f"target of {plan.bases[0].task.name}: {tried} points of {len(plan.bases)} optimizers, "
            f"then the best on {plan.reporting_seeds} seeds"
        )


def best_of(chosen: Sequence[tune.Chosen]) -> tune.Chosen:
    """The best of what each tuning chose, on validation.

    Raises:
        RefusedInput: nothing was tuned, or no trial finished.
    """
    if not chosen or all(math.isnan(one.value) for one in chosen):
        raise RefusedInput(
            "no trial of any point finished, so there is no target; raise tuning.trials, or choose "
            "optimizers that declare a search_space"
        )
    direction = chosen[0].base.task.target_metric.direction
    return min(chosen, key=lambda one: protocol.preference([one.value], direction))


def eased(value: float, direction: str) -> float:
    """Rounded to three digits: down where more is better, else up."""
    if value == 0 or not math.isfinite(value):
        return value
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(value))))
    rounded = math.floor if direction == "maximize" else math.ceil
    return rounded(value * scale) / scale


def comment(measured: Measured, today: date) -> str:
    """``validation. Measured 2026-11-26: …``, for beside the value."""
    low, high = min(measured.values), max(measured.values)
    return (
        f"validation. Measured {today}: median of {len(measured.values)} seeds "
        f"({low:.4g} to {high:.4g}) of {measured.by}, the best of {measured.optimizers} optimizers "
        f"x {measured.points} points"
    )


def written(yaml: str, value: float, said: str) -> str:
    """A task's YAML with another target; its comment is broken at 100 columns.

    Raises:
        ValueError: it has no line ``target:`` in its block.
    """
    if len(LINE.findall(yaml)) != 1:
        raise ValueError("no line, or several, 'target: VALUE'")

    def line(found: re.Match[str]) -> str:
        start = f"{found[1]}target: {value:g}".ljust(24)
        lines, room = [start + "#"], " " * 24 + "#"
        for word in said.split():
            if len(lines[-1]) + 1 + len(word) > 100:
                lines.append(room)
            lines[-1] += f" {word}"
        return "\n".join(lines) + "\n"

    return LINE.sub(line, yaml)


def _conclude(base: TrialSpec, measured: Measured) -> None:
    """Write the target, or say it where it cannot be written."""
    said = comment(measured, date.today())
    if not all(map(math.isfinite, measured.values)):
        progress.say(f"no target: not every seed of {measured.by} finished")
        return
    progress.say(f"{base.task.name}: target {measured.value:g} ({measured.target.metric})")
    progress.say(said)
    path = Path(base.task.path)
    try:
        path.write_text(written(path.read_text("utf-8"), measured.value, said), "utf-8")
        progress.say(f"{path}: written")
    except (OSError, ValueError) as error:
        progress.say(f"{path}: not written ({error}); put it there yourself")
