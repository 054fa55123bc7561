"""Interruption and repetition: what is saved, copied or run again continues to the same numbers."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable

import torch

from bench.check.findings import Failed
from bench.check.problems import standard
from bench.check.runner import Drive, distance, identical, seed
from bench.spec import OptimizerSpec

BEFORE, AFTER = 12, 13
"""Updates before and after: past the usual periods (5, 10) of things done now and then."""


def state_dict(spec: OptimizerSpec) -> str:
    return _continues(spec, _through_file)


def copied(spec: OptimizerSpec) -> str:
    """By ``copy.deepcopy`` and through ``pickle``."""
    _continues(spec, _through(copy.deepcopy))
    return _continues(spec, _through(lambda pair: pickle.loads(pickle.dumps(pair))))


def deterministic(spec: OptimizerSpec) -> str:
    first, second = (Drive(spec, standard(spec)).run(BEFORE).values() for _ in range(2))
    if not identical(first, second):
        raise Failed(f"the same seed gives other numbers, {distance(first, second):.1e} apart")
    return ""


def _continues(spec: OptimizerSpec, copier: Callable[[Drive], Drive]) -> str:
    """Raises Failed where a copy does not go the way of its original."""
    original = Drive(spec, standard(spec)).run(BEFORE)
    start = original.values()
    other = copier(original)
    if not identical(other.values(), start):
        raise Failed("the copy starts elsewhere")
    ends = []
    for drive in (original, other):
        seed(1)
        ends.append(drive.run(AFTER).values())
    if not identical(*ends):
        share = distance(*ends) / distance(ends[0], start)
        raise Failed(f"after {AFTER} more updates the two are {share:.1e} of their way apart")
    return ""


def _through_file(drive: Drive) -> Drive:
    """A new optimizer over a copy of the model, and ``state_dict`` saved and loaded."""
    file = io.BytesIO()
    torch.save(drive.optimizer.state_dict(), file)
    file.seek(0)
    other = Drive(drive.spec, copy.deepcopy(drive.problem))
    other.optimizer.load_state_dict(torch.load(file, weights_only=False))
    other.gradients = drive.gradients
    return other


def _through(copier: Callable[[tuple], tuple]) -> Callable[[Drive], Drive]:
    """Model and optimizer copied together, so that the copy's parameters are the copied model's."""

    def copy_of(drive: Drive) -> Drive:
        other = object.__new__(Drive)
        other.__dict__ = dict(vars(drive))
        other.problem, other.optimizer = copier((drive.problem, drive.optimizer))
        return other

    return copy_of
