"""The optimizers of a stack: many alike as one step, any other as it is on its own slice.

``bench.build`` makes every trial's own optimizer and schedule first, as for a trial alone. Those
of a class in ``FUSIBLE`` whose options allow it are then replaced, all alike together, by one that
does the same with a hyperparameter for each slice, read from the very parameter groups that were
built. The others stay: their parameters are views of their slice, their gradients views of one
buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.faults import NOT_THEIRS
from bench.isolation import mend
from bench.optimizers.adam import Adam, AdamW
from bench.spec import TrialSpec
from bench.stack.model import Gradients, StackedModel
from bench.stack.sgd import StackedSGD
from bench.trial.course import Course


@dataclass(eq=False)
class StackedTrial:
    """One trial of a stack: its life, and what it was built from.

    Attributes:
        model: its own; in a stack the parameters are views of its slice.
    """

    course: Course
    model: nn.Module
    optimizer: Optimizer
    scheduler: LambdaLR | None

    @property
    def spec(self) -> TrialSpec:
        return self.course.spec


@dataclass(frozen=True)
class Fusible:
    """How optimizers of a class become one.

    Attributes:
        stacked: the class whose hyperparameters may be tensors ``[K]``.
        sliced: arguments that may differ between trials.
        switches: arguments that must be equal.
    """

    stacked: Callable[..., Optimizer]
    sliced: tuple[str, ...]
    switches: tuple[str, ...]


_ADAM = Fusible(
    Adam,
    ("lr", "betas", "eps", "weight_decay"),
    ("amsgrad", "maximize", "decoupled_weight_decay", "bias_correction", "eps_inside_root"),
)
_SGD = Fusible(StackedSGD, ("lr", "momentum", "weight_decay"), ("nesterov", "maximize"))
FUSIBLE: dict[type[Optimizer], Fusible] = {
    Adam: _ADAM,
    AdamW: _ADAM,
    torch.optim.Adam: _ADAM,
    torch.optim.AdamW: _ADAM,
    torch.optim.SGD: _SGD,
}
REQUIRED = {"capturable": False, "differentiable": False, "dampening": 0, "implementation": "auto"}
"""Options that the stacked classes do not have, and the value that means their absence."""
IRRELEVANT = {"params", "initial_lr", "foreach", "fused"}
"""What a group holds beyond its rule: who is in it, a schedule's note, how the rule is computed."""


def fusion(trial: StackedTrial) -> Hashable | None:
    """Equal for trials whose optimizers can be one; None for an optimizer that stays its own."""
    optimizer = trial.optimizer
    kind = FUSIBLE.get(type(optimizer))
    if kind is None or trial.spec.optimizer.needs:
        return None
    known = {*kind.sliced, *kind.switches, *REQUIRED, *IRRELEVANT}
    names = _names(trial.model)
    layout = []
    for group in optimizer.param_groups:
        tensors = [name for name in kind.sliced if isinstance(group[name], Tensor)]
        unlike = [name for name, value in REQUIRED.items() if group.get(name, value) != value]
        if tensors or unlike or group.keys() - known:
            return None
        switches = tuple((name, group[name]) for name in kind.switches if name in group)
        layout.append((tuple(names[id(p)] for p in group["params"]), switches))
    return kind.stacked, tuple(layout)


def in_order(trials: Sequence[StackedTrial]) -> list[StackedTrial]:
    """The trials with those that fuse side by side, and at the end those that do not."""
    keys = [fusion(trial) for trial in trials]
    place = [len(keys) if key is None else keys.index(key) for key in keys]
    return [trials[at] for at in sorted(range(len(trials)), key=place.__getitem__)]


class Fused:
    """Neighbouring trials as one optimizer over their slices.

    Args:
        trials: of equal ``fusion``.
        first: slot of the first of them in the stack.
    """

    def __init__(self, trials: Sequence[StackedTrial], first: int, model: StackedModel) -> None:
        self.size = len(trials)
        self._slots = slice(first, first + self.size)
        kind = FUSIBLE[type(trials[0].optimizer)]
        names = _names(trials[0].model)
        self._params: dict[str, nn.Parameter] = {}
        groups: list[dict[str, Any]] = []
        for at, own in enumerate(trials[0].optimizer.param_groups):
            members = [names[id(p)] for p in own["params"]]
            self._params |= {
                name: nn.Parameter(model.slices(name)[self._slots]) for name in members
            }
            alike = [trial.optimizer.param_groups[at] for trial in trials]
            groups.append(
                {"params": [self._params[name] for name in members]}
                | {name: _merged([group[name] for group in alike]) for name in kind.sliced}
                | {name: own[name] for name in kind.switches if name in own}
            )
        self._rates = _rates(trials)
        for group, rates in zip(groups, self._rates or [], strict=False):
            if (rates != rates[:, :1]).any():
                group["lr"] = rates[0].clone()  # one a slice, though all may be equal at first
        self.optimizer = kind.stacked(groups, lr=0.0)
        self._steps = 0

    def step(self, gradients: Gradients) -> None:
        """One update of every trial, ended ones included: nobody looks at those any more."""
        for name, parameter in self._params.items():
            whole = gradients[name]
            parameter.grad = None if whole is None else whole[self._slots]
        self.optimizer.step()
        self._steps += 1
        if self._rates is not None:
            for group, rates in zip(self.optimizer.param_groups, self._rates, strict=True):
                if isinstance(group["lr"], Tensor):
                    group["lr"].copy_(rates[self._steps])
                else:
                    group["lr"] = float(rates[self._steps, 0])

    def rate(self, slot: int) -> float:
        """The learning rate of one trial, of its first parameter group."""
        rate = self.optimizer.param_groups[0]["lr"]
        return float(rate[slot - self._slots.start] if isinstance(rate, Tensor) else rate)


