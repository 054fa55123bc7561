"""Launchers of other packages, which compose each job where it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher

from bench.spec import TrialResult, TrialSpec
from bench.sweeps import execute
from bench.sweeps.launchers.base import Launch
from bench.sweeps.progress import OnTrialEnd


def launch_by_hydra(launcher: Launcher, jobs: Mapping[str, Sequence[str]], uri: str) -> Launch:
    """Return a ``Launch`` over a launcher that takes the overrides of jobs.

    Args:
        jobs: the overrides of each trial by its ``config_hash``.
    """

    launched = 0

    def launch(specs: Sequence[TrialSpec], on_end: OnTrialEnd) -> list[TrialResult]:
        nonlocal launched
        overrides = [list(jobs[spec.config_hash]) for spec in specs]
        returned = launcher.launch(overrides, initial_job_idx=launched)
        launched += len(specs)
        return [_get_result(spec, job, uri) for spec, job in zip(specs, returned, strict=True)]

    return launch


def _get_result(spec: TrialSpec, job: JobReturn, uri: str) -> TrialResult:
    """Return what a job returned; one that was lost on its way (a dead node) is a failed trial."""
    try:
        value: Any = job.return_value
    except Exception as error:
        return execute.record_failure(spec, uri, f"{type(error).__name__}: {error}", "hydra")
    return cast(TrialResult, value)
