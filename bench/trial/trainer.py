"""What a trial or a stack computes on: Lightning's trainer, the device and its threads."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from bench.runtime.isolation import isolated
from bench.runtime.lightning import LightningEnvironment, pl
from bench.spec import RefusedInput, TrialSpec
from bench.spec.errors import Terminated
from bench.trial import environment
from bench.trial.callbacks import ProgressBar, Watch
from bench.trial.clock import TrainClock
from bench.trial.module import LeanModule

for _noisy in ("pytorch_lightning", "lightning_fabric"):  # their notes on devices and tips
    logging.getLogger(_noisy).setLevel(logging.ERROR)


class Machine(NamedTuple):
    """Ready to train.

    Attributes:
        environment: versions and hardware, for records.
    """

    trainer: pl.Trainer
    device: torch.device
    environment: dict[str, str]

    def fit(self, module: LeanModule, batches: Iterable[Any]) -> None:
        """Train; the module's courses end one by one, at the latest with the budget."""
        watch = Watch(module.courses[0].spec.budget, TrainClock(self.device))
        self.trainer.callbacks.append(watch)  # type: ignore[attr-defined]
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        fit(self.trainer, module, batches)


@contextmanager
def machine(spec: TrialSpec, threads: int, progress_bar: bool = False) -> Iterator[Machine]:
    """What ``trainer.*`` asks for, with so many CPU threads, in a process as if it were new.

    Raises:
        RefusedInput: there is no such accelerator, device or precision.
    """
    with isolated(threads):
        trainer = make_trainer(spec, progress_bar)
        device = trainer.strategy.root_device
        described = environment.describe(device, threads)
        if spec.context.hardware.ranks > 1:
            described["world_size"] = str(spec.context.hardware.ranks)
        yield Machine(trainer, device, described)


def fit(trainer: pl.Trainer, module: pl.LightningModule, batches: Iterable[Any]) -> None:
    """Lightning's ``fit`` without warnings that mean nothing here, and with a working Ctrl-C."""
    with warnings.catch_warnings():
        # Lightning 2.6 on torch 2.15 asks for a class that torch renames.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        # The cycle that this warns of ends with the next zero_grad, which frees the gradients.
        warnings.filterwarnings("ignore", message=".*create_graph=True.*", category=UserWarning)
        with _interruptible():
            trainer.fit(module, train_dataloaders=batches)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Hand Ctrl-C and SIGTERM on: Lightning turns them into exits with code 1, and without any."""
    try:
        yield
    except pl.utilities.exceptions.SIGTERMException as end:
        raise Terminated from end
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from None
        raise


def make_trainer(spec: TrialSpec, progress_bar: bool = False) -> pl.Trainer:
    """Lightning's trainer for what ``trainer.*`` says; raises RefusedInput where it cannot be."""
    hardware = spec.context.hardware
    devices = list(hardware.devices) if isinstance(hardware.devices, tuple) else hardware.devices
    try:
        with warnings.catch_warnings():
            # the CPU is what was asked for
            warnings.filterwarnings("ignore", message="GPU available but not used")
            return pl.Trainer(
                accelerator=hardware.accelerator,
                devices=devices,
                precision=spec.precision,  # type: ignore[arg-type]
                **_distributed(hardware.ranks),
                max_epochs=1,
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                enable_progress_bar=progress_bar,
                callbacks=[ProgressBar(spec.label())] if progress_bar else [],
                num_sanity_val_steps=0,
            )
    except Exception as error:  # a missing package, a device that is not there: each its own
        asked = f"accelerator={hardware.accelerator} devices={devices} precision={spec.precision}"
        raise RefusedInput(f"trainer: {asked}: {error}") from error


def _distributed(ranks: int) -> dict[str, Any]:
    """Of a trial on several devices: processes that ``bench.trial.distributed`` starts, not Lightning."""
    if ranks == 1:
        return {}
    return {"strategy": "ddp", "plugins": [LightningEnvironment()]}
