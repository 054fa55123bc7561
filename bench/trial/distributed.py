"""One trial on several devices, with one process each, by Lightning's DDP.

Every rank draws the same batches and trains on its share of each. The global batch and its order
are those of one device; gradients are averaged over ranks. All ranks evaluate, and so end at the
same step; the points of rank 0 are reported. Nothing is recorded here.
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
from bench.trial.update import find_statistics_layers

OnEvaluation = Callable[[CurvePoint], None]
RunTrial = Callable[[TrialSpec, OnEvaluation, bool], TrialResult]
"""The work of each rank; see ``bench.trial.run.run_in_process``."""


class ShardedBatches:
    """The rows ``[rank · B/ranks, (rank + 1) · B/ranks)`` of each batch."""

    def __init__(self, batches: Batches, rank: int, ranks: int) -> None:
        self._batches, self._rank, self._ranks = batches, rank, ranks

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        for batch in self._batches:
            yield tuple(part.tensor_split(self._ranks)[self._rank] for part in batch)


def refuse_batch_statistics(model: nn.Module, spec: TrialSpec) -> None:
    """Refuse a model that would see another batch on several devices than on one."""
    if find_statistics_layers(model):
        raise RefusedInput(
            f"trainer.devices: {spec.model.name} normalises over its batch, which each device "
            "would do over its own share; use one device, or a model without BatchNorm"
        )


def run_distributed(
    spec: TrialSpec, on_evaluation: OnEvaluation, progress: bool, run: RunTrial
) -> TrialResult:
    """Run a trial in one process per rank; return rank 0's result, or the first failure.

    Raises:
        RefusedInput: as ``run`` does.
    """
    context = multiprocessing.get_context("spawn")
    ranks, port = spec.context.hardware.ranks, _find_free_port()
    receivers: dict[Connection, int] = {}
    processes = []
    try:
        for rank in range(ranks):
            receiver, sender = context.Pipe(duplex=False)
            arguments = (spec, rank, port, sender, progress and rank == 0, run)
            process = context.Process(target=_run_rank, args=arguments, name=f"rank {rank}")
            processes.append(process)
            process.start()
            sender.close()
            receivers[receiver] = rank
        return _receive_results(receivers, on_evaluation)
    finally:
        for process in processes:
            process.join(timeout=5.0)
            process.kill()
            process.join()


def _receive_results(receivers: dict[Connection, int], on_evaluation: OnEvaluation) -> TrialResult:
    results: dict[int, TrialResult] = {}
    waiting = dict(receivers)
    while waiting:
        for receiver in wait(list(waiting)):
            assert isinstance(receiver, Connection)
            try:
                message: Any = receiver.recv()
            except (EOFError, OSError):
                reason = f"the process of rank {waiting[receiver]} ended"
                return TrialResult(Status.FAILED, reason)
            if isinstance(message, CurvePoint):
                on_evaluation(message)
                continue
            if isinstance(message, BaseException):
                raise message
            results[waiting.pop(receiver)] = message
            if message.status is Status.FAILED:  # the others wait for it in vain
                return TrialResult(
                    message.status, message.reason, message.curve, traceback=message.traceback
                )
    return results[0]


def _run_rank(
    spec: TrialSpec, rank: int, port: int, to: Connection, progress: bool, run: RunTrial
) -> None:
    """Run one rank; send its result, and of rank 0 each point of the curve."""
    end_with_parent()
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}
    os.environ |= {"LOCAL_RANK": str(rank), "WORLD_SIZE": str(spec.context.hardware.ranks)}

    def send_point(point: CurvePoint) -> None:
        if rank == 0:
            to.send(point)

    with suppress(KeyboardInterrupt):  # its parent hears it as well
        try:
            to.send(run(spec, send_point, progress))
        except Exception as error:
            to.send(_make_picklable(error))


def _make_picklable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _find_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
