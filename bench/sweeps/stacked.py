"""Hydra launcher of stacked trials: ``hydra/launcher=stacked``."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench.spec import TrialSpec
from bench.sweeps.compose import Composer
from bench.sweeps.grid import SWEEP_SIZE


class StackedLauncher(Launcher):
    """Trains the trials of a batch that differ in seed, optimizer and schedule at once.

    It runs them in this process and does not call the task function; ``bench.sweeps.stacking`` does
    what that would do. ``stack.size`` sets how many trials a stack has.
    """

    def __init__(self) -> None:
        self._specs: dict[tuple[str, ...], TrialSpec] = {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config: DictConfig = config
        self.config_loader: ConfigLoader = hydra_context.config_loader

    def expect(self, jobs: Sequence[Sequence[str]], specs: Sequence[TrialSpec]) -> None:
        """Trials that the sweeper has composed already: composing takes longer than a small one."""
        self._specs |= {tuple(job): spec for job, spec in zip(jobs, specs, strict=True)}

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        from bench.sweeps.stacking import StackedSweep

        composer = Composer(self.config_loader, self.config)
        specs = [self._specs.get(tuple(job)) or composer.spec(job) for job in job_overrides]
        total = os.environ.get(SWEEP_SIZE, "?")

        def prefix(at: int) -> str:
            return f"{initial_job_idx + at + 1:>{len(total)}}/{total} "

        uri, size = self.config.tracking.uri, self.config.stack.size
        outcomes = StackedSweep(specs, uri, size, prefix).run()
        return [
            JobReturn(overrides=list(job), status=JobStatus.COMPLETED, _return_value=dict(outcome))
            for job, outcome in zip(job_overrides, outcomes, strict=True)
        ]
