"""The basic sweep: every combination of the values given on the command line.

Hydra's own basic sweeper composes a batch, launches it and forgets it. This one checks every trial
before the first one trains, leaves out those that are recorded, and says at the end what failed.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench import build, progress
from bench.address import check_uri
from bench.spec import RefusedInput, Status, TrialSpec
from bench.sweeps.compose import Composer

SWEEP_SIZE = "OPTBENCH_SWEEP_SIZE"
"""Environment variable that tells workers how many trials their sweep has."""


@dataclass(frozen=True)
class SweepOutcome:
    """What a sweep left behind: enough to report on it and to choose the exit code."""

    study: str
    uri: str
    report: bool
    failed: list[str] = field(default_factory=list)


class GridSweeper(Sweeper):
    """Registered as ``hydra/sweeper=basic``.

    Args:
        params: values to sweep over, as on the command line; what stands there wins.
        max_batch_size: trials handed to the launcher at once; None for all.

    Attributes:
        outcome: of the last sweep of this process.
    """

    outcome: SweepOutcome | None = None

    def __init__(self, params: dict[str, str] | None, max_batch_size: int | None) -> None:
        self.params = params or {}
        self.max_batch_size = max_batch_size

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config: DictConfig = config
        self.config_loader: ConfigLoader = hydra_context.config_loader
        self.launcher: Launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[JobReturn]:
        uri = self.config.tracking.uri
        check_uri(uri)
        jobs = self._jobs(arguments)
        composer = Composer(self.config_loader, self.config)
        specs = [composer.spec(job) for job in jobs]
        if expect := getattr(self.launcher, "expect", None):
            expect(jobs, specs)
        pending = self._pending(jobs, specs, uri)
        os.environ[SWEEP_SIZE] = str(len(pending))
        returned: list[JobReturn] = []
        size = self.max_batch_size or max(1, len(pending))
        for start in range(0, len(pending), size):
            batch = pending[start : start + size]
            returned += self.launcher.launch(batch, initial_job_idx=start)
        failed = [
            f"{one['label']}: {one['reason']}"
            for one in (job.return_value for job in returned)
            if one["status"] == Status.FAILED
        ]
        report = bool(self.config.report)
        type(self).outcome = SweepOutcome(specs[0].study, uri, report, failed)
        return returned

    def _jobs(self, arguments: list[str]) -> list[list[str]]:
        """The overrides of every trial: all combinations of the values given."""
        parser = OverridesParser.create(config_loader=self.config_loader)
        params = [f"{key}={value}" for key, value in self.params.items()]
        values: dict[str, list[str]] = {}
        for override in parser.parse_overrides([*params, *arguments]):
            key = override.get_key_element()
            if not override.is_sweep_override():
                values[key] = [f"{key}={override.get_value_element_as_str()}"]
            elif override.is_discrete_sweep():
                values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                raise RefusedInput(
                    f"{override.input_line}: a range to search needs hydra/sweeper=study; "
                    "the basic sweep takes lists, choice(…), range(…) and glob(…)"
                )
        return [list(job) for job in itertools.product(*values.values())]

    def _pending(self, jobs: list[list[str]], specs: list[TrialSpec], uri: str) -> list[list[str]]:
        """The trials not recorded yet, each once; refuses those that cannot be built."""
        from bench import record, tracking

        studies = {spec.study for spec in specs}
        if len(studies) > 1:
            raise RefusedInput(f"study={','.join(sorted(studies))}: one sweep belongs to one study")
        study = specs[0].study
        known = tracking.resume(uri, study)
        by_hash = {spec.config_hash: job for job, spec in zip(jobs, specs, strict=True)}
        new = {spec.config_hash: spec for spec in specs if spec.config_hash not in known}
        inapplicable = build.check(new.values())
        progress.assumed(specs)
        progress.say(
            f"study {study}: {len(by_hash)} trials, {len(by_hash) - len(new)} recorded, "
            f"{len(new) - len(inapplicable)} to run"
        )
        for key, reason in inapplicable.items():
            record.skip(new[key], uri, reason)
        return [by_hash[key] for key in new if key not in inapplicable]
