"""Whether the loss falls: on a parabola, in a valley, where scales differ, in a network."""

from __future__ import annotations

import math
from collections.abc import Callable
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
    landscape,
    standard,
)
from bench.check.runner import Drive, finite
from bench.check.variants import faster, is_number, rates
from bench.spec import OptimizerSpec
from bench.spec.hyperparameters import at

FACTORS = (1.0, 10.0, 0.1, 100.0, 0.01)
"""Times the learning rate of its YAML, which suits networks; one of them has to do."""

STEPS, LOOK_EVERY, PATIENCE = 200, 5, 1000
"""Updates at each learning rate, and at the best of them where none was enough."""


def tamed(spec: OptimizerSpec) -> OptimizerSpec:
    """At its own learning rate, or at a smaller one where that diverges on so small a problem."""
    for factor in (1.0, 0.1, 0.01, 1e-3) if rates(spec) else ():
        drive = Drive(faster(spec, factor), standard(spec))
        start = drive.value()
        if drive.run(25).value() < 10 * start:
            return faster(spec, factor)
    return spec


def takes_steps(spec: OptimizerSpec) -> str:
    """Twenty-five updates move every parameter and leave it finite."""
    drive = Drive(spec, standard(spec))
    before = drive.named()
    after = drive.run(25).named()
    if not finite(after.values()):
        raise Failed(f"after 25 updates parameters are NaN or infinite{_at(spec)}")
    still = [name for name, value in after.items() if torch.equal(value, before[name])]
    if still:
        raise Failed(f"after 25 updates unmoved: {', '.join(still)}")
    return _at(spec).strip()


def parabola(spec: OptimizerSpec) -> str:
    return falls(spec, lambda: landscape(spec, Parabola), to=0.25)


def rosenbrock(spec: OptimizerSpec) -> str:
    return falls(spec, lambda: landscape(spec, Rosenbrock), to=0.5)


def ill_conditioned(spec: OptimizerSpec) -> str:
    return falls(spec, lambda: landscape(spec, IllConditioned), to=0.25)


def scalar(spec: OptimizerSpec) -> str:
    return falls(spec, lambda: landscape(spec, Scalar), to=0.5)


def network(spec: OptimizerSpec) -> str:
    return falls(spec, lambda: landscape(spec, Network), to=0.5)


def bfloat16(spec: OptimizerSpec) -> str:
    return falls(spec, lambda: landscape(spec, Parabola).to(torch.bfloat16), to=0.5)


def rated(spec: OptimizerSpec) -> OptimizerSpec:
    """With the number that its library puts for a learning rate of null."""
    if spec.arguments.get("lr", 0.0) is not None:
        return spec
    rate = components.build_optimizer(spec, standard(spec)).param_groups[0].get("lr")
    return at(spec, {"lr": rate}) if is_number(rate) else spec


def falls(spec: OptimizerSpec, make: Callable[[], Problem], to: float) -> str:
    """Find a learning rate at which the loss falls to ``to`` times its start.

    Raises:
        Failed: there is none; says how far it got.
    """
    make()  # NotApplicable comes before anything else
    tried = [faster(spec, factor) for factor in (FACTORS if rates(spec) else FACTORS[:1])]
    descents = []
    for rated in tried:
        descents.append(_descent(rated, make, to, STEPS))
        if descents[-1].lowest <= to:
            return f"to {descents[-1]}{_at(rated)}"
    at = min(range(len(tried)), key=lambda i: descents[i].lowest)
    last = _descent(tried[at], make, to, PATIENCE)
    if last.lowest <= to:
        return f"to {last}{_at(tried[at])}"
    if last.lowest < 1:
        raise Failed(f"falls to {last}{_at(tried[at])}, not to {to:.0%}")
    raised = next((descent.raised for descent in descents if descent.raised), None)
    raise raised or Failed("does not fall at any learning rate tried, 0.01 … 100 × its own")


class Descent(NamedTuple):
    """The lowest loss on the way, over the first, and what ended the way too early, if anything.

    A step of linear algebra may well raise where a learning rate is too large.
    """

    lowest: float
    steps: int
    raised: Exception | None = None

    def __str__(self) -> str:
        return f"{self.lowest:.0%} in {self.steps} steps"


def _descent(spec: OptimizerSpec, make: Callable[[], Problem], to: float, steps: int) -> Descent:
    lowest, done = math.inf, 0
    try:
        drive = Drive(spec, make())
        start = share = drive.value()
        while done < steps and lowest > to and math.isfinite(share):
            share = drive.run(LOOK_EVERY).value() / start
            lowest, done = min(lowest, share), done + LOOK_EVERY  # a NaN is never the lowest
    except Exception as error:
        return Descent(lowest, done, error)
    return Descent(lowest, done)


def _at(spec: OptimizerSpec) -> str:
    """``at lr=0.001``, the first of its learning rates; empty where it has none."""
    found = [f" at {name}={value:g}" for name, value in rates(spec).items()]
    return found[0] if found else ""
