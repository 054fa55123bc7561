"""What an optimizer costs in memory, time and gradients. Numbers, never a verdict."""

from __future__ import annotations

import time
from statistics import median

from torch import Tensor

from bench.check.findings import Measurement
from bench.check.problems import Large, large, standard
from bench.check.runner import Drive
from bench.spec import OptimizerSpec
from bench.trial.state_size import count_state_bytes
from bench.trial.update import update

ROUND, MIN_ROUNDS, MAX_ROUNDS, SECONDS = 10, 3, 15, 0.4
ADAM = OptimizerSpec("adam", "torch.optim.Adam", {"fused": True})


def gradients(spec: OptimizerSpec) -> Measurement:
    """Gradients computed in an update, on average."""
    mean = Drive(spec, standard(spec)).run(10).gradients / 10
    return Measurement(mean, f"{mean:.3g} gradients an update")


def memory(spec: OptimizerSpec) -> Measurement:
    """Bytes that it keeps between updates, over the bytes of the parameters."""
    drive = Drive(spec, large(spec)).run(2)
    drive.optimizer.zero_grad()
    parameters = list(drive.problem.parameters())
    state = count_state_bytes(drive.optimizer, parameters) / sum(p.nbytes for p in parameters)
    return Measurement(state, f"{state:.2f} bytes of state per byte of parameters")


def step_time(spec: OptimizerSpec) -> Measurement:
    """Time of an update over that of ``torch.optim.Adam(fused=True)``, gradients not counted.

    Both in turn, so that what else the machine does falls on both.
    """
    ours, adam = Drive(spec, large(spec)), Drive(ADAM, Large())
    for drive in (ours, adam):
        _seconds(drive)
    ratios: list[float] = []
    began = time.perf_counter()
    while len(ratios) < MIN_ROUNDS or (
        len(ratios) < MAX_ROUNDS and time.perf_counter() - began < SECONDS
    ):
        ratios.append(_seconds(ours) / _seconds(adam))
    ratio = median(ratios)
    return Measurement(ratio, f"{ratio:.3g} × torch.optim.Adam(fused=True)")


def _seconds(drive: Drive) -> float:
    """Of one round of updates, less the time that their gradients took."""
    elsewhere = 0.0

    def gradient() -> Tensor:
        nonlocal elsewhere
        began = time.perf_counter()
        loss = drive.gradient()
        elsewhere += time.perf_counter() - began
        return loss

    began = time.perf_counter()
    for _ in range(ROUND):
        update(drive.optimizer, gradient, drive.spec.needs)
        drive.problem.step += 1
    return time.perf_counter() - began - elsewhere
