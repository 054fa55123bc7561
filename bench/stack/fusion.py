"""Fusion of the optimizers of a stack: which of them can be one optimizer, and how it is built.

Optimizers of the classes in ``FUSIONS`` fuse where their switches and parameter groups are equal
and all their options are known here. Any other optimizer keeps its own slice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bench.optimizers.adam import Adam
from bench.stack import rules
from bench.stack.fused import FusedOptimizer
from bench.stack.rules import Rule

Groups = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Fusion:
    """The way from K optimizers of a class to one.

    Attributes:
        name: the algorithm; classes of one algorithm fuse with each other.
        build: makes the one from parameter groups, whose hyperparameters may be tensors ``[K]``.
        hyperparameters: may differ between trials.
        switches: options that must be equal.
        needs: the part of ``bench.needs`` that the one meets.
        required_options: options that the one lacks, with the value that means their absence.
    """

    name: str
    build: Callable[[Groups], Optimizer]
    hyperparameters: tuple[str, ...]
    switches: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    required_options: Mapping[str, Any] = field(default_factory=dict)


def _fuse(
    rule: Rule,
    *hyperparameters: str,
    switches: tuple[str, ...] = (),
    needs: frozenset[str] = frozenset(),
    **required: Any,
) -> Fusion:
    names = ("lr", "weight_decay", *hyperparameters)
    build = partial(FusedOptimizer, rule=rule, hyperparameters=names)
    return Fusion(rule.name, build, names, switches, needs, required)


def _build_adam(groups: Groups) -> Optimizer:
    """Build our Adam; on a GPU its t is there too, so that a step can be captured."""
    capturable = groups[0]["params"][0].is_cuda
    return Adam(groups, lr=0.0, capturable=capturable)


_ADAM = Fusion(
    "adam",
    _build_adam,
    ("lr", "betas", "eps", "weight_decay"),
    ("amsgrad", "maximize", "decoupled_weight_decay", "bias_correction", "eps_inside_root"),
    required_options={"implementation": "auto"},
)
_TORCH, _LIBRARY = "torch.optim", "pytorch_optimizer.optimizer"
_DECOUPLED: dict[str, Any] = {"weight_decouple": True, "fixed_decay": False}
_SCHEDULE_FREE: dict[str, Any] = {"warmup_steps": 0, "decoupling_c": 0}
_SCHEDULE_FREE |= {"ams_bound": False, "use_palm": False, "train_mode": True}
FUSIONS: dict[str, Fusion] = {
    "bench.optimizers.adam.optimizer.Adam": _ADAM,
    "bench.optimizers.adam.optimizer.AdamW": _ADAM,
    f"{_TORCH}.adam.Adam": _ADAM,
    f"{_TORCH}.adamw.AdamW": _ADAM,
    f"{_TORCH}.sgd.SGD": _fuse(rules.SGD, "momentum", switches=("nesterov",), dampening=0),
    f"{_TORCH}.rmsprop.RMSprop": _fuse(
        rules.RMSPROP, "alpha", "eps", "momentum", switches=("centered",)
    ),
    f"{_TORCH}.adagrad.Adagrad": _fuse(
        rules.ADAGRAD, "lr_decay", "eps", "initial_accumulator_value"
    ),
    f"{_TORCH}.adadelta.Adadelta": _fuse(rules.ADADELTA, "rho", "eps"),
    f"{_TORCH}.adamax.Adamax": _fuse(rules.ADAMAX, "betas", "eps"),
    f"{_TORCH}.nadam.NAdam": _fuse(
        rules.NADAM, "betas", "eps", "momentum_decay", switches=("decoupled_weight_decay",)
    ),
    f"{_LIBRARY}.lion.Lion": _fuse(rules.LION, "betas", **_DECOUPLED),
    f"{_LIBRARY}.sgd.SignSGD": _fuse(rules.SIGNUM, "momentum", weight_decouple=True),
    f"{_LIBRARY}.ademamix.AdEMAMix": _fuse(
        rules.ADEMAMIX,
        *("betas", "eps", "alpha"),
        switches=("weight_decouple",),
        fixed_decay=False,
        t_alpha_beta3=None,
    ),
    f"{_LIBRARY}.schedulefree.ScheduleFreeAdamW": _fuse(
        rules.SCHEDULE_FREE,
        *("betas", "eps", "r", "weight_lr_power"),
        needs=frozenset({"eval_mode"}),
        **_SCHEDULE_FREE,
    ),
}
"""By the dotted path of the class."""
UNSUPPORTED_OPTIONS = {"maximize": False, "capturable": False, "differentiable": False}
"""Options that no rule has, with the value that is required. Adam's switches allow ``maximize``."""
IGNORED_OPTIONS = {"params", "initial_lr", "foreach", "fused", "step", "weight_sum", "lr_max"}
"""Entries of a group beyond its rule: its members, its memory, and how the rule is computed."""


def find_fusion(optimizer: Optimizer) -> Fusion | None:
    """Find the fusion of an optimizer's class; None for one that stays its own."""
    kind = type(optimizer)
    return FUSIONS.get(f"{kind.__module__}.{kind.__qualname__}")


def compute_fusion_key(
    optimizer: Optimizer, model: nn.Module, needs: Sequence[str]
) -> Hashable | None:
    """Compute a key that is equal for optimizers that can be one; None where none can.

    Args:
        model: all models of a stack have one architecture.
        needs: declared by the trial's optimizer.
    """
    fusion = find_fusion(optimizer)
    if fusion is None or set(needs) - fusion.needs or getattr(optimizer, "maximize", False):
        return None
    required = {k: v for k, v in UNSUPPORTED_OPTIONS.items() if k not in fusion.switches}
    required |= fusion.required_options
    known = {*fusion.hyperparameters, *fusion.switches, *required, *IGNORED_OPTIONS}
    names = {id(p): name for name, p in model.named_parameters()}
    layout = []
    for group in optimizer.param_groups:
        tensors = [name for name in fusion.hyperparameters if isinstance(group[name], Tensor)]
        unlike = [name for name, value in required.items() if group.get(name, value) != value]
        if tensors or unlike or group.keys() - known:
            return None
        switches = tuple((name, group[name]) for name in fusion.switches if name in group)
        layout.append((tuple(names[id(p)] for p in group["params"]), switches))
    return fusion.name, tuple(layout)


def merge_values(values: Sequence[Any]) -> Any:
    """Merge K values: one number where all are equal, else ``[K]`` float64; betas element-wise."""
    if isinstance(values[0], tuple | list):
        return tuple(merge_values(each) for each in zip(*values, strict=True))
    if all(value == values[0] for value in values):
        return values[0]
    return torch.tensor(values, dtype=torch.float64)
