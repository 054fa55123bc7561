"""One trial on several devices: a process each, in step by Lightning's DDP.

Every rank draws the same batches and trains on its own share of each, so that the global batch and
its order are those of one device; gradients are averaged over ranks. All of them evaluate, and so
decide alike when to end; only rank 0 is listened to. Nobody records here.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from torch import Tensor, nn

from bench.runtime.processes import end_with_parent
from bench.spec import CurvePoint, RefusedInput, Status, TrialResult, TrialSpec
from bench.trial.batches import Batches
from bench.trial.update import statistics_of

Notes = Callable[[CurvePoint], None]
Run = Callable[[TrialSpec, Notes, bool], TrialResult]
"""What each rank does; see ``bench.trial.run.run_here``."""


class Shares:
    """Of each batch the part of one rank: rows ``[rank · B/ranks, (rank + 1) · B/ranks)``."""

    def __init__(self, batches: Batches, rank: int, ranks: int) -> None:
        self._batches, self._rank, self._ranks = batches, rank, ranks

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        for batch in self._batches:
            yield tuple(part.tensor_split(self._ranks)[self._rank] for part in batch)


def refuse_statistics(model: nn.Module, spec: TrialSpec) -> None:
    """Refuse a model that would see another batch on several devices than on one."""
    if statistics_of(model):
        raise RefusedInput(
            f"trainer.devices: {spec.model.name} normalises over its batch, which each device "
            "would do over its own share; use one device, or a model without BatchNorm"
        )


def run_in_ranks(
    spec: TrialSpec, on_evaluation: Notes, progress_bar: bool, run: Run
) -> TrialResult:
    """The trial's result: rank 0's, or the failure of whichever rank fails first.

    Raises:
        RefusedInput: as ``run`` does.
    """
    context = multiprocessing.get_context("spawn")
    ranks, port = spec.context.hardware.ranks, _free_port()
    ends: dict[Connection, int] = {}
    processes = []
    try:
        for rank in range(ranks):
            ours, theirs = context.Pipe(duplex=False)
            words = (spec, rank, port, theirs, progress_bar and rank == 0, run)
            processes.append(context.Process(target=_rank, args=words, name=f"rank {rank}"))
            processes[-1].start()
            theirs.close()
            ends[ours] = rank
        return _listen(ends, on_evaluation)
    finally:
        for process in processes:
            process.join(timeout=5.0)
            process.kill()
            process.join()


def _listen(ends: dict[Connection, int], on_evaluation: Notes) -> TrialResult:
    found: dict[int, TrialResult] = {}
    waiting = dict(ends)
    while waiting:
        for end in wait(list(waiting)):
            assert isinstance(end, Connection)
            try:
                said: Any = end.recv()
            except (EOFError, OSError):
                return TrialResult(Status.FAILED, f"the process of rank {waiting[end]} ended")
            if isinstance(said, CurvePoint):
                on_evaluation(said)
                continue
            if isinstance(said, BaseException):
                raise said
            found[waiting.pop(end)] = said
            if said.status is Status.FAILED:  # the others wait for it in vain
                return TrialResult(said.status, said.reason, said.curve, traceback=said.traceback)
    return found[0]


def _rank(
    spec: TrialSpec, rank: int, port: int, to: Connection, progress_bar: bool, run: Run
) -> None:
    """Rank 0 tells what it measures; each tells how it ended."""
    end_with_parent()
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}
    os.environ |= {"LOCAL_RANK": str(rank), "WORLD_SIZE": str(spec.context.hardware.ranks)}

    def note(point: CurvePoint) -> None:
        if rank == 0:
            to.send(point)

    with suppress(KeyboardInterrupt):  # its parent hears it as well
        try:
            to.send(run(spec, note, progress_bar))
        except Exception as error:
            to.send(_sendable(error))


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
