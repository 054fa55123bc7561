"""What an optimizer costs in memory, time and gradients. Numbers, never a verdict."""

from __future__ import annotations

import time
from statistics import median

from torch import Tensor

from bench.check.findings import Measurement
from bench.check.problems import Large, make_large, make_standard
from bench.check.runner import Runner
from bench.spec import OptimizerSpec
from bench.trial.state_size import count_state_bytes
from bench.trial.update import update

ROUND, MIN_ROUNDS, MAX_ROUNDS, SECONDS = 10, 3, 15, 0.4
ADAM = OptimizerSpec("adam", "torch.optim.Adam", {"fused": True})


def measure_gradients(spec: OptimizerSpec) -> Measurement:
    """Gradients computed in an update, on average."""
    mean = Runner(spec, make_standard(spec)).run(10).gradients / 10
    return Measurement(mean, f"{mean:.3g} gradients an update")


def measure_memory(spec: OptimizerSpec) -> Measurement:
    """Bytes that it keeps between updates, over the bytes of the parameters."""
    runner = Runner(spec, make_large(spec)).run(2)
    runner.optimizer.zero_grad()
    parameters = list(runner.problem.parameters())
    state = count_state_bytes(runner.optimizer, parameters) / sum(p.nbytes for p in parameters)
    return Measurement(state, f"{state:.2f} bytes of state per byte of parameters")


def measure_step_time(spec: OptimizerSpec) -> Measurement:
    """Time of an update over that of ``torch.optim.Adam(fused=True)``, gradients not counted.

    Both in turn, so that what else the machine does falls on both.
    """
    ours, adam = Runner(spec, make_large(spec)), Runner(ADAM, Large())
    for runner in (ours, adam):
        _time_round(runner)
    ratios: list[float] = []
    began = time.perf_counter()
    while len(ratios) < MIN_ROUNDS or (
        len(ratios) < MAX_ROUNDS and time.perf_counter() - began < SECONDS
    ):
        ratios.append(_time_round(ours) / _time_round(adam))
    ratio = median(ratios)
    return Measurement(ratio, f"{ratio:.3g} × torch.optim.Adam(fused=True)")


def _time_round(runner: Runner) -> float:
    """Of one round of updates, less the time that their gradients took."""
    elsewhere = 0.0

    def gradient() -> Tensor:
        nonlocal elsewhere
        began = time.perf_counter()
        loss = runner.gradient()
        elsewhere += time.perf_counter() - began
        return loss

    began = time.perf_counter()
    for _ in range(ROUND):
        update(runner.optimizer, gradient, runner.spec.needs)
        runner.problem.step += 1
    return time.perf_counter() - began - elsewhere
