"""Whether an optimizer uses what its YAML says it needs, and equals what it says it equals."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import torch

from bench.check.findings import Failed
from bench.check.problems import Problem, make_large, make_standard
from bench.check.runner import Runner, copy_tensors, distance, identical, seed
from bench.spec import NotApplicable, OptimizerSpec

STEPS, LONG, LIMIT_STEPS, LIMIT = 12, 60, 30, 1e-5


def check_needs(spec: OptimizerSpec) -> str:
    """Each need that costs something is made use of, and chance is declared where there is any."""
    found = [need for need in USED if need in spec.needs]
    for need in found:
        if not USED[need](spec):
            raise Failed(f"declares {need} without using it")
    if "random" not in spec.needs and _depends_on_seed(spec, make_standard(spec), LONG):
        raise Failed("another seed gives other numbers, and random is not declared")
    return ", ".join(found)


def _count_gradients(spec: OptimizerSpec) -> int:
    return Runner(spec, make_standard(spec)).run(STEPS).gradients


def _differentiates_again(spec: OptimizerSpec) -> bool:
    """Without the graph it fails, or goes elsewhere."""
    usual = Runner(spec, make_standard(spec)).run(STEPS).values()
    without = replace(spec, needs=tuple(need for need in spec.needs if need != "create_graph"))
    try:
        return not identical(Runner(without, make_standard(spec)).run(STEPS).values(), usual)
    except RuntimeError:  # autograd's: there is nothing to differentiate
        return True


def _is_evaluated_elsewhere(spec: OptimizerSpec) -> bool:
    """``eval()`` goes to another point; whether ``train()`` comes back is asked by ``modes``."""
    runner = Runner(spec, make_standard(spec)).run(STEPS)
    return not identical(runner.values(), copy_tensors(runner.problem.parameters()))


def _draws_random_numbers(spec: OptimizerSpec) -> bool:
    """Where matrices are small, a random start of an iteration may not be seen in its end."""
    return _depends_on_seed(spec, make_standard(spec), LONG) or _depends_on_seed(
        spec, make_large(spec), STEPS
    )


def _depends_on_seed(spec: OptimizerSpec, problem: Problem, steps: int) -> bool:
    ends = []
    for value in (1, 2):
        runner = Runner(spec, deepcopy(problem))
        seed(value)
        ends.append(runner.run(steps // 4 if "closure" in spec.needs else steps).values())
    return not identical(*ends)


USED: dict[str, Callable[[OptimizerSpec], bool]] = {
    "closure": lambda spec: _count_gradients(spec) >= STEPS,
    "two_gradients": lambda spec: _count_gradients(spec) > STEPS,
    "create_graph": _differentiates_again,
    "eval_mode": _is_evaluated_elsewhere,
    "random": _draws_random_numbers,
}
"""What shows that a need is made use of: one for every ``checked`` of ``spec.needs.NEEDS``."""


def check_modes(spec: OptimizerSpec) -> str:
    """``train()`` comes back from the point that ``eval()`` goes to."""
    if "eval_mode" not in spec.needs:
        raise NotApplicable("trains and is evaluated at the same point")
    runner = Runner(spec, make_standard(spec)).run(STEPS)
    training = copy_tensors(runner.problem.parameters())
    runner.values()  # there and back
    for before, after in zip(training, runner.problem.parameters(), strict=True):
        if not torch.allclose(before, after, rtol=1e-4, atol=1e-5):
            raise Failed(f"train() after eval() is {(before - after).abs().max():.1e} off")
    return ""


def check_limit(spec: OptimizerSpec) -> str:
    """Where its YAML says that it equals another optimizer, it does, in float64."""
    if not spec.limit:
        raise NotApplicable("its YAML declares none")
    arguments = dict(spec.limit["equals"])
    other = OptimizerSpec("limit.equals", arguments.pop("_target_"), arguments)
    # whole arguments, ones that its YAML leaves to the constructor included
    limit = replace(spec, arguments={**spec.arguments, **spec.limit["when"]})
    ours = Runner(limit, make_standard(spec).double())
    theirs = Runner(other, make_standard(spec).double())
    start = ours.values()
    end, expected = ours.run(LIMIT_STEPS).values(), theirs.run(LIMIT_STEPS).values()
    way = distance(expected, start)
    if not distance(end, expected) <= LIMIT * way:
        share = distance(end, expected) / way
        raise Failed(f"after {LIMIT_STEPS} updates {share:.1e} of the way from {other.target}")
    return f"equals {other.target}"
