"""Whether the loss falls: on a parabola, in a valley, where scales differ, in a network."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch

from bench.build import components
from bench.check.findings import Failed
from bench.check.problems import (
    IllConditioned,
    Network,
    Parabola,
    Problem,
    Rosenbrock,
    Scalar,
    make_landscape,
    make_standard,
)
from bench.check.runner import Runner, finite
from bench.check.variants import is_number, list_rates, scale_rates
from bench.spec import OptimizerSpec
from bench.spec.hyperparameters import at

FACTORS = (1.0, 10.0, 0.1, 100.0, 0.01)
"""Times the learning rate of its YAML, which suits networks; one of them has to do."""

STEPS, LOOK_EVERY, PATIENCE = 200, 5, 1000
"""Updates at each learning rate, and at the best of them where none was enough."""


def tame_rate(spec: OptimizerSpec) -> OptimizerSpec:
    """At its own learning rate, or at a smaller one where that diverges on so small a problem."""
    for factor in (1.0, 0.1, 0.01, 1e-3) if list_rates(spec) else ():
        runner = Runner(scale_rates(spec, factor), make_standard(spec))
        start = runner.value()
        if runner.run(25).value() < 10 * start:
            return scale_rates(spec, factor)
    return spec


def check_steps(spec: OptimizerSpec) -> str:
    """Twenty-five updates move every parameter and leave it finite."""
    runner = Runner(spec, make_standard(spec))
    before = runner.named()
    after = runner.run(25).named()
    if not finite(after.values()):
        raise Failed(f"after 25 updates parameters are NaN or infinite{_describe_rate(spec)}")
    still = [name for name, value in after.items() if torch.equal(value, before[name])]
    if still:
        raise Failed(f"after 25 updates unmoved: {', '.join(still)}")
    return _describe_rate(spec).strip()


def resolve_rate(spec: OptimizerSpec) -> OptimizerSpec:
    """With the number that its library puts for a learning rate of null."""
    if spec.arguments.get("lr", 0.0) is not None:
        return spec
    rate = components.build_optimizer(spec, make_standard(spec)).param_groups[0].get("lr")
    return at(spec, {"lr": rate}) if is_number(rate) else spec


def require_descent(
    spec: OptimizerSpec, problem: type[Problem], to: float, dtype: torch.dtype = torch.float32
) -> str:
    """Find a learning rate at which the loss falls to ``to`` times its start.

    Raises:
        Failed: there is none; says how far it got.
    """

    def make() -> Problem:
        return make_landscape(spec, problem).to(dtype)

    make()  # NotApplicable comes before anything else
    tried = [scale_rates(spec, factor) for factor in (FACTORS if list_rates(spec) else FACTORS[:1])]
    descents = []
    for rated in tried:
        descents.append(_descend(rated, make, to, STEPS))
        if descents[-1].lowest <= to:
            return f"to {descents[-1]}{_describe_rate(rated)}"
    best = min(range(len(tried)), key=lambda i: descents[i].lowest)
    last = _descend(tried[best], make, to, PATIENCE)
    if last.lowest <= to:
        return f"to {last}{_describe_rate(tried[best])}"
    if last.lowest < 1:
        raise Failed(f"falls to {last}{_describe_rate(tried[best])}, not to {to:.0%}")
    raised = next((descent.raised for descent in descents if descent.raised), None)
    raise raised or Failed("does not fall at any learning rate tried, 0.01 … 100 × its own")


check_parabola = partial(require_descent, problem=Parabola, to=0.25)
check_rosenbrock = partial(require_descent, problem=Rosenbrock, to=0.5)
check_ill_conditioned = partial(require_descent, problem=IllConditioned, to=0.25)
check_scalar = partial(require_descent, problem=Scalar, to=0.5)
check_network = partial(require_descent, problem=Network, to=0.5)
check_bfloat16 = partial(require_descent, problem=Parabola, to=0.5, dtype=torch.bfloat16)


class Descent(NamedTuple):
    """The lowest loss on the way, over the first, and what ended the way too early, if anything.

    A step of linear algebra may well raise where a learning rate is too large.
    """

    lowest: float
    steps: int
    raised: Exception | None = None

    def __str__(self) -> str:
        return f"{self.lowest:.0%} in {self.steps} steps"


def _descend(spec: OptimizerSpec, make: Callable[[], Problem], to: float, steps: int) -> Descent:
    lowest, done = math.inf, 0
    try:
        runner = Runner(spec, make())
        start = share = runner.value()
        while done < steps and lowest > to and math.isfinite(share):
            share = runner.run(LOOK_EVERY).value() / start
            lowest, done = min(lowest, share), done + LOOK_EVERY  # a NaN is never the lowest
    except Exception as error:
        return Descent(lowest, done, error)
    return Descent(lowest, done)


def _describe_rate(spec: OptimizerSpec) -> str:
    """``at lr=0.001``, the first of its learning rates; empty where it has none."""
    found = [f" at {name}={value:g}" for name, value in list_rates(spec).items()]
    return found[0] if found else ""
