"""Around the training steps: the clock, the divergence guard, evaluation, the progress bar."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import TQDMProgressBar

from bench.spec import Budget, CurvePoint, Target
from bench.trial.evaluation import evaluate
from bench.trial.module import TrialModule
from bench.trial.update import averaged

LOOK_EVERY = 100
"""Steps between looks at the training losses at the most: reading them makes a device wait."""


class Diverged(Exception):
    """A non-finite loss or parameter. ``step`` is the first at which it was there."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(f"non-finite {what} at step {step}")
        self.step = step


class TrainClock:
    """Seconds of training only: stopped while anything else happens.

    The device is synchronised before every reading, so that work still queued is counted where it
    was asked for.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._total = 0.0
        self._since: float | None = None

    def start(self) -> None:
        self._synchronise()
        self._since = time.perf_counter()

    def stop(self) -> None:
        self._synchronise()
        if self._since is not None:
            self._total += time.perf_counter() - self._since
            self._since = None

    @property
    def seconds(self) -> float:
        """Training time so far, as of the last ``stop``."""
        return self._total

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


class ProgressBar(TQDMProgressBar):
    """The steps of one trial under the trial's name."""

    def __init__(self, label: str) -> None:
        super().__init__(refresh_rate=50)
        self.label = label

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        super().on_train_epoch_start(trainer)
        self.train_progress_bar.set_description(self.label)


class Watch(Callback):
    """Evaluates at the budget's steps, ends a diverged trial, and keeps the curve.

    Attributes:
        curve: one point an evaluation so far; after training, the last also has the test split.
        reached: the first of them at or past the target, None before.
        gradients: gradients computed so far, as of the last look.
    """

    def __init__(
        self,
        budget: Budget,
        target: Target,
        clock: TrainClock,
        stop_at_target: bool = False,
        on_evaluation: Callable[[CurvePoint], None] = lambda point: None,
    ) -> None:
        self.budget, self.target, self.clock = budget, target, clock
        self.stop_at_target = stop_at_target
        self.on_evaluation = on_evaluation
        self.curve: list[CurvePoint] = []
        self.reached: CurvePoint | None = None
        self.gradients = 0
        self._step = 0
        self._looked_at = 0
        self._loss_sum = 0.0
        self._loss_count = 0

    @property
    def steps_done(self) -> int:
        """Training steps completed."""
        return self._step

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.clock.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._step = batch_idx + 1
        evaluates = self.budget.evaluates_at(self._step)
        if not evaluates and self._step % LOOK_EVERY:
            return
        self.clock.stop()
        self._look_at_losses(pl_module)
        if evaluates:
            self._evaluate(trainer, pl_module)
        self.clock.start()

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Test once, before Lightning takes model and optimizer off the device."""
        self.clock.stop()
        last = self.curve[-1]
        with averaged(pl_module.optimizer, pl_module.needs):
            final = self._measure(trainer, pl_module, "test")
        self.curve[-1] = CurvePoint(last.step, {**last.values, **final})

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        self.clock.stop()

    def _look_at_losses(self, module: TrialModule) -> None:
        losses = module.take_losses()
        finite = torch.isfinite(losses)
        if not finite.all():
            first = int(finite.logical_not().nonzero()[0])
            raise Diverged("training loss", self._looked_at + first + 1)
        self._looked_at += len(losses)
        self.gradients = module.gradients
        self._loss_sum += float(losses.sum())
        self._loss_count += len(losses)

    def _evaluate(self, trainer: Trainer, module: TrialModule) -> None:
        with averaged(module.optimizer, module.needs):
            if not all(torch.isfinite(p).all() for p in module.model.parameters()):
                raise Diverged("parameter", self._step)
            values = self._measure(trainer, module, "val")
        if not all(math.isfinite(value) for value in values.values()):
            raise Diverged("validation loss", self._step)
        values["train/loss"] = self._loss_sum / self._loss_count
        self._loss_sum, self._loss_count = 0.0, 0
        values["lr"] = float(module.optimizer.param_groups[0]["lr"])
        values["train_time_s"] = self.clock.seconds
        point = CurvePoint(self._step, values)
        self.curve.append(point)
        if self.reached is None and self.target.reached(values[f"val/{self.target.metric}"]):
            self.reached = point
            trainer.should_stop = self.stop_at_target
        self.on_evaluation(point)

    def _measure(self, trainer: Trainer, module: TrialModule, split: str) -> dict[str, float]:
        with trainer.precision_plugin.forward_context():
            return evaluate(module.task, module.model, split, module.device)
