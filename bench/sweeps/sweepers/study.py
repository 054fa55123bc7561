"""The fair study: tune everybody equally, then measure default and chosen point on fresh seeds.

``hydra/sweeper=study``: for each task and entrant (optimizer × schedule) the same number of points
of its own declared space, chosen on validation; then the reruns, test once. The same command goes
on where it was left.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from bench.spec import RefusedInput, TrialSpec
from bench.sweeps import forecast, preflight, progress, tune
from bench.sweeps.compose import Composer
from bench.sweeps.execute import Outcomes
from bench.sweeps.launchers.base import SpecLauncher
from bench.sweeps.plan import Plan, plan_of
from bench.sweeps.report import check, conclude
from bench.sweeps.resume import refuse_changes
from bench.sweeps.sweepers.grid import combinations
from bench.tracking.uri import check_uri


class StudySweeper(Sweeper):
    """Registered as ``hydra/sweeper=study``.

    Args:
        params: values to sweep over, as on the command line; what stands there wins.
    """

    def __init__(self, params: dict[str, str] | None) -> None:
        self.params = params or {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config: DictConfig = config
        self.config_loader: ConfigLoader = hydra_context.config_loader
        self.chosen_launcher = _launcher(hydra_context, task_function, config)

    def sweep(self, arguments: list[str]) -> list[JobReturn]:
        """Say what will be done, do it, report; ends the process where some trial failed."""
        uri = self.config.tracking.uri
        check_uri(uri)
        plan = self.plan(arguments)
        check(self.config.compare, [plan.reporting(base)[0] for base in plan.bases])
        outcomes = self.run(plan, uri)
        if not self.config.plan:
            config = self.config
            conclude(plan.study, uri, outcomes, report=config.report, compare=config.compare)
        return []

    def plan(self, arguments: list[str]) -> Plan:
        """What the command line asks for, checked."""
        bases = bases_of(self.config_loader, self.config, self.params, arguments)
        tuning: Any = OmegaConf.to_container(self.config.tuning)
        return plan_of(bases, tuning, self.config.reporting.seeds)

    def run(self, plan: Plan, uri: str) -> Outcomes:
        """Everything that is missing; nothing with ``plan=true``."""
        from bench import tracking
        from bench.sweeps import execute

        skipped = preflight.check_trials(plan.bases)
        known = tracking.resume(uri, plan.study)
        refuse_changes(plan, tracking.read(uri, plan.study))
        applies = [base for base in plan.bases if base.config_hash not in skipped]
        outcomes: Outcomes = {}
        for base in plan.bases:
            if base.config_hash in skipped:
                spec = plan.reporting(base)[0]
                if spec.config_hash not in known and not self.config.plan:
                    reason = skipped[base.config_hash]
                    outcomes[spec.config_hash] = spec, execute.skip(spec, uri, reason)
                    progress.say(progress.shown(*outcomes[spec.config_hash]))
        if not applies:
            raise RefusedInput(f"study={plan.study}: {next(iter(skipped.values()))}")
        plan = replace(plan, bases=tuple(applies))
        self._say(plan, known)
        if self.config.plan:
            return outcomes
        tracking.attach_text(uri, plan.study, "plan.json", _as_json(plan))
        return outcomes | self.trials(plan, uri)

    def trials(self, plan: Plan, uri: str) -> Outcomes:
        """Both phases of a study."""
        return tune.run(plan, uri, self.chosen_launcher.run)

    def _say(self, plan: Plan, known: tune.Results) -> None:
        counted = forecast.counts(plan, known)
        expected = None
        if any(count.to_run for count in counted):
            launcher = self.chosen_launcher
            if not self.config.plan:
                launcher.warm_up(plan.bases)
            expected = forecast.seconds(counted, launcher.workers, launcher.stacks)
        for line in forecast.lines(plan, counted, expected):
            progress.say(line)


def bases_of(
    loader: ConfigLoader, config: DictConfig, params: dict[str, str], arguments: list[str]
) -> list[TrialSpec]:
    """One spec a task and entrant, at its default point.

    Raises:
        RefusedInput: a hyperparameter or the seed is swept, or a suite and tasks are given.
    """
    parser = OverridesParser.create(config_loader=loader)
    keys = {}
    for override in parser.parse_overrides(arguments):
        swept = override.is_discrete_sweep() and len(list(override.sweep_string_iterator())) > 1
        keys[override.get_key_element()] = swept or override.is_interval_sweep()
    for key, swept in keys.items():
        if key == "seed" or (swept and key.startswith("optimizer.")):
            raise RefusedInput(
                f"{key}: a study draws hyperparameters from each optimizer's search_space and "
                "takes its seeds from tuning.seeds and reporting.seeds; leave it out"
            )
    jobs = combinations(loader, params, arguments)
    if config.suite:
        if "task" in keys:
            raise RefusedInput("task: suite names the tasks; leave out one of the two")
        suite: Any = OmegaConf.to_container(config.suite)
        jobs = [[f"task={task}", *own, *job] for task, own in suite.items() for job in jobs]
    composer = Composer(loader, config)
    return [composer.spec([*job, "seed=0"]) for job in jobs]


def _launcher(context: HydraContext, task: TaskFunction, config: DictConfig) -> SpecLauncher:
    """A launcher of ours."""
    chosen: Launcher = Plugins.instance().instantiate_launcher(
        hydra_context=context, task_function=task, config=config
    )
    if not isinstance(chosen, SpecLauncher):
        name = config.hydra.runtime.choices["hydra/launcher"]
        raise RefusedInput(
            f"hydra/launcher={name}: a study runs by auto, stacked, joblib or basic; a grid sweep "
            "(hydra/sweeper=basic) by any launcher"
        )
    return chosen


def _as_json(plan: Plan) -> str:
    """What was declared, for ``optbench-status`` and for people."""
    entrants = [
        {
            "task": base.task.name,
            "optimizer": base.optimizer.name,
            "schedule": base.schedule.name,
            "points": plan.points_of(base) * len(plan.repeats_of(base)),
            "space": dict(base.optimizer.search_space),
        }
        for base in plan.bases
    ]
    declared = {key: value for key, value in vars(plan).items() if key != "bases"}
    return json.dumps({**declared, "entrants": entrants}, indent=1)
