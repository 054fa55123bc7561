"""The Lightning module that trains any task with any optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.runtime.guard import guard
from bench.runtime.lightning import pl
from bench.trial.evaluation import choose_batch_size, evaluate
from bench.trial.state import TrialState
from bench.trial.update import (
    CLOSURE_NEEDS,
    Gradient,
    recalibrate_statistics,
    update,
    use_evaluation_parameters,
)
from tasks.base import Task

CALIBRATION_STEPS = 50
"""Training batches that recalibrate running statistics, as Schedule-Free's authors do."""


class TrialParts(NamedTuple):
    """Model, optimizer and schedule of one trial."""

    model: nn.Module
    optimizer: Optimizer
    scheduler: LambdaLR | None


class LeanModule(pl.LightningModule):
    """A module for manual optimization of one trial or many, with little cost per step.

    ``EvaluationCallback`` reads it by slot; a trial alone has slot 0.

    Attributes:
        states: the state of each trial, by slot.
        losses: training losses since the last ``take_losses``, each ``[K]``, detached.
    """

    states: list[TrialState]
    losses: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.losses = []

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning sets this attribute twice a hook. The search of nn.Module.__setattr__ for
        # parameters, buffers and modules would cost a small model a fifth of its step.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @guard
    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Make one step of each trial; ``batch`` is inputs and targets."""
        self.train_on(*batch)

    def train_on(self, inputs: Tensor, targets: Tensor) -> None:
        """Make one update of each trial, and note its loss."""
        raise NotImplementedError

    def transfer_batch_to_device(self, batch: Any, device: torch.device, idx: int) -> Any:
        """Return the batch: it was gathered on the device."""
        return batch

    def take_losses(self) -> Tensor:
        """Return and clear the training losses, ``[n, K]`` float64 on the CPU."""
        losses = torch.stack(self.losses).double().cpu().reshape(len(self.losses), -1)
        self.losses.clear()
        return losses

    def count_gradients(self, steps: int) -> int:
        """Count the gradients that each trial computed in its first ``steps`` steps."""
        raise NotImplementedError

    def get_learning_rate(self, slot: int) -> float:
        """Return the current learning rate of one trial."""
        raise NotImplementedError

    def has_finite_parameters(self) -> Tensor:
        """Check that all parameters of each trial are finite: ``[K]``, bool, on the CPU."""
        raise NotImplementedError

    def use_evaluation_parameters(self) -> Any:
        """Open a context in which every trial that trains has the parameters to evaluate."""
        raise NotImplementedError

    def measure(self, split: str) -> dict[str, Tensor]:
        """Measure the metrics of a split for each trial, ``[K]`` float64 on the CPU by name."""
        raise NotImplementedError

    def measure_trial(self, slot: int, split: str) -> dict[str, float]:
        """Measure one trial, with the parameters that its optimizer evaluates at."""
        raise NotImplementedError

    def count_examples(self, split: str) -> int:
        """Count the examples of a split."""
        raise NotImplementedError


class TrialModule(LeanModule):
    """One model, trained by one optimizer on one task.

    Optimization is manual in Lightning's sense: ``bench.trial.update`` meets all that an optimizer
    needs beyond a gradient.
    """

    def __init__(self, task: Task, parts: TrialParts, state: TrialState) -> None:
        super().__init__()
        self.task, self.states = task, [state]
        self.model, self.optimizer, self.scheduler = parts
        spec = state.spec.optimizer
        self.needs = frozenset(spec.needs)
        if not self.needs & CLOSURE_NEEDS:
            self.optimizer.step = _drop_closure(self.optimizer.step)  # type: ignore[method-assign]
        self._gradient = Gradient(
            self.optimizer, self.model, self.needs, spec.clip_norm, self.manual_backward
        )

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer

    def train_on(self, inputs: Tensor, targets: Tensor) -> None:
        """Make one update and one schedule step on B inputs and targets."""
        gradient = self._gradient.bind(lambda: self.task.loss(self.model(inputs), targets))
        loss = update(self.optimizers(), gradient, self.needs)
        if self.scheduler is not None:
            self.scheduler.step()
        self.losses.append(loss.detach())

    def count_gradients(self, steps: int) -> int:
        return self._gradient.count

    def take_losses(self) -> Tensor:
        if self.trainer.world_size > 1:  # each rank has seen its own share of every batch
            losses = torch.stack(self.losses)
            self.losses = list(self.trainer.strategy.reduce(losses, reduce_op="mean"))
        return super().take_losses()

    def get_learning_rate(self, slot: int) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def has_finite_parameters(self) -> Tensor:
        finite = [torch.isfinite(p).all() for p in self.model.parameters()]
        return torch.stack(finite).all(dim=0, keepdim=True).cpu()

    @contextmanager
    def use_evaluation_parameters(self) -> Iterator[None]:
        with use_evaluation_parameters(self.optimizer, self.needs):
            if "eval_mode" not in self.needs:
                yield
                return
            with recalibrate_statistics(self.model, self._calibration_inputs):
                yield

    @guard
    def measure(self, split: str) -> dict[str, Tensor]:
        metrics = evaluate(self.task, self.model, split, self.device, self._convert)
        return {name: torch.tensor([value], dtype=torch.float64) for name, value in metrics.items()}

    @guard
    def measure_trial(self, slot: int, split: str) -> dict[str, float]:
        with self.use_evaluation_parameters():
            return evaluate(self.task, self.model, split, self.device, self._convert)

    def count_examples(self, split: str) -> int:
        return len(self.task.tensors(split, self.device)[1])

    def _convert(self, tensor: Tensor) -> Tensor:
        """Convert inputs or targets as Lightning does with those of training."""
        converted: Tensor = self.trainer.precision_plugin.convert_input(tensor)
        return converted

    @property
    def _calibration_inputs(self) -> list[Tensor]:
        """Inputs of training batches in a fixed order of their own."""
        inputs, _ = self.task.tensors("train", self.device)
        size = self.states[0].spec.batch_size
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
        rows = order[: CALIBRATION_STEPS * size].to(inputs.device)
        return [
            self._convert(inputs[part])
            for part in rows.split(min(size, choose_batch_size(self.task, self.device)))
        ]


def _drop_closure(step: Callable[..., Any]) -> Callable[..., Any]:
    """Drop the closure that Lightning gives to every ``step``, even where there is none.

    Some optimizers take no closure, and others act on it.
    """

    @wraps(step)
    def step_without_closure(closure: Any = None) -> Any:
        return step()

    return step_without_closure
