"""The optimizers of a stack: fused where they are alike, else one for each slice.

Every trial's optimizer and schedule are built first, as for a trial alone. Those that can be fused
(``bench.stack.fusion``) are replaced by one optimizer with a hyperparameter for each slice, read
from the parameter groups that were built. The others stay: their parameters are views of their
slice, their gradients views of one buffer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.runtime.guard import raise_stop
from bench.runtime.isolation import repair_torch
from bench.spec import TrialSpec
from bench.spec.errors import UserCodeError
from bench.stack.fusion import compute_fusion_key, find_fusion, merge_values
from bench.stack.model import Gradients, StackedModel
from bench.trial.state import TrialState


@dataclass(eq=False)
class StackedTrial:
    """One trial of a stack: its state and its parts.

    Attributes:
        model: in a stack its parameters are views of the trial's slice.
    """

    state: TrialState
    model: nn.Module
    optimizer: Optimizer
    scheduler: LambdaLR | None

    @property
    def spec(self) -> TrialSpec:
        return self.state.spec

    @cached_property
    def fusion_key(self) -> Hashable | None:
        """A key that is equal for trials whose optimizers can be one; None for no other."""
        return compute_fusion_key(self.optimizer, self.model, self.spec.optimizer.needs)


def sort_by_fusion(trials: Sequence[StackedTrial]) -> list[StackedTrial]:
    """Sort trials that fuse side by side, with those that do not at the end."""
    keys = _compute_fusion_keys(trials)
    order = [len(keys) if key is None else keys.index(key) for key in keys]
    return [trials[slot] for slot in sorted(range(len(trials)), key=order.__getitem__)]


class FusedTrials:
    """Neighbouring trials as one optimizer over their slices.

    Args:
        trials: of equal ``fusion_key``.
        first: the slot of the first trial in the stack.
    """

    def __init__(self, trials: Sequence[StackedTrial], first: int, model: StackedModel) -> None:
        self.trials, self.size = list(trials), len(trials)
        self._slots = slice(first, first + self.size)
        fusion = find_fusion(trials[0].optimizer)
        assert fusion is not None
        names = {id(p): name for name, p in trials[0].model.named_parameters()}
        self._params: dict[str, nn.Parameter] = {}
        groups: list[dict[str, Any]] = []
        self._rates = _tabulate_rates(trials)
        for at, first_group in enumerate(trials[0].optimizer.param_groups):
            members = [names[id(p)] for p in first_group["params"]]
            self._params |= {
                name: nn.Parameter(model.get_slices(name)[self._slots]) for name in members
            }
            alike = [trial.optimizer.param_groups[at] for trial in trials]
            merged = {
                name: merge_values([group[name] for group in alike])
                for name in fusion.hyperparameters
            }
            switches = {name: first_group[name] for name in fusion.switches if name in first_group}
            params = [self._params[name] for name in members]
            groups.append({"params": params} | merged | switches)
            if self._rates is not None:
                groups[-1]["lr"] = self._rates[at][0].clone()  # one a slice, to be written to
        self.optimizer = fusion.build(groups)
        if self._rates is not None:
            device = groups[0]["params"][0].device
            self._table = [rates.to(device) for rates in self._rates]
            self._steps = torch.zeros(1, dtype=torch.long, device=device)
        for at, trial in enumerate(trials if fusion.needs else ()):
            self._share_state(at, trial)

    def step(self, gradients: Gradients) -> None:
        """Update every trial, ended ones included: nobody reads those any more."""
        for name, parameter in self._params.items():
            whole = gradients[name]
            parameter.grad = None if whole is None else whole[self._slots]
        self.optimizer.step()
        if self._rates is not None:
            self._steps += 1
            for group, rates in zip(self.optimizer.param_groups, self._table, strict=True):
                group["lr"].copy_(rates.index_select(0, self._steps)[0])

    def get_learning_rate(self, slot: int, steps: int) -> float:
        """Return the learning rate of a trial's first parameter group after ``steps`` steps."""
        at = slot - self._slots.start
        if self._rates is not None:
            return float(self._rates[0][steps, at])
        return float(self.trials[at].optimizer.param_groups[0]["lr"])

    def _share_state(self, at: int, trial: StackedTrial) -> None:
        """Give the trial's own optimizer its slice of the state: it knows where to evaluate."""
        for name, p in trial.model.named_parameters():
            if name in self._params:
                state = self.optimizer.state[self._params[name]]
                trial.optimizer.state[p] = {key: whole[at] for key, whole in state.items()}


