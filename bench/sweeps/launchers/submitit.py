"""``hydra/launcher=submitit_slurm``: jobs of a sweep as jobs of Slurm; ``submitit_local``: as
processes of this machine."""

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
from bench.sweeps.launchers.cluster_job import ClusterJob, JobResult

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
"""The keys of ``hydra-submitit-launcher`` for any engine."""
SLURM: dict[str, Any] = {
    **dict.fromkeys(("partition", "qos", "comment", "constraint", "exclude", "gres", "account")),
    **dict.fromkeys(("cpus_per_gpu", "gpus_per_task", "mem_per_gpu", "mem_per_cpu", "setup")),
    "signal_delay_s": 120,
    "max_num_timeout": 0,
    "additional_parameters": {},
    "array_parallelism": 256,
}
"""Its keys for Slurm alone."""


ASK_S = 30.0
"""Seconds between questions to Slurm about all jobs. A job that is done leaves a file; one that
died does not, and Submitit would ask every ten minutes."""


class SubmititLauncher(ClusterLauncher):
    """The common part of both launchers.

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
            import submitit  # an optional extra
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
        yield _SubmititEngine(executor, self.slots)

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


class _SubmititEngine:
    def __init__(self, executor: Any, slots: int | None) -> None:
        self._executor, self.slots, self.queues = executor, slots, slots is None
        self._asked = time.monotonic()

    def submit(self, jobs: Sequence[ClusterJob]) -> Sequence[Any]:
        # Slurm gets one array of jobs; processes of this machine leave a Ctrl-C to this one
        with nullcontext() if self.queues else _ignore_ctrl_c(), self._executor.batch():
            return [self._executor.submit(job) for job in jobs]  # ready when this is left

    def done(self, handle: Any) -> bool:
        if self.queues and time.monotonic() - self._asked > ASK_S:
            handle.watcher.update()
            self._asked = time.monotonic()
        return bool(handle.done())

    def result(self, handle: Any) -> JobResult:
        result: JobResult = handle.result()
        return result

    def cancel(self, handle: Any) -> None:
        if self.queues:
            handle.cancel(check=False)
        else:  # by SIGTERM, which its process hands on, not by Ctrl-C, which it may not hear
            with suppress(ProcessLookupError):
                os.kill(int(handle.job_id), signal.SIGTERM)


@contextmanager
def _ignore_ctrl_c() -> Iterator[None]:
    """Let processes that are started inside ignore Ctrl-C; they inherit the signal's handler."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
