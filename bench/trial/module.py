"""``TrialModule``: any task with any optimizer. The training step exists once, here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.runtime.lightning import pl
from bench.trial.evaluation import a_pass, evaluate
from bench.trial.state import Course
from bench.trial.update import CALLS_BACK, Gradient, averaged, recalibrated, update
from tasks.base import Task

CALIBRATION_STEPS = 50
"""Training batches from which running statistics are taken anew; as Schedule-Free's authors do."""


class Parts(NamedTuple):
    """What one trial is built from its seed."""

    model: nn.Module
    optimizer: Optimizer
    scheduler: LambdaLR | None


class LeanModule(pl.LightningModule):
    """Lightning's module for optimization by hand, without the cost of what is not used here.

    It trains one trial or many: a ``Watch`` sees all that it asks for by slot, 0 for a trial alone.

    Attributes:
        courses: the life of each trial, by slot.
        losses: training losses since they were last taken, each ``[K]`` on the device, detached.
    """

    courses: list[Course]
    losses: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.losses = []

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning notes the running hook's name in this attribute twice a hook; nn.Module's search
        # for parameters, buffers and modules would cost a small model a fifth of its step.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, idx: int) -> Any:
        """Batches are gathered on the device already."""
        return batch

    def take_losses(self) -> Tensor:
        """The training losses since the last call, ``[n, K]``, float64 on the CPU."""
        losses = torch.stack(self.losses).double().cpu().reshape(len(self.losses), -1)
        self.losses.clear()
        return losses

    def gradients(self, steps: int) -> int:
        """Gradients that one trial computed in so many steps."""
        raise NotImplementedError

    def rate(self, slot: int) -> float:
        """The learning rate of one trial now."""
        raise NotImplementedError

    def finite_parameters(self) -> Tensor:
        """Whether all parameters of a trial are finite: ``[K]``, bool, on the CPU."""
        raise NotImplementedError

    def averaged(self) -> Any:
        """A context in which the parameters of every live trial are those to evaluate."""
        raise NotImplementedError

    def measure(self, split: str) -> dict[str, Tensor]:
        """The metrics of a split for each trial, ``[K]`` float64 on the CPU by name."""
        raise NotImplementedError

    def measure_one(self, slot: int, split: str) -> dict[str, float]:
        """The same of one trial, its optimizer's evaluation point included."""
        raise NotImplementedError

    def examples(self, split: str) -> int:
        """How many a split has."""
        raise NotImplementedError


class TrialModule(LeanModule):
    """One model trained by one optimizer on one task.

    Optimization is manual in Lightning's sense: what an optimizer needs beyond a gradient is
    written out in ``bench.trial.update``, where it can be read and tested.
    """

    def __init__(self, task: Task, parts: Parts, course: Course) -> None:
        super().__init__()
        self.task, self.courses = task, [course]
        self.model, self.optimizer, self.scheduler = parts
        spec = course.spec.optimizer
        self.needs = frozenset(spec.needs)
        if not self.needs & CALLS_BACK:
            self.optimizer.step = _without_closure(self.optimizer.step)  # type: ignore[method-assign]
        self._gradient = Gradient(
            self.optimizer, self.model, self.needs, spec.clip_norm, self.manual_backward
        )

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Loss, gradient, update, schedule; ``batch`` is inputs and targets of B examples."""
        inputs, targets = batch
        gradient = self._gradient.of(lambda: self.task.loss(self.model(inputs), targets))
        loss = update(self.optimizers(), gradient, self.needs)
        if self.scheduler is not None:
            self.scheduler.step()
        self.losses.append(loss.detach())

    def gradients(self, steps: int) -> int:
        return self._gradient.count

    def take_losses(self) -> Tensor:
        if self.trainer.world_size > 1:  # each rank has seen its own share of every batch
            shares = torch.stack(self.losses)
            self.losses = list(self.trainer.strategy.reduce(shares, reduce_op="mean"))
        return super().take_losses()

    def rate(self, slot: int) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def finite_parameters(self) -> Tensor:
        each = [torch.isfinite(p).all() for p in self.model.parameters()]
        return torch.stack(each).all(dim=0, keepdim=True).cpu()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        with averaged(self.optimizer, self.needs):
            if "eval_mode" not in self.needs:
                yield
                return
            with recalibrated(self.model, self._calibration):
                yield

    def measure(self, split: str) -> dict[str, Tensor]:
        found = evaluate(self.task, self.model, split, self.device)
        return {name: torch.tensor([value], dtype=torch.float64) for name, value in found.items()}

    def measure_one(self, slot: int, split: str) -> dict[str, float]:
        with self.averaged():
            return evaluate(self.task, self.model, split, self.device)

    def examples(self, split: str) -> int:
        return len(self.task.tensors(split, self.device)[1])

    @property
    def _calibration(self) -> list[Tensor]:
        """Inputs of training batches in an order of their own, the same whenever it is asked."""
        inputs, _ = self.task.tensors("train", self.device)
        size = self.courses[0].spec.batch_size
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
        rows = order[: CALIBRATION_STEPS * size].to(inputs.device)
        return [inputs[part] for part in rows.split(min(size, a_pass(self.task, self.device)))]


def _without_closure(step: Callable[..., Any]) -> Callable[..., Any]:
    """Lightning gives every ``step`` a closure, one that does nothing where there is none.

    Some optimizers take none, and others do something else where there is one.
    """

    @wraps(step)
    def plain(closure: Any = None) -> Any:
        return step()

    return plain
