"""The optimizers of a stack: many alike as one step, any other as it is on its own slice.

``bench.build.components`` makes every trial's own optimizer and schedule first, as for a trial alone. Those
that are fusible (``bench.stack.fusion``) are then replaced, all alike together, by one that does
the same with a hyperparameter for each slice, read from the very parameter groups that were built.
The others stay: their parameters are views of their slice, their gradients views of one buffer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.runtime.isolation import mend
from bench.spec import TrialSpec
from bench.spec.errors import NOT_THEIRS
from bench.stack.fusion import fusion, kind_of, merged
from bench.stack.model import Gradients, StackedModel
from bench.trial.state import Course


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

    @cached_property
    def fusion(self) -> Hashable | None:
        """Equal for trials whose optimizers can be one (``bench.stack.fusion``)."""
        return fusion(self.optimizer, self.model, self.spec.optimizer.needs)


def in_order(trials: Sequence[StackedTrial]) -> list[StackedTrial]:
    """The trials with those that fuse side by side, and at the end those that do not."""
    keys = _fusions(trials)
    place = [len(keys) if key is None else keys.index(key) for key in keys]
    return [trials[at] for at in sorted(range(len(trials)), key=place.__getitem__)]


class Fused:
    """Neighbouring trials as one optimizer over their slices.

    Args:
        trials: of equal ``fusion``.
        first: slot of the first of them in the stack.
    """

    def __init__(self, trials: Sequence[StackedTrial], first: int, model: StackedModel) -> None:
        self.trials, self.size = list(trials), len(trials)
        self._slots = slice(first, first + self.size)
        kind = kind_of(trials[0].optimizer)
        assert kind is not None
        names = {id(p): name for name, p in trials[0].model.named_parameters()}
        self._params: dict[str, nn.Parameter] = {}
        groups: list[dict[str, Any]] = []
        self._rates = _rates(trials)
        for at, own in enumerate(trials[0].optimizer.param_groups):
            members = [names[id(p)] for p in own["params"]]
            self._params |= {
                name: nn.Parameter(model.slices(name)[self._slots]) for name in members
            }
            alike = [trial.optimizer.param_groups[at] for trial in trials]
            groups.append(
                {"params": [self._params[name] for name in members]}
                | {name: merged([group[name] for group in alike]) for name in kind.sliced}
                | {name: own[name] for name in kind.switches if name in own}
            )
            if self._rates is not None:
                groups[-1]["lr"] = self._rates[at][0].clone()  # one a slice, to be written to
        self.optimizer = kind.stacked(groups)
        if self._rates is not None:
            device = groups[0]["params"][0].device
            self._table = [rates.to(device) for rates in self._rates]
            self._steps = torch.zeros(1, dtype=torch.long, device=device)
        for slot, trial in enumerate(trials if kind.needs else ()):
            self._share_state(slot, trial)

    def step(self, gradients: Gradients) -> None:
        """One update of every trial, ended ones included: nobody looks at those any more."""
        for name, parameter in self._params.items():
            whole = gradients[name]
            parameter.grad = None if whole is None else whole[self._slots]
        self.optimizer.step()
        if self._rates is not None:
            self._steps += 1
            for group, rates in zip(self.optimizer.param_groups, self._table, strict=True):
                group["lr"].copy_(rates.index_select(0, self._steps)[0])

    def rate(self, slot: int, steps: int) -> float:
        """The learning rate of one trial after so many steps, of its first parameter group."""
        at = slot - self._slots.start
        if self._rates is not None:
            return float(self._rates[0][steps, at])
        return float(self.trials[at].optimizer.param_groups[0]["lr"])

    def _share_state(self, slot: int, trial: StackedTrial) -> None:
        """The trial's own optimizer sees its slice of the state: it knows where to evaluate."""
        for name, p in trial.model.named_parameters():
            if name in self._params:
                state = self.optimizer.state[self._params[name]]
                trial.optimizer.state[p] = {key: whole[slot] for key, whole in state.items()}


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

    def rate(self, slot: int, steps: int) -> float:
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


def all_fused(trials: Sequence[StackedTrial]) -> bool:
    """Whether no trial keeps an optimizer of its own."""
    return None not in _fusions(trials)


def optimizers(trials: Sequence[StackedTrial], model: StackedModel) -> list[Fused | Individuals]:
    """The optimizers of a stack whose trials are ``in_order``, in the order of their slots."""
    found: list[Fused | Individuals] = []
    keys = _fusions(trials)
    start = 0
    for end in range(1, len(trials) + 1):
        if end == len(trials) or keys[end] != keys[start]:
            make = Individuals if keys[start] is None else Fused
            found.append(make(trials[start:end], start, model))
            start = end
    return found


def _fusions(trials: Sequence[StackedTrial]) -> list[Hashable | None]:
    """Equal for trials whose optimizers are one; None for those that keep their own."""
    keys = [trial.fusion for trial in trials]
    alike = Counter(keys)
    return [key if alike[key] > 1 else None for key in keys]


def _one(step: int) -> float:
    return 1.0


def _rates(trials: Sequence[StackedTrial]) -> list[Tensor] | None:
    """Each group's learning rates after 0, 1, … steps, ``[steps + 1, K]``; None: they never move.

    By the same product as ``LambdaLR``'s: the initial rate times the factor.
    """
    if all(trial.scheduler is None for trial in trials):
        return None
    steps = trials[0].spec.budget.steps
    groups = range(len(trials[0].optimizer.param_groups))
    tables: dict[str, list[list[float]]] = {}
    for trial in trials:
        schedule = repr(trial.spec.schedule)
        if schedule not in tables:
            own = trial.scheduler.lr_lambdas if trial.scheduler else [_one] * len(groups)
            tables[schedule] = [[factor(step) for factor in own] for step in range(steps + 1)]
    factors = [tables[repr(trial.spec.schedule)] for trial in trials]
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
