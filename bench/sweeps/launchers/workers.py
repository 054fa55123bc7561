"""Trials in worker processes, one thread and one trial at a time each: ``hydra/launcher=joblib``.

A worker that dies (killed, out of memory) costs its own trial, which is recorded as failed; another
takes its place and the sweep goes on. Workers are started once and stay warm; they end with the
process that started them, however it ends.

What a trial imports takes longer than many a trial. On Linux a process of its own imports it once,
beside whatever this one does meanwhile (``warm_up``), and workers are forked from there. Nothing
has run in it: a fork of a process that has computed, or asked for a GPU, could not go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from multiprocessing.context import BaseContext

from pebble import ProcessExpired, ProcessPool

from bench import tracking
from bench.runtime.processes import end_with_parent
from bench.spec import TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.sweeps import execute
from bench.sweeps.progress import Told

LAUNCHER = "joblib"


def warm_up(specs: Sequence[TrialSpec]) -> None:
    """Begin to import what workers for these trials need, where they will be forked."""
    if _forks(specs):
        from multiprocessing import forkserver

        forkserver.set_forkserver_preload(["bench.sweeps.launchers.forkserver"])
        forkserver.ensure_running()


def run_in_workers(
    specs: Sequence[TrialSpec], uri: str, workers: int, told: Told
) -> list[TrialResult]:
    """All trials; their outcomes in the order of ``specs``.

    Args:
        workers: how many processes at the most.
        told: hears of each trial when it ends, by its place in ``specs``.

    Raises:
        RefusedInput: a trial cannot be built.
    """
    outcomes: dict[int, TrialResult] = {}
    warm_up(specs)
    with ProcessPool(
        max_workers=min(workers, len(specs)),
        initializer=_begin,
        initargs=(dict(os.environ),),
        context=_context(specs),
    ) as pool:
        try:
            waiting: dict[Future[TrialResult], int] = {
                pool.schedule(execute.run, args=(spec, uri, LAUNCHER)): at
                for at, spec in enumerate(specs)
            }
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    at = waiting.pop(future)
                    outcomes[at] = _outcome(specs[at], future, uri)
                    told(at, outcomes[at])
        except BaseException as error:
            pool.stop()
            pool.join()
            if not isinstance(error, StoreLost):
                tracking.discard_interrupted(uri, specs[0].context.study)
            raise
    return [outcomes[at] for at in range(len(specs))]


def _forks(specs: Sequence[TrialSpec]) -> bool:
    return sys.platform == "linux" and all(
        one.context.hardware.accelerator == "cpu" for one in specs
    )


def _context(specs: Sequence[TrialSpec]) -> BaseContext:
    return multiprocessing.get_context("forkserver" if _forks(specs) else "spawn")


def _begin(environment: Mapping[str, str]) -> None:
    """In a worker, before its first trial.

    Args:
        environment: of the process that asked for it; it was forked from an earlier one.
    """
    os.environ.clear()
    os.environ.update(environment)
    end_with_parent()


def _outcome(spec: TrialSpec, future: Future[TrialResult], uri: str) -> TrialResult:
    try:
        return future.result()
    except ProcessExpired as death:
        return execute.lost(
            spec, uri, f"its worker process ended: {_cause(death.exitcode)}", LAUNCHER
        )


def _cause(code: int) -> str:
    """``killed by SIGKILL (out of memory?)``, or the exit code."""
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
