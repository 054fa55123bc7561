"""``hydra/launcher=joblib``: trials in worker processes."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench.runtime import processes
from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.sweeps.launchers.base import SpecLauncher
from bench.sweeps.progress import OnTrialEnd


class WorkersLauncher(SpecLauncher):
    """Worker processes, each with a trial at a time (``bench.sweeps.launchers.workers``).

    Args:
        n_jobs: number of processes; -1 for a core each.
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
        from bench.sweeps.launchers.workers import warm_up  # Pebble: a tenth of a second

        warm_up(specs)

    def run(self, specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        from bench.sweeps.launchers.workers import run_in_workers  # Pebble, as above

        if any(spec.context.hardware.ranks > 1 for spec in specs):
            raise RefusedInput(
                f"trainer.devices={self.config.trainer.devices}: hydra/launcher=joblib gives each "
                "trial one process; use hydra/launcher=basic"
            )
        return run_in_workers(specs, self.config.tracking.uri, self.workers, on_end)
