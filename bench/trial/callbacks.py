"""Around the steps of a trial or of a stack: when to look, when to evaluate, when to end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bench.runtime.lightning import pl
from bench.spec import Budget
from bench.trial.clock import TrainClock
from bench.trial.module import LeanModule
from bench.trial.state import Course, Diverged

LOOK_EVERY = 100
"""Steps between looks at the training losses at the most: reading them makes a device wait."""


class ProgressBar(pl.callbacks.TQDMProgressBar):
    """The steps of one trial under the trial's name."""

    def __init__(self, label: str) -> None:
        super().__init__(refresh_rate=50)
        self.label = label

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        super().on_train_epoch_start(trainer)
        self.train_progress_bar.set_description(self.label)


class Watch(pl.Callback):
    """Evaluates all trials of a module at the budget's steps, and ends each when its time has come.

    Attributes:
        steps_done: training steps completed.
    """

    def __init__(self, budget: Budget, clock: TrainClock) -> None:
        self.budget, self.clock = budget, clock
        self.steps_done = 0
        self._looked_at = 0
        self._loss_sum: Tensor | float = 0.0
        self._loss_count = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.clock.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.steps_done = batch_idx + 1
        evaluates = self.budget.evaluates_at(self.steps_done)
        if not evaluates and self.steps_done % LOOK_EVERY:
            return
        self.clock.stop()
        self._look_at_losses(pl_module)
        if evaluates and any(course.live for course in pl_module.courses):
            self._evaluate(trainer, pl_module)
        trainer.should_stop = not any(course.live for course in pl_module.courses)
        self.clock.start()

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Test once, before Lightning takes model and optimizer off the device."""
        self.clock.stop()
        live = dict(_live(pl_module))
        final: dict[str, Tensor] = {}
        if any(course.tests for course in live.values()):
            with pl_module.averaged():
                final = self._measure(trainer, pl_module, "test")
        for slot, course in live.items():
            own = {name: float(each[slot]) for name, each in final.items() if course.tests}
            course.finish(own, self._final_summary(pl_module, course))

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        self.clock.stop()

    def _look_at_losses(self, module: LeanModule) -> None:
        losses = module.take_losses()
        finite = torch.isfinite(losses)
        for slot, course in _live(module):
            if not finite[:, slot].all():
                first = int(finite[:, slot].logical_not().nonzero()[0])
                event = Diverged("training loss", self._looked_at + first + 1)
                course.diverge(event, self._summary(module))
        self._looked_at += len(losses)
        self._loss_sum = self._loss_sum + losses.sum(dim=0)
        self._loss_count += len(losses)

    def _evaluate(self, trainer: pl.Trainer, module: LeanModule) -> None:
        with module.averaged():
            finite = module.finite_parameters()
            measured = self._measure(trainer, module, "val")
        train = torch.as_tensor(self._loss_sum) / self._loss_count
        self._loss_sum, self._loss_count = 0.0, 0
        for slot, course in _live(module):
            made = {
                "train/loss": float(train[slot]),
                "lr": module.rate(slot),
                "train_time_s": self._seconds(module),
            }
            own = {name: float(each[slot]) for name, each in measured.items()}
            try:
                if not finite[slot]:
                    raise Diverged("parameter", self.steps_done)
                course.evaluated(self.steps_done, own, made)
            except Diverged as event:
                course.diverge(event, self._summary(module))
            if course.stops:
                with trainer.precision_plugin.forward_context():
                    final = module.measure_one(slot, "test") if course.tests else {}
                course.finish(final, self._final_summary(module, course))

    def _measure(self, trainer: pl.Trainer, module: LeanModule, split: str) -> dict[str, Tensor]:
        with trainer.precision_plugin.forward_context():
            return module.measure(split)

    def _seconds(self, module: LeanModule) -> float:
        """Each trial's share of the training time so far."""
        return self.clock.seconds / len(module.courses)

    def _final_summary(self, module: LeanModule, course: Course) -> dict[str, float]:
        """Of a trial that finished; one that tested with the size of the test split, of which an
        accuracy is a share."""
        tested = {"test_examples": float(module.examples("test"))} if course.tests else {}
        return self._summary(module) | tested

    def _summary(self, module: LeanModule) -> dict[str, float]:
        """Time and counts as of the last look; memory is known of a trial alone on a GPU."""
        seconds, together = self._seconds(module), len(module.courses)
        summary = {
            "train_time_s": seconds,
            "gradients": float(module.gradients(self.steps_done)),
            "step_time_ms": 1e3 * seconds / self.steps_done,
        }
        if together > 1:
            return {**summary, "stack_size": float(together)}
        if module.device.type == "cuda":
            summary["peak_memory_mib"] = torch.cuda.max_memory_allocated(module.device) / 2**20
        return summary


def _live(module: LeanModule) -> Iterator[tuple[int, Course]]:
    return ((slot, course) for slot, course in enumerate(module.courses) if course.live)
