"""Lightning's trainer for a trial or a stack, with its device and threads."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from bench.runtime.guard import guard, stop
from bench.runtime.isolation import isolate
from bench.runtime.lightning import LightningEnvironment, pl
from bench.runtime.precision import refuse_missing_precision
from bench.spec import RefusedInput, TrialSpec
from bench.spec.errors import Terminated, TrainingEndedEarly
from bench.trial import environment
from bench.trial.callbacks import EvaluationCallback, ProgressBar
from bench.trial.clock import TrainClock
from bench.trial.module import LeanModule

for _noisy in ("pytorch_lightning", "lightning_fabric"):  # their notes on devices and tips
    logging.getLogger(_noisy).setLevel(logging.ERROR)


class TrialTrainer(NamedTuple):
    """Lightning's trainer, its device and a description of both for records."""

    lightning: pl.Trainer
    device: torch.device
    environment: dict[str, str]

    def fit(self, module: LeanModule, batches: Iterable[Any]) -> None:
        """Train until each of the module's trials has ended, at the latest with the budget.

        Raises:
            UserCodeError: see ``fit``.
            TrainingEndedEarly: Lightning ended the training of a trial before its last step.
        """
        budget = module.states[0].spec.budget
        callback = EvaluationCallback(budget, TrainClock(self.device))
        self.lightning.callbacks.append(callback)  # type: ignore[attr-defined]
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        fit(self.lightning, module, batches)
        if any(state.is_training for state in module.states):
            raise TrainingEndedEarly.at(callback.steps_done, budget.steps)


@contextmanager
def open_trainer(spec: TrialSpec, threads: int, progress: bool = False) -> Iterator[TrialTrainer]:
    """Make the trainer of a spec in an isolated process state, with ``threads`` CPU threads.

    Raises:
        RefusedInput: there is no such accelerator, device or precision.
    """
    with isolate(threads):
        lightning = make_trainer(spec, progress)
        device = lightning.strategy.root_device
        description = environment.describe_environment(device, threads)
        if spec.context.hardware.ranks > 1:
            description["world_size"] = str(spec.context.hardware.ranks)
        yield TrialTrainer(lightning, device, description)


@guard
def fit(trainer: pl.Trainer, module: pl.LightningModule, batches: Iterable[Any]) -> None:
    """Call Lightning's ``fit`` without warnings that mean nothing here.

    Raises:
        UserCodeError: for all that a user's code raised, in a loop of Lightning or outside.
        KeyboardInterrupt, Terminated: signals, of which Lightning makes exits.
    """
    with warnings.catch_warnings():
        # Lightning 2.6 on torch 2.15 asks for a class that torch renames.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        # The cycle that this warns of ends with the next zero_grad, which frees the gradients.
        warnings.filterwarnings("ignore", message=".*create_graph=True.*", category=UserWarning)
        try:
            trainer.fit(module, train_dataloaders=batches)
        except pl.utilities.exceptions.SIGTERMException:
            if trainer.received_sigterm:  # by Lightning's own handler: there is none of ours
                stop(Terminated())
            raise


def make_trainer(spec: TrialSpec, progress: bool = False) -> pl.Trainer:
    """Make Lightning's trainer for ``trainer.*``; raise RefusedInput where it cannot be made."""
    hardware = spec.context.hardware
    devices = list(hardware.devices) if isinstance(hardware.devices, tuple) else hardware.devices
    try:
        with warnings.catch_warnings():
            # the CPU is what was asked for
            warnings.filterwarnings("ignore", message="GPU available but not used")
            # refused below
            warnings.filterwarnings("ignore", message=".*AMP with fp16 is not supported on CPU")
            trainer = pl.Trainer(
                accelerator=hardware.accelerator,
                devices=devices,
                precision=spec.precision,  # type: ignore[arg-type]
                **_build_ddp_options(hardware.ranks),
                max_epochs=1,
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=progress,
                callbacks=[ProgressBar(spec.label())] if progress else [],
                num_sanity_val_steps=0,
            )
    except Exception as error:  # a missing package, a device that is not there: each its own
        asked = f"accelerator={hardware.accelerator} devices={devices} precision={spec.precision}"
        raise RefusedInput(f"trainer: {asked}: {error}") from error
    refuse_missing_precision(spec.precision, trainer.strategy.root_device.type)
    return trainer


def _build_ddp_options(ranks: int) -> dict[str, Any]:
    """Let Lightning join the processes that ``bench.trial.distributed`` started for the ranks."""
    if ranks == 1:
        return {}
    return {"strategy": "ddp", "plugins": [LightningEnvironment()]}
