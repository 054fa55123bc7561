"""``TrialModule``: any task with any optimizer. The training step exists once, here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.trial.update import clip, update
from tasks.base import Task


class LeanModule(pl.LightningModule):
    """Lightning's module for optimization by hand, without the cost of what is not used here."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

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


class TrialModule(LeanModule):
    """One model trained by one optimizer on one task.

    Optimization is manual in Lightning's sense: what an optimizer needs beyond a gradient is
    written out in ``bench.trial.update``, where it can be read and tested.

    Attributes:
        losses: training losses since they were last taken, scalars on the device, detached.
        gradients: gradients computed so far; an optimizer may take several a step.
    """

    def __init__(
        self,
        task: Task,
        model: nn.Module,
        optimizer: Optimizer,
        scheduler: LambdaLR | None,
        needs: Collection[str] = (),
        clip_norm: float | None = None,
    ) -> None:
        super().__init__()
        self.task = task
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.needs = frozenset(needs)
        self.clip_norm = clip_norm
        self._backward = {"create_graph": True} if "create_graph" in needs else {}
        self.losses: list[Tensor] = []
        self.gradients = 0

    def configure_optimizers(self) -> Optimizer:
        return self.optimizer

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Loss, gradient, update, schedule; ``batch`` is inputs and targets of B examples."""
        inputs, targets = batch
        optimizer: Any = self.optimizers()

        def gradient() -> Tensor:
            optimizer.zero_grad()
            loss = self.task.loss(self.model(inputs), targets)
            self.manual_backward(loss, **self._backward)
            if self.clip_norm is not None:
                clip(self.model.parameters(), self.clip_norm)
            self.gradients += 1
            return loss

        loss = update(optimizer, gradient, self.needs)
        if self.scheduler is not None:
            self.scheduler.step()
        self.losses.append(loss.detach())

    def take_losses(self) -> Tensor:
        """The training losses since the last call, shape [n], float64 on the CPU."""
        losses = torch.stack(self.losses).double().cpu() if self.losses else torch.empty(0)
        self.losses.clear()
        return losses
