"""Interruption and repetition: what is saved, copied or run again continues to the same numbers."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from functools import partial

import torch

from bench.check.findings import Failed
from bench.check.problems import make_standard
from bench.check.runner import Runner, distance, identical, seed
from bench.spec import OptimizerSpec

BEFORE, AFTER = 12, 13
"""Updates before and after: past the usual periods (5, 10) of things done now and then."""


def check_state_dict(spec: OptimizerSpec) -> str:
    return _check_continuation(spec, _copy_through_file)


def check_copies(spec: OptimizerSpec) -> str:
    """By ``copy.deepcopy`` and through ``pickle``."""
    _check_continuation(spec, partial(_copy_together, copy.deepcopy))
    through_pickle = partial(_copy_together, lambda pair: pickle.loads(pickle.dumps(pair)))
    return _check_continuation(spec, through_pickle)


def check_determinism(spec: OptimizerSpec) -> str:
    first, second = (Runner(spec, make_standard(spec)).run(BEFORE).values() for _ in range(2))
    if not identical(first, second):
        raise Failed(f"the same seed gives other numbers, {distance(first, second):.1e} apart")
    return ""


def _check_continuation(spec: OptimizerSpec, copier: Callable[[Runner], Runner]) -> str:
    """Raises Failed where a copy does not go the way of its original."""
    original = Runner(spec, make_standard(spec)).run(BEFORE)
    start = original.values()
    other = copier(original)
    if not identical(other.values(), start):
        raise Failed("the copy starts elsewhere")
    ends = []
    for runner in (original, other):
        seed(1)
        ends.append(runner.run(AFTER).values())
    if not identical(*ends):
        share = distance(*ends) / distance(ends[0], start)
        raise Failed(f"after {AFTER} more updates the two are {share:.1e} of their way apart")
    return ""


def _copy_through_file(runner: Runner) -> Runner:
    """A new optimizer over a copy of the model, and ``state_dict`` saved and loaded."""
    file = io.BytesIO()
    torch.save(runner.optimizer.state_dict(), file)
    file.seek(0)
    other = Runner(runner.spec, copy.deepcopy(runner.problem))
    other.optimizer.load_state_dict(torch.load(file, weights_only=False))
    other.gradients = runner.gradients
    return other


def _copy_together(copier: Callable[[tuple], tuple], runner: Runner) -> Runner:
    """Model and optimizer copied together, so that the copy's parameters are the copied model's."""
    other = copy.copy(runner)
    other.problem, other.optimizer = copier((runner.problem, runner.optimizer))
    return other
