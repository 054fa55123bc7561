"""Trials in worker processes, one thread and one trial at a time each.

A worker that dies (killed, out of memory, ``os._exit``) costs its own trial, which is recorded as
failed; another takes its place and the sweep goes on. Workers are started once and stay warm; they
end with the process that started them, however it ends.

The imports of a trial take longer than many a trial. On Linux a separate process imports them once,
while this one goes on (``warm_up``), and workers are forked from there. Nothing has run in it: a
fork of a process that has computed, or asked for a GPU, could not go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from pebble import ProcessExpired, ProcessPool

from bench import tracking
from bench.runtime.processes import end_with_parent
from bench.spec import TrialResult, TrialSpec
from bench.spec.errors import StoreLost
from bench.sweeps import execute
from bench.sweeps.progress import OnTrialEnd

LAUNCHER = "joblib"


def warm_up(specs: Sequence[TrialSpec]) -> None:
    """Begin to import what workers for these trials need, where they will be forked."""
    if _can_fork(specs):
        forkserver.set_forkserver_preload(["bench.sweeps.launchers.forkserver"])
        forkserver.ensure_running()


def run_in_workers(
    specs: Sequence[TrialSpec], uri: str, workers: int, on_end: OnTrialEnd
) -> list[TrialResult]:
    """Run all trials; return their results in the order of ``specs``.

    Args:
        workers: processes at the most.
        on_end: is called at each trial's end with its index in ``specs``.

    Raises:
        RefusedInput: a trial cannot be built.
    """
    results: dict[int, TrialResult] = {}
    warm_up(specs)
    with ProcessPool(
        max_workers=min(workers, len(specs)),
        initializer=_set_up,
        initargs=(dict(os.environ),),
        context=_get_context(specs),
    ) as pool:
        _notice_exit_0(pool)
        try:
            waiting: dict[Future[TrialResult], int] = {
                pool.schedule(execute.run, args=(spec, uri, LAUNCHER)): at
                for at, spec in enumerate(specs)
            }
            while waiting:
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    at = waiting.pop(future)
                    results[at] = _get_result(specs[at], future, uri)
                    on_end(at, results[at])
        except BaseException as error:
            pool.stop()
            pool.join()
            if not isinstance(error, StoreLost):
                tracking.discard_interrupted(uri, specs[0].context.study)
            raise
    return [results[at] for at in range(len(specs))]


def _notice_exit_0(pool: ProcessPool) -> None:
    """Let a pool notice a worker that ended with exit code 0.

    Pebble takes that for a worker that is not needed any more, and its trial would be waited for
    for ever. No worker ends by itself before its pool does.
    """
    workers = pool._pool_manager.worker_manager

    def inspect_workers() -> tuple[tuple[int, int | None], ...]:
        processes = dict(workers.workers)
        ended = {pid: one.exitcode for pid, one in processes.items() if not one.is_alive()}
        for pid in ended:
            del workers.workers[pid]
        return tuple(ended.items())

    workers.inspect_workers = inspect_workers  # type: ignore[method-assign]


def _can_fork(specs: Sequence[TrialSpec]) -> bool:
    return sys.platform == "linux" and all(
        one.context.hardware.accelerator == "cpu" for one in specs
    )


def _get_context(specs: Sequence[TrialSpec]) -> BaseContext:
    return multiprocessing.get_context("forkserver" if _can_fork(specs) else "spawn")


def _set_up(environment: Mapping[str, str]) -> None:
    """Prepare a worker for its first trial.

    Args:
        environment: of the process that starts it; it was forked from an earlier one.
    """
    os.environ.clear()
    os.environ.update(environment)
    end_with_parent()


def _get_result(spec: TrialSpec, future: Future[TrialResult], uri: str) -> TrialResult:
    try:
        return future.result()
    except ProcessExpired as death:
        return execute.record_failure(
            spec, uri, f"its worker process ended: {_describe_exit(death.exitcode)}", LAUNCHER
        )


def _describe_exit(code: int) -> str:
    """Return ``killed by SIGKILL (out of memory?)``, or the exit code."""
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
