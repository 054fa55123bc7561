"""Lightning callbacks of a trial or stack: evaluation, divergence, end and progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bench.runtime.guard import guard
from bench.runtime.lightning import pl
from bench.spec import Budget
from bench.spec.errors import TrainingEndedEarly
from bench.trial.clock import TrainClock
from bench.trial.module import LeanModule
from bench.trial.state import Diverged, TrialState

LOSS_CHECK_INTERVAL = 100
"""Steps between checks of the training losses, at most: reading them makes a device wait."""


class ProgressBar(pl.callbacks.TQDMProgressBar):
    """The steps of one trial under the trial's name."""

    def __init__(self, label: str) -> None:
        super().__init__(refresh_rate=50)
        self.label = label

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        super().on_train_epoch_start(trainer)
        self.train_progress_bar.set_description(self.label)


class EvaluationCallback(pl.Callback):
    """Evaluation of all trials of a module at the budget's steps; it ends each at its time.

    Attributes:
        steps_done: training steps completed.
    """

    def __init__(self, budget: Budget, clock: TrainClock) -> None:
        self.budget, self.clock = budget, clock
        self.steps_done = 0
        self._steps_checked = 0
        self._loss_sum: Tensor | float = 0.0
        self._loss_count = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.clock.start()

    @guard
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.steps_done += 1
        if self.steps_done != batch_idx + 1:  # Lightning takes some exceptions for an epoch's end
            raise TrainingEndedEarly(f"training began again after step {self.steps_done - 1}")
        evaluates = self.budget.evaluates_at(self.steps_done)
        if not evaluates and self.steps_done % LOSS_CHECK_INTERVAL:
            return
        self.clock.stop()
        self._check_losses(pl_module)
        if evaluates and any(state.is_training for state in pl_module.states):
            self._evaluate(trainer, pl_module)
        trainer.should_stop = not any(state.is_training for state in pl_module.states)
        self.clock.start()

    @guard
    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Test once, before Lightning takes model and optimizer off the device."""
        self.clock.stop()
        if self.steps_done < self.budget.steps:  # see ``TrialTrainer.fit``
            return
        training = dict(_iterate_training(pl_module))
        final: dict[str, Tensor] = {}
        if any(state.evaluates_test for state in training.values()):
            with pl_module.use_evaluation_parameters():
                final = self._measure(trainer, pl_module, "test")
        for slot, state in training.items():
            metrics = _take_slot(final, slot) if state.evaluates_test else {}
            state.finish(metrics, self._summarize_finished(pl_module, state))

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        self.clock.stop()

    def _check_losses(self, module: LeanModule) -> None:
        losses = module.take_losses()
        finite = torch.isfinite(losses)
        for slot, state in _iterate_training(module):
            if not finite[:, slot].all():
                first = int(finite[:, slot].logical_not().nonzero()[0])
                event = Diverged("training loss", self._steps_checked + first + 1)
                state.diverge(event, self._summarize(module))
        self._steps_checked += len(losses)
        self._loss_sum = self._loss_sum + losses.sum(dim=0)
        self._loss_count += len(losses)

    def _evaluate(self, trainer: pl.Trainer, module: LeanModule) -> None:
        with module.use_evaluation_parameters():
            finite = module.has_finite_parameters()
            metrics = self._measure(trainer, module, "val")
        train = torch.as_tensor(self._loss_sum) / self._loss_count
        self._loss_sum, self._loss_count = 0.0, 0
        for slot, state in _iterate_training(module):
            training = {
                "train/loss": float(train[slot]),
                "lr": module.get_learning_rate(slot),
                "train_time_s": self._seconds(module),
            }
            try:
                if not finite[slot]:
                    raise Diverged("parameter", self.steps_done)
                state.add_evaluation(self.steps_done, _take_slot(metrics, slot), training)
            except Diverged as event:
                state.diverge(event, self._summarize(module))
            if state.should_stop:
                with trainer.precision_plugin.forward_context():
                    final = module.measure_trial(slot, "test") if state.evaluates_test else {}
                state.finish(final, self._summarize_finished(module, state))

    def _measure(self, trainer: pl.Trainer, module: LeanModule, split: str) -> dict[str, Tensor]:
        with trainer.precision_plugin.forward_context():
            return module.measure(split)

    def _seconds(self, module: LeanModule) -> float:
        """Return each trial's share of the training time so far."""
        return self.clock.seconds / len(module.states)

    def _summarize_finished(self, module: LeanModule, state: TrialState) -> dict[str, float]:
        """Add the size of the test split, of which an accuracy is a share."""
        tested = state.evaluates_test
        test = {"test_examples": float(module.count_examples("test"))} if tested else {}
        return self._summarize(module) | test

    def _summarize(self, module: LeanModule) -> dict[str, float]:
        """Return time and counts so far; and peak memory of a trial alone on a GPU."""
        seconds, together = self._seconds(module), len(module.states)
        summary = {
            "train_time_s": seconds,
            "gradients": float(module.count_gradients(self.steps_done)),
            "step_time_ms": 1e3 * seconds / self.steps_done,
        }
        if together > 1:
            return {**summary, "stack_size": float(together)}
        if module.device.type == "cuda":
            summary["peak_memory_mib"] = torch.cuda.max_memory_allocated(module.device) / 2**20
        return summary


def _iterate_training(module: LeanModule) -> Iterator[tuple[int, TrialState]]:
    return ((slot, state) for slot, state in enumerate(module.states) if state.is_training)


def _take_slot(metrics: dict[str, Tensor], slot: int) -> dict[str, float]:
    return {name: float(values[slot]) for name, values in metrics.items()}
