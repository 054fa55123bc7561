"""``hydra/launcher=ray``: jobs of a sweep as tasks of Ray, on this machine or a cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig, OmegaConf

from bench.runtime.processes import end_on_sigterm
from bench.spec import RefusedInput
from bench.sweeps.launchers.cluster import ClusterLauncher, Engine
from bench.sweeps.launchers.cluster_job import ClusterJob, JobResult

CONFIG: dict[str, Any] = {
    "trials_per_job": None,
    "ray": {
        "init": {"address": None, "num_cpus": None, "include_dashboard": False},
        "remote": {"num_cpus": 1, "num_gpus": 0, "max_retries": 0},
    },
}
"""The keys of ``hydra-ray-launcher`` that people set most; others with ``+``."""


class RayLauncher(ClusterLauncher):
    """Registered as ``hydra/launcher=ray``.

    Args:
        ray: ``init``, the arguments of ``ray.init``, and ``remote``, those of ``ray.remote``.
    """

    name = "ray"

    def __init__(self, ray: DictConfig, trials_per_job: int | None) -> None:
        self.init: dict[str, Any] = _to_plain(ray.init)
        # left to itself Ray would join whatever cluster was last started on this machine
        self.init["address"] = self.init["address"] or os.environ.get("RAY_ADDRESS") or "local"
        self.remote: dict[str, Any] = _to_plain(ray.remote)
        self.trials_per_job = trials_per_job

    @property
    def cores(self) -> int:
        return max(1, int(self.remote["num_cpus"]))

    @property
    def elsewhere(self) -> bool:
        return self.init["address"] != "local"

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would ask a server of Ray's
        try:
            import ray  # an optional extra
        except ImportError as error:
            raise RefusedInput(
                "hydra/launcher=ray: Ray is not installed; pip install 'optbench[ray]'"
            ) from error
        try:
            ray.init(**{"log_to_driver": False, "logging_level": "ERROR", **self.init})
        except Exception as error:
            words = " ".join(str(error).split())[:300]
            raise RefusedInput(f"hydra.launcher.ray.init={self.init}: {words}") from error
        end_on_sigterm()  # Ray has put a handler of its own there, which aborts
        try:
            yield _RayEngine(self.remote)
        finally:
            ray.shutdown()


class _RayEngine:
    queues = True

    def __init__(self, remote: dict[str, Any]) -> None:
        import ray  # as above

        self._ray = ray
        self._task = ray.remote(**remote)(_run_job)
        cores = float(ray.cluster_resources().get("CPU", 1))
        self.slots: int | None = max(1, int(cores // max(1, remote["num_cpus"])))

    def submit(self, jobs: Sequence[ClusterJob]) -> Sequence[Any]:
        return [self._task.remote(job) for job in jobs]

    def done(self, handle: Any) -> bool:
        return bool(self._ray.wait([handle], timeout=0)[0])

    def result(self, handle: Any) -> JobResult:
        result: JobResult = self._ray.get(handle)
        return result

    def cancel(self, handle: Any) -> None:
        self._ray.cancel(handle, force=True)


def _run_job(job: ClusterJob) -> JobResult:
    return job()


def _to_plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
