"""The sweeper of ``optbench-target``: a study of which only the best point is run again."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from statistics import median
from typing import NamedTuple

from bench.spec import RefusedInput, Target, TrialSpec, point_label, protocol
from bench.sweeps import progress, tune
from bench.sweeps.execute import Outcomes
from bench.sweeps.plan import Plan
from bench.sweeps.sweepers.study import StudySweeper

DIGITS = 3


class Measured(NamedTuple):
    """A target as the procedure measured it.

    Attributes:
        values: final validation values of the reruns.
        by: the setting that was rerun, e.g. ``nadam lr=0.00421``.
    """

    target: Target
    values: Sequence[float]
    by: str
    points: int
    optimizers: int

    @property
    def value(self) -> float:
        """The median, rounded to the easier side."""
        return round_to_easier(median(self.values), self.target.direction)


class TargetSweeper(StudySweeper):
    """Registered as ``hydra/sweeper=target``."""

    def plan(self, arguments: list[str]) -> Plan:
        plan = super().plan(arguments)
        if len({base.task.name for base in plan.bases}) != 1:
            raise RefusedInput("task: a target is measured of one task at a time; give task=NAME")
        return plan

    def run_phases(self, plan: Plan, uri: str, results: tune.Results) -> Outcomes:
        tuned = tune.tune(plan, uri, self.launcher.run, results)
        best = choose_best(tuned.choices)
        chosen = plan.report_trial(best.base, best.repeat, best.point_index, best.point)
        specs = [replace(chosen, seed=s) for s in protocol.default_seeds(plan.reporting_seeds)]
        outcomes = tune.rerun(specs, uri, self.launcher.run, tuned.results)
        target = best.base.task.target_metric
        measured = Measured(
            target,
            [outcomes[one.config_hash][1].final_value(f"val/{target.metric}") for one in specs],
            f"{best.base.optimizer.name} {point_label(best.point)}",
            plan.points,
            len(plan.bases),
        )
        for line in describe(best.base, measured, date.today()):
            progress.say(line)
        return tuned.outcomes | outcomes

    def say_plan(self, plan: Plan, results: tune.Results) -> None:
        tried = sum(plan.points_of(base) * len(plan.repeats_of(base)) for base in plan.bases)
        progress.say(
            f"target of {plan.bases[0].task.name}: {tried} points of {len(plan.bases)} optimizers, "
            f"then the best on {plan.reporting_seeds} seeds"
        )


def choose_best(choices: Sequence[tune.Choice]) -> tune.Choice:
    """Choose the best of all tunings on validation.

    Raises:
        RefusedInput: nothing was tuned, or no trial finished.
    """
    if not choices or all(math.isnan(one.value) for one in choices):
        raise RefusedInput(
            "no trial of any point finished, so there is no target; raise tuning.trials, or choose "
            "optimizers that declare a search_space"
        )
    direction = choices[0].base.task.target_metric.direction
    return choices[protocol.choose_point([[one.value] for one in choices], direction)]


def round_to_easier(value: float, direction: str) -> float:
    """Round to three digits: down where more is better, else up."""
    if value == 0 or not math.isfinite(value):
        return value
    scale = 10.0 ** (DIGITS - 1 - math.floor(math.log10(abs(value))))
    rounded = math.floor if direction == "maximize" else math.ceil
    return rounded(value * scale) / scale


def describe(base: TrialSpec, measured: Measured, today: date) -> list[str]:
    """Return the target and the lines for the task's YAML, or the reason for no target."""
    if not all(map(math.isfinite, measured.values)):
        return [f"no target: not every seed of {measured.by} finished"]
    low, high = min(measured.values), max(measured.values)
    comment = (
        f"validation. Measured {today}: median of {len(measured.values)} seeds "
        f"({low:.4g} to {high:.4g}) of {measured.by}, the best of {measured.optimizers} optimizers "
        f"x {measured.points} points"
    )
    start = f"  target: {measured.value:g}".ljust(24) + "# "
    return [
        f"{base.task.name}: target {measured.value:g} ({measured.target.metric})",
        f"to use it, write in {base.task.path}, under task:",
        *textwrap.wrap(comment, 100, initial_indent=start, subsequent_indent=" " * 24 + "# "),
    ]
