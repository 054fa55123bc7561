"""Gradients that are zero, absent or NaN."""

from __future__ import annotations

import math

import torch

from bench.check.findings import Failed
from bench.check.problems import make_standard
from bench.check.runner import Runner, copy_tensors, finite, identical
from bench.check.variants import DECAYS, find_unlisted_decay, set_decay
from bench.spec import OptimizerSpec

STEPS = 25
"""Updates after which a slow starter (RAdam, D-Adaptation) has moved."""

ROUNDING = 1e-6
"""Of a parameter's size: moving away and back, as Schedule-Free and SAM do, may cost that much."""


def check_zero(spec: OptimizerSpec) -> str:
    """Nothing moves without weight decay; with it, parameters stay finite.

    Returns:
        What decays by default, unlisted, and was set to zero.
    """
    runner = Runner(set_decay(spec, 0.0), make_standard(spec))
    runner.scale = 0.0
    before = runner.named()
    after = runner.run(5).named()
    if not finite(after.values()):
        raise Failed("parameters become NaN or infinite")
    for name, value in after.items():
        if not torch.allclose(value, before[name], rtol=0.0, atol=ROUNDING):
            raise Failed(
                f"{name} moves by {(value - before[name]).abs().max():.1e}{_describe_decay(runner)}"
            )
    decaying = Runner(set_decay(spec, 0.1), make_standard(spec))
    decaying.scale = 0.0
    if not finite(decaying.run(5).values()):
        raise Failed("with weight decay, parameters become NaN or infinite")
    return "; ".join(
        f"where {name} is 0; by default it is {value:g}: list it in the YAML to set and tune it"
        for name, value in find_unlisted_decay(spec).items()
    )


def _describe_decay(runner: Runner) -> str:
    """The weight decay that its groups still have, by an argument nobody could find."""
    groups = runner.optimizer.param_groups
    found = {name: group[name] for group in groups for name in DECAYS if group.get(name)}
    words = ", ".join(f"{name}: {value}" for name, value in found.items())
    return f" with {words}; list it in the YAML if its constructor takes it" if found else ""


def check_absent(spec: OptimizerSpec) -> str:
    """A parameter that takes no part is left alone, weight decay included, until it takes part."""
    runner = Runner(set_decay(spec, 0.1), make_standard(spec))
    runner.problem.muted = True
    before = runner.named()
    after = runner.run(STEPS).named()
    resting = [name for name in before if name.startswith(("spare.", "kernel."))]
    for name in resting:
        if not torch.equal(after[name], before[name]):
            raise Failed(f"{name} moves by {(after[name] - before[name]).abs().max():.1e}")
    if identical(list(after.values()), list(before.values())):
        raise Failed("the other parameters do not move either")
    runner.problem.muted = False
    last = runner.run(STEPS).named()
    still = [name for name in resting if torch.equal(last[name], after[name])]
    if still:
        raise Failed(f"{', '.join(still)} does not move once it has a gradient")
    return ""


def check_nan(spec: OptimizerSpec) -> str:
    """After a NaN gradient parameters are NaN, or an exception was raised."""
    runner = Runner(set_decay(spec, 0.0), make_standard(spec)).run(3)
    runner.scale = math.nan
    try:
        after = runner.run(3).values()
    except Exception as error:  # whatever it is, it is not hidden
        return f"raises {type(error).__name__}"
    if not finite(after):
        return ""
    runner.scale = 1.0
    stuck = copy_tensors(runner.problem.parameters())
    rests = identical(copy_tensors(runner.run(12).problem.parameters()), stuck)
    ending = "never move again" if rests else "train on"
    raise Failed(f"after three NaN gradients all parameters are finite and {ending}")
