"""Which optimizers of a stack become one, and as what.

Those of a class named here, whose options are no others than the stacked twin has; two of them fuse
where their switches and parameter groups are the same. Any other optimizer keeps to its own slice.
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
from bench.stack.fused import Sliced
from bench.stack.rules import Rule

Groups = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Fusible:
    """How optimizers of a class become one.

    Attributes:
        name: of the algorithm; classes of one fuse with each other.
        stacked: from parameter groups to the one, whose hyperparameters may be tensors ``[K]``.
        sliced: hyperparameters that may differ between trials.
        switches: options that must be equal.
        needs: of ``bench.needs``, what the stacked one meets.
        required: options that the stacked one lacks, and the value that means their absence.
    """

    name: str
    stacked: Callable[[Groups], Optimizer]
    sliced: tuple[str, ...]
    switches: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()
    required: Mapping[str, Any] = field(default_factory=dict)


def _by(
    rule: Rule,
    *sliced: str,
    switches: tuple[str, ...] = (),
    needs: frozenset[str] = frozenset(),
    **required: Any,
) -> Fusible:
    names = ("lr", "weight_decay", *sliced)
    stacked = partial(Sliced, rule=rule, sliced=names)
    return Fusible(rule.name, stacked, names, switches, needs, required)


def _adam(groups: Groups) -> Optimizer:
    """Our Adam; on a GPU its t is there too, so that a step can be captured."""
    capturable = groups[0]["params"][0].is_cuda
    return Adam(groups, lr=0.0, capturable=capturable)


_ADAM = Fusible(
    "adam",
    _adam,
    ("lr", "betas", "eps", "weight_decay"),
    ("amsgrad", "maximize", "decoupled_weight_decay", "bias_correction", "eps_inside_root"),
    required={"implementation": "auto"},
)
_TORCH, _LIBRARY = "torch.optim", "pytorch_optimizer.optimizer"
_DECOUPLED: dict[str, Any] = {"weight_decouple": True, "fixed_decay": False}
_FREE: dict[str, Any] = {"warmup_steps": 0, "decoupling_c": 0}
_FREE |= {"ams_bound": False, "use_palm": False, "train_mode": True}
FUSIBLE: dict[str, Fusible] = {
    "bench.optimizers.adam.optimizer.Adam": _ADAM,
    "bench.optimizers.adam.optimizer.AdamW": _ADAM,
    f"{_TORCH}.adam.Adam": _ADAM,
    f"{_TORCH}.adamw.AdamW": _ADAM,
    f"{_TORCH}.sgd.SGD": _by(rules.SGD, "momentum", switches=("nesterov",), dampening=0),
    f"{_TORCH}.rmsprop.RMSprop": _by(
        rules.RMSPROP, "alpha", "eps", "momentum", switches=("centered",)
    ),
    f"{_TORCH}.adagrad.Adagrad": _by(rules.ADAGRAD, "lr_decay", "eps", "initial_accumulator_value"),
    f"{_TORCH}.adadelta.Adadelta": _by(rules.ADADELTA, "rho", "eps"),
    f"{_TORCH}.adamax.Adamax": _by(rules.ADAMAX, "betas", "eps"),
    f"{_TORCH}.nadam.NAdam": _by(
        rules.NADAM, "betas", "eps", "momentum_decay", switches=("decoupled_weight_decay",)
    ),
    f"{_LIBRARY}.lion.Lion": _by(rules.LION, "betas", **_DECOUPLED),
    f"{_LIBRARY}.sgd.SignSGD": _by(rules.SIGNUM, "momentum", weight_decouple=True),
    f"{_LIBRARY}.ademamix.AdEMAMix": _by(
        rules.ADEMAMIX,
        *("betas", "eps", "alpha"),
        switches=("weight_decouple",),
        fixed_decay=False,
        t_alpha_beta3=None,
    ),
    f"{_LIBRARY}.schedulefree.ScheduleFreeAdamW": _by(
        rules.SCHEDULE_FREE,
        *("betas", "eps", "r", "weight_lr_power"),
        needs=frozenset({"eval_mode"}),
        **_FREE,
    ),
}
"""By the dotted path of the class."""
NOWHERE = {"maximize": False, "capturable": False, "differentiable": False}
"""Options that no rule has, required of whatever is not Adam; Adam's own allow ``maximize``."""
IRRELEVANT = {"params", "initial_lr", "foreach", "fused", "step", "weight_sum", "lr_max"}
"""What a group holds beyond its rule: who is in it, what it keeps, how the rule is computed."""


def kind_of(optimizer: Optimizer) -> Fusible | None:
    """What an optimizer could become; None for one that stays its own."""
    own = type(optimizer)
    return FUSIBLE.get(f"{own.__module__}.{own.__qualname__}")


def fusion(optimizer: Optimizer, model: nn.Module, needs: Sequence[str]) -> Hashable | None:
    """Equal for optimizers of models of one architecture that can be one; None for one that cannot.

    Args:
        needs: those that its trial declares.
    """
    kind = kind_of(optimizer)
    if kind is None or set(needs) - kind.needs or getattr(optimizer, "maximize", False):
        return None
    required = {k: v for k, v in NOWHERE.items() if k not in kind.switches} | dict(kind.required)
    known = {*kind.sliced, *kind.switches, *required, *IRRELEVANT}
    names = {id(p): name for name, p in model.named_parameters()}
    layout = []
    for group in optimizer.param_groups:
        tensors = [name for name in kind.sliced if isinstance(group[name], Tensor)]
        unlike = [name for name, value in required.items() if group.get(name, value) != value]
        if tensors or unlike or group.keys() - known:
            return None
        switches = tuple((name, group[name]) for name in kind.switches if name in group)
        layout.append((tuple(names[id(p)] for p in group["params"]), switches))
    return kind.name, tuple(layout)


def merged(values: Sequence[Any]) -> Any:
    """One number where all are equal, else ``[K]`` float64; betas element by element."""
    if isinstance(values[0], tuple | list):
        return tuple(merged(each) for each in zip(*values, strict=True))
    if all(value == values[0] for value in values):
        return values[0]
    return torch.tensor(values, dtype=torch.float64)
