"""``hydra/launcher=submitit_slurm``: parts of a sweep as jobs of Slurm; ``submitit_local``: as
processes of this machine, the way that Submitit starts them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from bench.runtime import processes
from bench.spec import RefusedInput
from bench.sweeps.launchers.cluster import ClusterLauncher, Engine
from bench.sweeps.launchers.cluster_job import Ended, Part

COMMON: dict[str, Any] = {
    "trials_per_job": None,
    "submitit_folder": "${hydra.sweep.dir}/.submitit/%j",
    "timeout_min": 60,
    "cpus_per_task": 1,
    "gpus_per_node": None,
    "tasks_per_node": 1,
    "mem_gb": None,
    "nodes": 1,
    "name": "${hydra.job.name}",
    "stderr_to_stdout": False,
}
"""The keys of ``hydra-submitit-launcher``, for any of its engines."""
SLURM: dict[str, Any] = {
    **dict.fromkeys(("partition", "qos", "comment", "constraint", "exclude", "gres", "account")),
    **dict.fromkeys(("cpus_per_gpu", "gpus_per_task", "mem_per_gpu", "mem_per_cpu", "setup")),
    "signal_delay_s": 120,
    "max_num_timeout": 0,
    "additional_parameters": {},
    "array_parallelism": 256,
}
"""Those of Slurm alone."""


ASK = 30.0
"""Seconds between questions to Slurm of what became of all jobs; that one is done it tells by a
file, that it died it does not, and Submitit would ask every ten minutes."""


class SubmititLauncher(ClusterLauncher):
    """Either of the two.

    Args:
        params: ``COMMON`` and, of Slurm, ``SLURM``.
    """

    executor = ""

    def __init__(self, trials_per_job: int | None, **params: Any) -> None:
        self.trials_per_job, self.params = trials_per_job, params
        self.name = f"submitit_{self.executor}"

    @property
    def cores(self) -> int:
        return self.params["cpus_per_task"] or 1

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        try:
            import submitit
        except ImportError as error:
            raise RefusedInput(
                f"hydra/launcher={self.name}: Submitit is not installed; "
                "pip install 'optbench[slurm]'"
            ) from error
        for key in ("nodes", "tasks_per_node"):
            if self.params[key] != 1:
                raise RefusedInput(
                    f"hydra.launcher.{key}={self.params[key]}: a job is one process, which takes "
                    "all its cores; give more jobs by hydra.launcher.trials_per_job"
                )
        given = {key: value for key, value in self.params.items() if value is not None}
        folder = given.pop("submitit_folder")
        at_start = {f"slurm_{key}": given.pop(key) for key in ("max_num_timeout",) if key in given}
        named = {key if key in COMMON else f"slurm_{key}": value for key, value in given.items()}
        try:
            executor = submitit.AutoExecutor(folder=folder, cluster=self.executor, **at_start)
            executor.update_parameters(**named)
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            raise RefusedInput(f"hydra/launcher={self.name}: {words}") from error
        yield _Submitit(executor, self.slots)

    @property
    def slots(self) -> int | None:
        """Jobs that run at once; None where the queue decides."""
        return None


class LocalLauncher(SubmititLauncher):
    """Registered as ``hydra/launcher=submitit_local``: to try what Slurm will run."""

    executor = "local"
    elsewhere = False

    @property
    def slots(self) -> int | None:
        return max(1, processes.cores() // self.cores)


class SlurmLauncher(SubmititLauncher):
    """Registered as ``hydra/launcher=submitit_slurm``."""

    executor = "slurm"
    elsewhere = True


class _Submitit:
    def __init__(self, executor: Any, slots: int | None) -> None:
        self._executor, self.slots, self.queues = executor, slots, slots is None
        self._asked = time.monotonic()

    def submit(self, parts: Sequence[Part]) -> Sequence[Any]:
        # Slurm gets one array of jobs; processes of this machine leave a Ctrl-C to this one
        with nullcontext() if self.queues else _deaf(), self._executor.batch():
            return [self._executor.submit(part) for part in parts]  # ready when this is left

    def done(self, job: Any) -> bool:
        if self.queues and time.monotonic() - self._asked > ASK:
            job.watcher.update()
            self._asked = time.monotonic()
        return bool(job.done())

    def result(self, job: Any) -> Ended:
        found: Ended = job.result()
        return found

    def cancel(self, job: Any) -> None:
        if self.queues:
            job.cancel(check=False)
        else:  # by SIGTERM, which its process hands on, not by Ctrl-C, which it may not hear
            with suppress(ProcessLookupError):
                os.kill(int(job.job_id), signal.SIGTERM)


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started inside never hears of Ctrl-C; a process inherits what it is to ignore."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
