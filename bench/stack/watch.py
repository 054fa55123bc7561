"""Around the steps of a stack what ``bench.trial.watch.Watch`` does around those of a trial."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer
from torch import Tensor

from bench.spec import Budget, CurvePoint
from bench.stack.module import StackModule
from bench.stack.trial import StackedTrial
from bench.trial.evaluation import evaluate
from bench.trial.update import averaged
from bench.trial.watch import LOOK_EVERY, Diverged, TrainClock


class StackWatch(Callback):
    """Evaluates all trials at the budget's steps and ends each when a trial alone would end."""

    def __init__(self, budget: Budget, clock: TrainClock) -> None:
        self.budget, self.clock = budget, clock
        self.steps_done = 0
        self._looked_at = 0
        self._loss_sum: Tensor | float = 0.0
        self._loss_count = 0

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.clock.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.steps_done = batch_idx + 1
        evaluates = self.budget.evaluates_at(self.steps_done)
        if not evaluates and self.steps_done % LOOK_EVERY:
            return
        self.clock.stop()
        self._look_at_losses(pl_module)
        if evaluates:
            self._evaluate(trainer, pl_module)
        trainer.should_stop = not any(trial.live for trial in pl_module.trials)
        self.clock.start()

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        """Test once, before Lightning takes model and optimizer off the device."""
        self.clock.stop()
        if not any(trial.live for trial in pl_module.trials):
            return
        with pl_module.averaged():
            final = self._measure(trainer, pl_module, "test")
        for slot, trial in self._live(pl_module):
            self._finish(
                pl_module, trial, {name: float(each[slot]) for name, each in final.items()}
            )

    def on_exception(self, trainer: Trainer, pl_module: Any, exception: BaseException) -> None:
        self.clock.stop()

    def seconds(self, module: StackModule) -> float:
        """Each trial's share of the training time so far."""
        return self.clock.seconds / len(module.trials)

    def _live(self, module: StackModule) -> Iterator[tuple[int, StackedTrial]]:
        return ((slot, trial) for slot, trial in enumerate(module.trials) if trial.live)

    def _diverge(self, module: StackModule, trial: StackedTrial, event: Diverged) -> None:
        trial.diverge(str(event), event.step, self._made(module))

    def _finish(self, module: StackModule, trial: StackedTrial, final: Mapping[str, float]) -> None:
        trial.finish(final, self._made(module))

    def _made(self, module: StackModule) -> dict[str, float]:
        """What a summary says of time and gradients, as of the last look."""
        seconds = self.seconds(module)
        return {
            "train_time_s": seconds,
            "gradients": float(self._looked_at),
            "step_time_ms": 1e3 * seconds / self.steps_done,
            "stack_size": float(len(module.trials)),
        }

    def _look_at_losses(self, module: StackModule) -> None:
        losses = module.take_losses()
        finite = torch.isfinite(losses)
        for slot, trial in self._live(module):
            if not finite[:, slot].all():
                first = int(finite[:, slot].logical_not().nonzero()[0])
                event = Diverged("training loss", self._looked_at + first + 1)
                self._diverge(module, trial, event)
        self._looked_at += len(losses)
        self._loss_sum = self._loss_sum + losses.sum(dim=0)
        self._loss_count += len(losses)

    def _evaluate(self, trainer: Trainer, module: StackModule) -> None:
        with module.averaged():
            finite = module.model.finite_parameters()
            measured = self._measure(trainer, module, "val")
        train = torch.as_tensor(self._loss_sum) / self._loss_count
        self._loss_sum, self._loss_count = 0.0, 0
        for slot, trial in self._live(module):
            values = {name: float(each[slot]) for name, each in measured.items()}
            if not finite[slot]:
                self._diverge(module, trial, Diverged("parameter", self.steps_done))
            elif not all(math.isfinite(value) for value in values.values()):
                self._diverge(module, trial, Diverged("validation loss", self.steps_done))
            else:
                values["train/loss"] = float(train[slot])
                values["lr"] = module.rate(slot)
                values["train_time_s"] = self.seconds(module)
                trial.add(CurvePoint(self.steps_done, values))
                if trial.reached is not None and trial.spec.stop_at_target:
                    self._stop(module, trial)

    def _stop(self, module: StackModule, trial: StackedTrial) -> None:
        with averaged(trial.optimizer, trial.spec.optimizer.needs):
            final = evaluate(module.model.task, trial.model, "test", module.device)
        self._finish(module, trial, final)

    def _measure(self, trainer: Trainer, module: StackModule, split: str) -> dict[str, Tensor]:
        with trainer.precision_plugin.forward_context():
            return module.model.evaluate(split, module.device, module.evaluation_batch)
