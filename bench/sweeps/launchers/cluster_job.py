"""A part of a sweep: the job of a cluster, which a node runs as ``hydra/launcher=auto`` would.

It takes specs with it and brings plain words back; its trials are recorded from where it runs.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.runtime.processes import end_on_sigterm
from bench.spec import RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.tracking.owner import JOB


@dataclass(frozen=True)
class Ended:
    """How a job ended that came to its own end.

    Attributes:
        outcomes: in the order of its specs; empty where something else is said.
        refused, lost: why nothing of the sweep can run: a ``RefusedInput``, a ``StoreLost``.
    """

    outcomes: tuple[TrialResult, ...] = ()
    refused: str = ""
    lost: str = ""


@dataclass(frozen=True)
class Part:
    """Trials that one node runs. A job that was requeued goes on: what is recorded is not run.

    Attributes:
        job: its name, in the tags of what it runs.
        uri: the store, as the node reaches it.
        size: trials a stack at the most; see ``StackedSweep``.
        workers: processes that the job has cores for, or threads of a stack.
        path: where the sweep finds modules; ``folder``: where it was called.
    """

    job: str
    specs: tuple[TrialSpec, ...]
    uri: str
    size: int | None
    workers: int
    path: tuple[str, ...]
    folder: str

    def __call__(self) -> Ended:
        """Run and record; whatever it raises is the end of the node, not of a trial."""
        os.environ[JOB] = self.job
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        sys.path.extend(entry for entry in self.path if entry not in sys.path)
        if Path(self.folder).is_dir():
            os.chdir(self.folder)
        end_on_sigterm()
        try:
            return Ended(tuple(self._run()))
        except RefusedInput as error:
            return Ended(refused=f"on {socket.gethostname()}: {error}")
        except StoreLost as error:
            return Ended(lost=str(error))

    def checkpoint(self, *_: Any) -> Any:
        """For Submitit, which calls this before a job's time is over, and queues it again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _run(self) -> Sequence[TrialResult]:
        from bench import tracking
        from bench.sweeps.launchers.executor import StackedSweep

        tracking.discard_job(
            self.uri, self.specs[0].context.study, self.job
        )  # of its life before this one
        workers = self.workers
        return StackedSweep(self.specs, self.uri, self.size, _nobody, workers, workers).run()


def _nobody(at: int, result: TrialResult) -> None:
    """Nobody is told of a trial by its node."""
