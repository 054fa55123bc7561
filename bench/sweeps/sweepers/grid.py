"""The basic sweep: every combination of the values given on the command line."""

from __future__ import annotations

import itertools
import math
from contextlib import suppress

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, RangeSweep
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench import tracking
from bench.config.limits import check_words
from bench.config.trial import refuse_study_keys
from bench.spec import RefusedInput
from bench.sweeps import batch
from bench.sweeps.compose import Composer
from bench.sweeps.launchers.base import Launch, SpecLauncher
from bench.sweeps.launchers.foreign import launch_by_hydra
from bench.sweeps.reference import declare_reference
from bench.sweeps.report import check_baseline, finish_sweep
from bench.tracking.uri import check_uri


class SpecSweeper(Sweeper):
    """A Hydra sweeper that makes specs and hands them to a launcher.

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
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )


MAX_TRIALS = 100_000
"""Trials of one sweep. Their specs alone take a minute and half a gigabyte."""


class GridSweeper(SpecSweeper):
    """Registered as ``hydra/sweeper=basic``.

    Args:
        params: as above.
        max_batch_size: trials handed to the launcher at once; None for all.
    """

    def __init__(self, params: dict[str, str] | None, max_batch_size: int | None) -> None:
        super().__init__(params)
        self.max_batch_size = max_batch_size

    def sweep(self, arguments: list[str]) -> list[JobReturn]:
        """Run all, then report; ends the process where some trial failed."""
        config, uri = self.config, self.config.tracking.uri
        check_uri(uri)
        refuse_study_keys(config)
        jobs = list_combinations(self.config_loader, self.params, arguments)
        composer = Composer(self.config_loader, config)
        specs = [composer.spec(job) for job in jobs]
        beside = check_baseline(config.compare, specs)
        specs = declare_reference(specs, uri, beside)
        if isinstance(self.launcher, SpecLauncher):
            launch: Launch = self.launcher.run
            prepare = self.launcher.warm_up
        else:
            by_hash = {spec.config_hash: job for spec, job in zip(specs, jobs, strict=True)}
            launch = launch_by_hydra(self.launcher, by_hash, uri)
            prepare = None
        outcomes = batch.run(specs, uri, launch, self.max_batch_size, prepare=prepare)
        study = specs[0].context.study
        if reference := specs[0].origin.reference:
            with suppress(tracking.ReadOnlyStore):  # then it holds all trials, and a report is made
                generation = max(spec.context.generation for spec, _ in outcomes.values())
                content = {"reference": reference, "entrants": []}
                tracking.declare_plan(uri, study, content, generation)
        finish_sweep(study, uri, outcomes, report=config.report, compare=config.compare)
        return []


def list_combinations(
    loader: ConfigLoader, params: dict[str, str], arguments: list[str]
) -> list[list[str]]:
    """List the overrides of every trial: all combinations of the values given.

    Raises:
        RefusedInput: an override that names no values.
    """
    parser = OverridesParser.create(config_loader=loader)
    given = [f"{key}={value}" for key, value in params.items()]
    check_words(given)
    values: dict[str, list[str]] = {}
    for override in parser.parse_overrides([*given, *arguments]):
        key = override.get_key_element()
        if not override.is_sweep_override():
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            if not 1 <= count_values(override) <= MAX_TRIALS:
                raise RefusedInput(
                    f"{override.input_line}: it stands for {count_values(override):.9g} values. "
                    f"Use 1 to {MAX_TRIALS} values."
                )
            values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            raise RefusedInput(
                f"{override.input_line}: a range is searched by hydra/sweeper=study, from the "
                "optimizer's search_space; a sweep takes lists, choice(…), range(…) and glob(…)"
            )
    count = math.prod(map(len, values.values()))
    if count > MAX_TRIALS:
        raise RefusedInput(
            f"{' '.join(arguments)}: {count} trials are too many for one sweep. Use at most "
            f"{MAX_TRIALS}, and several sweeps of one study."
        )
    return [list(job) for job in itertools.product(*values.values())]


def count_values(override: Override) -> float:
    """Count the values of a sweep without writing them out; infinite where they never end."""
    sweep = override.value()
    if not isinstance(sweep, RangeSweep):
        return len(list(override.sweep_string_iterator()))
    start, stop, step = (float(one or 0) for one in (sweep.start, sweep.stop, sweep.step))
    if not all(map(math.isfinite, (start, stop, step))) or step == 0:
        return math.inf
    return max(0, math.ceil((stop - start) / step))
