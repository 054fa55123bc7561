"""Parameter groups: each has its own learning rate, and no two parameters share state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from bench.build import components
from bench.build.param_groups import describe_matrices
from bench.check.findings import Failed
from bench.check.problems import make_standard
from bench.check.runner import Runner, distance, find_tensors
from bench.check.variants import set_decay
from bench.spec import NotApplicable, OptimizerSpec, RefusedInput

STEPS = 13
STILL = 1e-3
"""Of its usual way: so little may a group move at a learning rate of zero."""


def check_learning_rates(spec: OptimizerSpec) -> str:
    """A group at learning rate 0 stays while the others move, whichever group it is.

    Nothing is asked of how far the others move: some methods are global by design, with one step
    size or one norm for all parameters.
    """
    spec = set_decay(_split_groups(spec), 0.0)
    usual = _measure_ways(spec, stopped=None)
    for stopped in range(len(usual)):
        for group, way in enumerate(_measure_ways(spec, stopped)):
            if group == stopped and way > STILL * usual[group]:
                raise Failed(f"group {group} moves although its learning rate is 0")
            if group != stopped and way <= STILL * usual[group]:
                raise Failed(f"group {group} rests when group {stopped} has learning rate 0")
    if spec.param_groups == "matrices":
        return f"{len(usual)} groups; {describe_matrices(make_standard(spec))}"
    return f"{len(usual)} groups"


def _measure_ways(spec: OptimizerSpec, stopped: int | None) -> list[float]:
    """How far each group gets."""
    runner = Runner(spec, make_standard(spec))
    groups = runner.optimizer.param_groups
    if stopped is not None:
        groups[stopped]["lr"] = 0.0 * groups[stopped]["lr"]
    names = {parameter: name for name, parameter in runner.problem.named_parameters()}
    members = [[names[parameter] for parameter in group["params"]] for group in groups]
    before, after = runner.named(), runner.run(STEPS).named()
    return [distance([after[n] for n in own], [before[n] for n in own]) for own in members]


def _split_groups(spec: OptimizerSpec) -> OptimizerSpec:
    """With at least two parameter groups. Raises NotApplicable where that cannot be."""
    if spec.param_groups == "all" and not {"model", "sparse_gradients"} & set(spec.needs):
        spec = replace(spec, param_groups="no_decay_1d")
    try:
        groups = components.build_optimizer(spec, make_standard(spec)).param_groups
    except RefusedInput as error:
        if isinstance(error.__cause__, ValueError | NotImplementedError):
            raise NotApplicable(f"refuses two groups: {error.__cause__}") from error
        raise
    if len(groups) < 2:
        raise NotApplicable("has one parameter group")
    if not all("lr" in group for group in groups):
        raise NotApplicable("its groups have no learning rate")
    return spec


def check_own_state(spec: OptimizerSpec) -> str:
    """No byte of state belongs to two parameters."""
    with suppress(NotApplicable):  # one group will do
        spec = _split_groups(spec)
    runner = Runner(spec, make_standard(spec)).run(3)
    names: dict[Tensor, str] = {p: name for name, p in runner.problem.named_parameters()}
    owned: list[tuple[int, int, str, str]] = []
    for parameter, own in runner.optimizer.state.items():
        if isinstance(parameter, Tensor):
            owned += [(*span, names[parameter], key) for key, span in _list_spans(own)]
    owned.sort()
    for (_, end, owner, key), (start, _, other, other_key) in pairwise(owned):
        if start < end and owner != other:
            raise Failed(f"{key} of {owner} and {other_key} of {other} are the same memory")
    return f"{len(owned)} tensors" if owned else "keeps none"


def _list_spans(own: Any) -> Iterator[tuple[str, tuple[int, int]]]:
    """Name and first and last address of every tensor in one parameter's state."""
    for key, value in own.items():
        for tensor in find_tensors(value):
            if tensor.layout == torch.strided and tensor.numel():
                extent = sum(
                    (n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)
                )
                start = tensor.data_ptr()
                yield str(key), (start, start + (extent + 1) * tensor.element_size())
