"""A job of a cluster: a part of a sweep, which a node runs as ``hydra/launcher=auto`` would.

It takes specs with it and brings plain data back. Its trials are recorded from where it runs.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import tracking
from bench.runtime.processes import end_on_sigterm
from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.tracking.owner import JOB


@dataclass(frozen=True)
class JobResult:
    """The result of a job that came to its own end.

    Attributes:
        results: in the order of its specs; empty where one of the others is set.
        refused, lost: the message of a ``RefusedInput`` or ``StoreLost`` that ends the sweep.
    """

    results: tuple[TrialResult, ...] = ()
    refused: str = ""
    lost: str = ""


@dataclass(frozen=True)
class ClusterJob:
    """Trials that one node runs. A job that was requeued runs only what is not recorded.

    Attributes:
        name: in the tags of its trials.
        uri: the store, as the node reaches it.
        size: trials a stack at the most; see ``Executor``.
        workers: processes that the job has cores for, or threads of a stack.
        path, folder: ``sys.path`` and working folder of the sweep.
    """

    name: str
    specs: tuple[TrialSpec, ...]
    uri: str
    size: int | None
    workers: int
    path: tuple[str, ...]
    folder: str

    def __call__(self) -> JobResult:
        """Run and record; an exception ends the node, not a trial."""
        os.environ[JOB] = self.name
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        sys.path.extend(entry for entry in self.path if entry not in sys.path)
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        end_on_sigterm()
        try:
            return JobResult(tuple(self._run()))
        except RefusedInput as error:
            return JobResult(refused=f"on {socket.gethostname()}: {error}")
        except StoreLost as error:
            return JobResult(lost=str(error))

    def checkpoint(self, *_: Any) -> Any:
        """Requeue this job for Submitit, which calls this before the job's time is over."""
        from submitit.helpers import DelayedSubmission  # an optional extra

        return DelayedSubmission(self)

    def _run(self) -> Sequence[TrialResult]:
        from bench.sweeps.launchers.executor import Executor  # torch, on the node only

        # what it left unfinished before it was requeued
        tracking.discard_job(self.uri, self.specs[0].context.study, self.name)
        workers = self.workers
        return Executor(self.specs, self.uri, self.size, _ignore_end, workers, workers).run()


def _ignore_end(at: int, result: TrialResult) -> None:
    """Do nothing: a node reports no trial before its job ends."""
