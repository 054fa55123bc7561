"""Whether a scheduler, which writes ``param_groups[…]["lr"]``, drives the optimizer."""

from __future__ import annotations

from collections.abc import Callable

from torch.optim.lr_scheduler import LambdaLR

from bench.check.findings import Failed
from bench.check.problems import make_standard
from bench.check.runner import Runner, distance, identical
from bench.check.variants import set_decay
from bench.spec import NotApplicable, OptimizerSpec

STEPS, HALVED_AT = 16, 4
STILL = 1e-3
"""Of its usual way: so little may an optimizer move at a learning rate of zero."""


def check_schedule(spec: OptimizerSpec) -> str:
    """A learning rate of 0 from the start stops it; halved on the way it leads elsewhere."""
    if spec.schedules and set(spec.schedules) <= {"constant"}:
        raise NotApplicable("allows a constant learning rate only")
    spec = set_decay(spec, 0.0)
    start = Runner(spec, make_standard(spec)).values()
    usual = _run_schedule(spec, lambda step: 1.0)
    way, crept = distance(usual, start), distance(_run_schedule(spec, lambda step: 0.0), start)
    if not crept <= STILL * way:
        raise Failed(f"goes {crept / way:.1e} of its way at a learning rate of 0")
    if identical(_run_schedule(spec, lambda step: 1.0 if step < HALVED_AT else 0.5), usual):
        raise Failed("a learning rate halved on the way changes nothing")
    return ""


def _run_schedule(spec: OptimizerSpec, factor: Callable[[int], float]) -> list:
    runner = Runner(spec, make_standard(spec))
    if not all("lr" in group for group in runner.optimizer.param_groups):
        raise NotApplicable("has no learning rate")
    scheduler = LambdaLR(runner.optimizer, factor)
    for _ in range(STEPS):
        runner.run(1)
        scheduler.step()
    return runner.values()
