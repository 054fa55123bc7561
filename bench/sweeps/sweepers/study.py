"""The fair study: tune every entrant equally, then measure default and chosen point on fresh seeds.

``hydra/sweeper=study``: for each task and entrant (optimizer × schedule) the same number of points
of its own declared space, chosen on validation; then the reruns, with one test each. The same
command continues an interrupted study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from bench import tracking
from bench.config.limits import check_words
from bench.spec import RefusedInput, TrialRecord, TrialSpec, digest, protocol
from bench.sweeps import execute, forecast, progress, tune
from bench.sweeps.compose import Composer
from bench.sweeps.execute import Outcomes
from bench.sweeps.launchers.base import SpecLauncher
from bench.sweeps.plan import Plan, make_plan
from bench.sweeps.preflight import check_trials
from bench.sweeps.prospects import describe_prospects
from bench.sweeps.reference import declare_reference
from bench.sweeps.report import check_baseline, finish_sweep
from bench.sweeps.resume import (
    compare_plans,
    describe_plan,
    refuse_changes,
    select_results,
)
from bench.sweeps.sweepers.grid import SpecSweeper, count_values, list_combinations
from bench.tracking.uri import check_uri


class StudySweeper(SpecSweeper):
    """Registered as ``hydra/sweeper=study``.

    Args:
        params: values to sweep over, as on the command line; what stands there wins.
    """

    launcher: SpecLauncher
    beside: Sequence[TrialRecord] = ()
    """Trials of the baseline beside the study."""
    known: Sequence[TrialRecord] = ()
    """Trials of the study so far."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if not isinstance(self.launcher, SpecLauncher):
            name = config.hydra.runtime.choices["hydra/launcher"]
            raise RefusedInput(
                f"hydra/launcher={name}: a study runs by auto, stacked, joblib or basic; a grid "
                "sweep (hydra/sweeper=basic) by any launcher"
            )

    def sweep(self, arguments: list[str]) -> list[JobReturn]:
        """Say what will be done, do it, report; ends the process where some trial failed."""
        config, uri = self.config, self.config.tracking.uri
        check_uri(uri)
        plan = self.plan(arguments)
        self.beside = check_baseline(
            config.compare, [plan.default_trials(base)[0] for base in plan.bases]
        )
        plan = replace(plan, bases=tuple(self.declare_reference(plan, uri)))
        outcomes = self.run(plan, uri)
        if not config.plan:
            finish_sweep(plan.study, uri, outcomes, report=config.report, compare=config.compare)
        return []

    def plan(self, arguments: list[str]) -> Plan:
        """Make the plan that the command line asks for, checked."""
        bases = make_bases(
            self.config_loader, self.config, self.params, arguments, self.list_changed
        )
        tuning: Any = OmegaConf.to_container(self.config.tuning)
        return make_plan(bases, tuning, self.config.reporting.seeds)

    def declare_reference(self, plan: Plan, uri: str) -> list[TrialSpec]:
        """Give every base the study's reference."""
        return declare_reference(plan.bases, uri, self.beside)

    def list_changed(self, base: TrialSpec) -> Iterable[str]:
        """List the hyperparameters that this study changes."""
        return base.optimizer.search_space if self.config.tuning.trials else ()

    def run(self, plan: Plan, uri: str) -> Outcomes:
        """Run everything that is missing; nothing with ``plan=true``."""
        skipped = check_trials(plan.bases)
        if self.config.plan:
            return self._run(plan, uri, skipped)
        described = describe_plan(plan)
        with tracking.claim_plan(uri, plan.study, described, partial(compare_plans, plan)):
            return self._run(plan, uri, skipped)

    def _run(self, plan: Plan, uri: str, skipped: Mapping[str, str]) -> Outcomes:
        found = tracking.resume(uri, plan.study)
        refuse_changes(plan, found.records)
        self.known = found.records
        if found.unreadable:
            progress.say(found.unreadable)
        results = select_results(found.records)
        plan = replace(plan, bases=tuple(execute.number_trials(plan.bases, uri)))
        outcomes = {} if self.config.plan else _record_skips(plan, uri, skipped, results)
        applies = [base for base in plan.bases if base.config_hash not in skipped]
        if not applies:
            raise RefusedInput(f"study={plan.study}: {next(iter(skipped.values()))}")
        plan = replace(plan, bases=tuple(applies))
        self.say_plan(plan, results)
        if self.config.plan:
            return outcomes
        generation = plan.bases[0].context.generation
        tracking.declare_plan(uri, plan.study, _describe(plan), generation)
        return outcomes | self.run_phases(plan, uri, results)

    def run_phases(self, plan: Plan, uri: str, results: tune.Results) -> Outcomes:
        """Run both phases of a study."""
        return tune.run(plan, uri, self.launcher.run, results)

    def say_plan(self, plan: Plan, results: tune.Results) -> None:
        """Print the plan and its expected time."""
        counts = forecast.count_trials(plan, results)
        expected = None
        if any(sum(count.to_run) for count in counts):
            if not self.config.plan:
                self.launcher.warm_up(plan.bases)
            launcher = self.launcher
            expected = forecast.estimate_seconds(counts, launcher.workers, launcher.stacks)
        prospects = describe_prospects(plan, self.beside, self.known)
        for line in forecast.format_plan(plan, counts, expected, prospects):
            progress.say(line)


