"""How the trials of a sweep are run: Hydra launchers of ours, which take specs, and anybody's.

``basic`` one after the other in this process, ``stacked`` all alike at once, ``joblib`` in worker
processes, ``auto`` by whichever of these is fastest; on a cluster see ``bench.sweeps.launchers.cluster``. A
launcher of another package gets Hydra's jobs and calls Hydra's task.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from hydra.core.config_loader import ConfigLoader
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench.runtime import processes
from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.sweeps.progress import Told, each

Launch = Callable[[Sequence[TrialSpec], Told], list[TrialResult]]
"""Runs and records trials of one study, each as if alone; results in the order of the specs."""


class SpecLauncher(Launcher):
    """A Hydra launcher that takes specs: no job is composed a second time.

    Attributes:
        stacks: whether alike trials may train at once.
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
    def run(self, specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        """See ``Launch``."""

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> list[JobReturn]:
        """For a sweeper of another package: compose, then run."""
        from bench.sweeps.compose import Composer

        composer = Composer(self.config_loader, self.config)
        specs = [composer.spec(job) for job in job_overrides]
        outcomes = self.run(specs, each(specs))
        return [
            JobReturn(overrides=list(job), status=JobStatus.COMPLETED, _return_value=result)
            for job, result in zip(job_overrides, outcomes, strict=True)
        ]


class BasicLauncher(SpecLauncher):
    """One after the other, in this process."""

    def run(self, specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        from bench.sweeps.launchers.sequential import run_one_by_one

        return run_one_by_one(specs, self.config.tracking.uri, "basic", told)


class StackedLauncher(SpecLauncher):
    """Those that differ in seed, optimizer and schedule only at once (``bench.sweeps.launchers.executor``).

    ``stack.size`` sets how many trials a stack has.
    """

    stacks = True

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if config.stack.size is not None and config.stack.size < 1:
            raise RefusedInput(f"stack.size={config.stack.size}: not a positive number of trials")

    def run(self, specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        from bench.sweeps.launchers.executor import StackedSweep

        uri, size = self.config.tracking.uri, self.config.stack.size
        return StackedSweep(specs, uri, size, told).run()


class AutoLauncher(StackedLauncher):
    """The fastest way by measurement: stacked where that gains more than processes would.

    They are as many as have a core for each thread of a trial; one where trials share a GPU.
    """

    @property
    def workers(self) -> int:
        return processes.cores()

    def warm_up(self, specs: Sequence[TrialSpec]) -> None:
        if self.workers > 1 and len(specs) > 1 and all(map(shares, specs)):
            from bench.sweeps.launchers.workers import warm_up

            warm_up(specs)

    def run(self, specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        from bench.sweeps.launchers.executor import StackedSweep

        threads = max((spec.context.hardware.threads for spec in specs), default=1)
        workers = max(1, self.workers // threads) if all(map(shares, specs)) else 1
        uri, size = self.config.tracking.uri, self.config.stack.size
        return StackedSweep(specs, uri, size, told, workers).run()


class WorkersLauncher(SpecLauncher):
    """Worker processes, each with a trial at a time (``bench.sweeps.launchers.workers``).

    Args:
        n_jobs: how many; -1 for a core each.
    """

    def __init__(self, n_jobs: int = -1) -> None:
        self.n_jobs = n_jobs

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if not isinstance(self.n_jobs, int) or not (self.n_jobs == -1 or self.n_jobs > 0):
            raise RefusedInput(
                f"hydra.launcher.n_jobs={self.n_jobs}: not a positive number of processes; -1 is "
                "one for each core"
            )

    @property
    def workers(self) -> int:
        return self.n_jobs if self.n_jobs > 0 else processes.cores()

    def warm_up(self, specs: Sequence[TrialSpec]) -> None:
        from bench.sweeps.launchers.workers import warm_up

        warm_up(specs)

    def run(self, specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        from bench.sweeps.launchers.workers import run_in_workers

        if any(spec.context.hardware.ranks > 1 for spec in specs):
            raise RefusedInput(
                f"trainer.devices={self.config.trainer.devices}: hydra/launcher=joblib gives each "
                "trial one process; use hydra/launcher=basic"
            )
        return run_in_workers(specs, self.config.tracking.uri, self.workers, told)


def shares(spec: TrialSpec) -> bool:
    """Whether a trial leaves room on its machine for others of its kind."""
    return spec.context.hardware.accelerator == "cpu" and spec.context.hardware.ranks == 1


def by_hydra(launcher: Launcher, jobs: Mapping[str, Sequence[str]], uri: str) -> Launch:
    """Trials by a launcher of another package, which composes each job where it runs.

    Args:
        jobs: the overrides of each trial by its ``config_hash``.
    """

    launched = 0

    def launch(specs: Sequence[TrialSpec], told: Told) -> list[TrialResult]:
        nonlocal launched
        overrides = [list(jobs[spec.config_hash]) for spec in specs]
        returned = launcher.launch(overrides, initial_job_idx=launched)
        launched += len(specs)
        return [_outcome(spec, job, uri) for spec, job in zip(specs, returned, strict=True)]

    return launch


def _outcome(spec: TrialSpec, job: JobReturn, uri: str) -> TrialResult:
    """What a job returned; one that was lost on its way (a dead node) is a failed trial."""
    from bench.sweeps import execute

    try:
        value: Any = job.return_value
    except Exception as error:
        return execute.lost(spec, uri, f"{type(error).__name__}: {error}", "hydra")
    return cast(TrialResult, value)
