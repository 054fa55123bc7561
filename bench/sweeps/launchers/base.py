"""The interface of launchers: ``Launch``, a function of specs, and Hydra launchers that offer it.

On a cluster see ``bench.sweeps.launchers.cluster``; for launchers of other packages see
``bench.sweeps.launchers.foreign``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench.spec import TrialResult, TrialSpec
from bench.sweeps.compose import Composer
from bench.sweeps.progress import OnTrialEnd, print_ends

Launch = Callable[[Sequence[TrialSpec], OnTrialEnd], list[TrialResult]]
"""Runs and records trials of one study, each as if alone; results in the order of the specs."""


class SpecLauncher(Launcher):
    """A Hydra launcher that takes specs: no job is composed a second time.

    Attributes:
        stacks: alike trials may train at once.
    """

    config: DictConfig
    stacks: bool = False

    @property
    def workers(self) -> int:
        """Processes that share the work."""
        return 1

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.config = config
        self.config_loader: ConfigLoader = hydra_context.config_loader

    def warm_up(self, specs: Sequence[TrialSpec]) -> None:
        """Begin what takes long before the first of these trials can run; nothing here."""

    @abstractmethod
    def run(self, specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        """Run and record trials, see ``Launch``."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        """Compose and run the jobs of another package's sweeper."""
        composer = Composer(self.config_loader, self.config)
        specs = [composer.spec(job) for job in job_overrides]
        results = self.run(specs, print_ends(specs))
        return [
            JobReturn(overrides=list(job), status=JobStatus.COMPLETED, _return_value=result)
            for job, result in zip(job_overrides, results, strict=True)
        ]


def can_share_machine(spec: TrialSpec) -> bool:
    """Say if a trial leaves room on its machine for others of its kind."""
    return spec.context.hardware.accelerator == "cpu" and spec.context.hardware.ranks == 1