def _record_skips(
    plan: Plan, uri: str, skipped: Mapping[str, str], results: tune.Results
) -> Outcomes:
    """Record one trial of each entrant that does not apply, where the store has none."""
    outcomes: Outcomes = {}
    for base in plan.bases:
        spec = plan.default_trials(base)[0]
        if base.config_hash in skipped and spec.config_hash not in results:
            result = execute.record_skip(spec, uri, skipped[base.config_hash])
            progress.say(progress.format_end(spec, result))
            outcomes[spec.config_hash] = spec, result
    return outcomes


def make_bases(
    loader: ConfigLoader,
    config: DictConfig,
    params: dict[str, str],
    arguments: list[str],
    list_changed: Callable[[TrialSpec], Iterable[str]],
) -> list[TrialSpec]:
    """Make one spec a task and entrant, at its default point.

    Args:
        list_changed: lists the hyperparameters of a base that the study changes.

    Raises:
        RefusedInput: a hyperparameter or the seed is swept, a suite and tasks are given, or a value
            refers to what the study changes.
    """
    parser = OverridesParser.create(config_loader=loader)
    keys = {}
    for override in parser.parse_overrides(arguments):
        swept = override.is_discrete_sweep() and count_values(override) > 1
        keys[override.get_key_element()] = swept or override.is_interval_sweep()
    for key, swept in keys.items():
        if key == "seed" or (swept and key.startswith("optimizer.")):
            raise RefusedInput(
                f"{key}: a study draws hyperparameters from each optimizer's search_space and "
                "takes its seeds from tuning.seeds and reporting.seeds; leave it out"
            )
    jobs = list_combinations(loader, params, arguments)
    if config.suite:
        if "task" in keys:
            raise RefusedInput("task: suite names the tasks; leave out one of the two")
        suite: Any = OmegaConf.to_container(config.suite)
        jobs = [[f"task={task}", *own, *job] for task, own in suite.items() for job in jobs]
    composer = Composer(loader, config)
    bases = []
    for job in jobs:
        check_words(job)
        words = [*job, "seed=0"]
        bases.append(composer.spec(words))
        composer.refuse_followers(words, bases[-1], list_changed(bases[-1]))
    return bases


def _describe(plan: Plan) -> dict[str, Any]:
    """Return what is declared, as ``bench.spec.declared`` describes it."""
    entrants = [
        {
            "task": base.task.name,
            "optimizer": base.optimizer.name,
            "schedule": base.schedule.name,
            "setting": digest(protocol.setting(base.config())),
            "steps": base.budget.steps,
            "settings": plan.points_of(base),
            "tunings": len(plan.repeats_of(base)),
            "space": dict(base.optimizer.search_space),
            **forecast.count_phases(plan, base).by_record(),
        }
        for base in plan.bases
    ]
    declared = {key: value for key, value in vars(plan).items() if key != "bases"}
    return {**declared, "reference": plan.bases[0].origin.reference, "entrants": entrants}