class SeparateTrials:
    """Trials that each keep their own, unmodified optimizer and schedule.

    Args:
        trials: the last ones of the stack.
        first: the slot of the first of them.
    """

    def __init__(self, trials: Sequence[StackedTrial], first: int, model: StackedModel) -> None:
        self.trials, self.size, self._first = list(trials), len(trials), first
        self._gradients = {
            name: torch.zeros_like(model.get_slices(name)[first:]) for name in model.trained
        }
        self._bound = [self._bind(at, model) for at in range(len(self.trials))]

    def step(self, gradients: Gradients) -> None:
        """Update every trial that has not ended; an exception ends its trial alone."""
        for name, buffer in self._gradients.items():
            whole = gradients[name]
            if whole is not None:
                buffer.copy_(whole[self._first :])
        for at, trial in enumerate(self.trials):
            if trial.state.is_training:
                try:
                    self._step(at, gradients)
                except BaseException as error:
                    raise_stop(error)
                    trial.state.fail(UserCodeError.wrap(error))
                repair_torch()

    def get_learning_rate(self, slot: int, steps: int) -> float:
        """Return the current learning rate of a trial's first parameter group."""
        return float(self.trials[slot - self._first].optimizer.param_groups[0]["lr"])

    def _bind(self, at: int, model: StackedModel) -> list[tuple[str, nn.Parameter, Tensor, Tensor]]:
        """Return name, parameter, its slice and its gradient's slice, for each parameter."""
        return [
            (name, p, model.get_slices(name)[self._first + at], self._gradients[name][at])
            for name, p in self.trials[at].model.named_parameters()
            if name in self._gradients
        ]

    def _step(self, at: int, gradients: Gradients) -> None:
        for name, p, _, gradient in self._bound[at]:
            expected = None if gradients[name] is None else gradient
            if p.grad is not expected:  # an optimizer may put something else there
                p.grad = expected
        trial = self.trials[at]
        trial.optimizer.step()
        if trial.scheduler is not None:
            trial.scheduler.step()
        for _, p, slice_, _ in self._bound[at]:
            if p.data_ptr() != slice_.data_ptr():  # the optimizer gave it new memory
                slice_.copy_(p.detach())
                p.data = slice_


def are_all_fused(trials: Sequence[StackedTrial]) -> bool:
    """Return True where no trial keeps its own optimizer."""
    return None not in _compute_fusion_keys(trials)


def group_trials(
    trials: Sequence[StackedTrial], model: StackedModel
) -> list[FusedTrials | SeparateTrials]:
    """Group the sorted trials of a stack by optimizer, in the order of their slots."""
    groups: list[FusedTrials | SeparateTrials] = []
    start = 0
    for key, alike in groupby(_compute_fusion_keys(trials)):
        end = start + len(list(alike))
        make = SeparateTrials if key is None else FusedTrials
        groups.append(make(trials[start:end], start, model))
        start = end
    return groups


def _compute_fusion_keys(trials: Sequence[StackedTrial]) -> list[Hashable | None]:
    """Return equal keys for trials whose optimizers are one; None for those that keep theirs."""
    keys = [trial.fusion_key for trial in trials]
    counts = Counter(keys)
    return [key if counts[key] > 1 else None for key in keys]


def _tabulate_rates(trials: Sequence[StackedTrial]) -> list[Tensor] | None:
    """Tabulate each group's learning rates after 0, 1, … steps, ``[steps + 1, K]``.

    None where they never move. A rate is the product of ``LambdaLR``: initial rate times factor.
    """
    if all(trial.scheduler is None for trial in trials):
        return None
    steps, groups = trials[0].spec.budget.steps, len(trials[0].optimizer.param_groups)
    unscaled = [lambda step: 1.0] * groups
    tables: dict[str, list[list[float]]] = {}
    for trial in trials:
        schedule = repr(trial.spec.schedule)
        if schedule not in tables:
            lambdas = trial.scheduler.lr_lambdas if trial.scheduler else unscaled
            tables[schedule] = [[factor(step) for factor in lambdas] for step in range(steps + 1)]
    factors = [tables[repr(trial.spec.schedule)] for trial in trials]
    initial = [
        [[group.get("initial_lr", group["lr"]) for group in trial.optimizer.param_groups]]
        for trial in trials
    ]
    factor = torch.tensor(factors, dtype=torch.float64)  # [K, steps + 1, groups]
    rates = torch.tensor(initial, dtype=torch.float64) * factor
    return [table.T.contiguous() for table in rates.unbind(dim=2)]