class Individuals:
    """Trials each with its own, unmodified optimizer and schedule.

    Args:
        trials: the last of the stack.
        first: slot of the first of them.
    """

    def __init__(self, trials: Sequence[StackedTrial], first: int, model: StackedModel) -> None:
        self.trials, self.size, self._first = list(trials), len(trials), first
        self._gradients = {
            name: torch.zeros_like(model.slices(name)[first:]) for name in model.trained
        }
        self._bound = [self._bind(at, model) for at in range(len(self.trials))]

    def step(self, gradients: Gradients) -> None:
        """One update of every trial that has not ended; what raises ends that trial alone."""
        for name, own in self._gradients.items():
            whole = gradients[name]
            if whole is not None:
                own.copy_(whole[self._first :])
        for at, trial in enumerate(self.trials):
            if trial.course.live:
                try:
                    self._step(at, gradients)
                except NOT_THEIRS:
                    raise
                except BaseException as error:
                    trial.course.fail(error)
                mend()

    def rate(self, slot: int) -> float:
        """The learning rate of one trial, of its first parameter group."""
        return float(self.trials[slot - self._first].optimizer.param_groups[0]["lr"])

    def _bind(self, at: int, model: StackedModel) -> list[tuple[str, nn.Parameter, Tensor, Tensor]]:
        """Name, parameter, its slice and its gradient's slice."""
        return [
            (name, p, model.slices(name)[self._first + at], self._gradients[name][at])
            for name, p in self.trials[at].model.named_parameters()
            if name in self._gradients
        ]

    def _step(self, at: int, gradients: Gradients) -> None:
        for name, p, _, gradient in self._bound[at]:
            wanted = None if gradients[name] is None else gradient
            if p.grad is not wanted:  # an optimizer may put something else there
                p.grad = wanted
        trial = self.trials[at]
        trial.optimizer.step()
        if trial.scheduler is not None:
            trial.scheduler.step()
        for _, p, place, _ in self._bound[at]:
            if p.data_ptr() != place.data_ptr():  # the optimizer gave it new memory
                place.copy_(p.detach())
                p.data = place


def optimizers(trials: Sequence[StackedTrial], model: StackedModel) -> list[Fused | Individuals]:
    """The optimizers of a stack whose trials are ``in_order``, in the order of their slots."""
    found: list[Fused | Individuals] = []
    keys = [fusion(trial) for trial in trials]
    start = 0
    for end in range(1, len(trials) + 1):
        if end == len(trials) or keys[end] != keys[start]:
            make = Individuals if keys[start] is None else Fused
            found.append(make(trials[start:end], start, model))
            start = end
    return found


def _names(model: nn.Module) -> dict[int, str]:
    return {id(p): name for name, p in model.named_parameters()}


def _merged(values: Sequence[Any]) -> Any:
    """One number where all are equal, else ``[K]`` float64; betas element by element."""
    if isinstance(values[0], tuple | list):
        return tuple(_merged(each) for each in zip(*values, strict=True))
    if all(value == values[0] for value in values):
        return values[0]
    return torch.tensor(values, dtype=torch.float64)


def _rates(trials: Sequence[StackedTrial]) -> list[Tensor] | None:
    """Each group's learning rates after 0, 1, … steps, ``[steps + 1, K]``; None: they never move.

    By the same product as ``LambdaLR``'s: the initial rate times the factor.
    """
    if all(trial.scheduler is None for trial in trials):
        return None
    steps = trials[0].spec.budget.steps
    groups = range(len(trials[0].optimizer.param_groups))
    factors = [
        [[1.0] * len(groups)] * (steps + 1)
        if trial.scheduler is None
        else [[factor(step) for factor in trial.scheduler.lr_lambdas] for step in range(steps + 1)]
        for trial in trials
    ]
    initial = [
        [group.get("initial_lr", group["lr"]) for group in trial.optimizer.param_groups]
        for trial in trials
    ]
    return [
        torch.tensor(
            [
                [start[at] * table[step][at] for start, table in zip(initial, factors, strict=True)]
                for step in range(steps + 1)
            ],
            dtype=torch.float64,
        )
        for at in groups
    ]
