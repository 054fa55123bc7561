"""``hydra/launcher=stacked``, alike trials at once, and ``auto``, the way measured fastest."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from bench.runtime import processes
from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.sweeps.launchers.base import SpecLauncher, can_share_machine
from bench.sweeps.progress import OnTrialEnd


class StackedLauncher(SpecLauncher):
    """Trains those at once that differ in seed, optimizer and schedule only.

    ``stack.size`` sets the trials of a stack.
    """

    stacks = True

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        if config.stack.size is not None and config.stack.size < 1:
            raise RefusedInput(f"stack.size={config.stack.size}: not a positive number of trials")

    def run(self, specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        return self._execute(specs, on_end, 1)

    def _execute(
        self, specs: Sequence[TrialSpec], on_end: OnTrialEnd, workers: int
    ) -> list[TrialResult]:
        from bench.sweeps.launchers.executor import Executor  # torch: 2 s

        uri, size = self.config.tracking.uri, self.config.stack.size
        return Executor(specs, uri, size, on_end, workers).run()


class AutoLauncher(StackedLauncher):
    """The fastest way by measurement: stacked where that gains more than processes would.

    There is a process for as many cores as a trial has threads, and one where trials share a GPU.
    """

    @property
    def workers(self) -> int:
        return processes.cores()

    def warm_up(self, specs: Sequence[TrialSpec]) -> None:
        if self.workers > 1 and len(specs) > 1 and all(map(can_share_machine, specs)):
            from bench.sweeps.launchers.workers import warm_up  # Pebble: a tenth of a second

            warm_up(specs)

    def run(self, specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        threads = max((spec.context.hardware.threads for spec in specs), default=1)
        shared = all(map(can_share_machine, specs))
        return self._execute(specs, on_end, max(1, self.workers // threads) if shared else 1)
