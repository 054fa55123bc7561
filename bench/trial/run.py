"""``run_trial``: one spec in, one result out. Nothing is read from or written to a store here."""

from __future__ import annotations

import logging
import signal
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from bench import build
from bench.spec import CurvePoint, RefusedInput, Status, TrialResult, TrialSpec
from bench.trial import environment
from bench.trial.batches import Batches
from bench.trial.module import TrialModule
from bench.trial.watch import Diverged, ProgressBar, TrainClock, Watch

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)  # its notes on devices and tips


def run_trial(
    spec: TrialSpec,
    on_evaluation: Callable[[CurvePoint], None] = lambda point: None,
    progress_bar: bool = False,
) -> TrialResult:
    """Train, evaluate, and say how it ended.

    Args:
        on_evaluation: called with each point of the curve as soon as it is measured.
        progress_bar: show the steps of this trial.

    Raises:
        RefusedInput: the spec cannot be built. Any other exception is the result ``failed``.
    """
    torch.set_num_threads(spec.hardware.threads)
    # Adam's moments of inputs that are always zero decay into subnormal numbers, which slow a CPU
    # erratically, up to tenfold; every trial flushes them.
    torch.set_flush_denormal(True)
    trainer = make_trainer(spec, progress_bar)
    device = trainer.strategy.root_device
    watch = Watch(
        spec.budget,
        spec.task.target_metric,
        TrainClock(device),
        spec.stop_at_target,
        on_evaluation,
    )
    trainer.callbacks.append(watch)  # type: ignore[attr-defined]
    described = environment.describe(device, spec.hardware.threads)
    try:
        _fit(spec, trainer)
    except RefusedInput:
        raise
    except Diverged as event:
        summary = _summary(watch, device) | {"diverged_step": float(event.step)}
        return TrialResult(Status.DIVERGED, str(event), tuple(watch.curve), summary, described)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return TrialResult(
            Status.FAILED, reason, tuple(watch.curve), {}, described, traceback.format_exc()
        )
    summary = _summary(watch, device)
    return TrialResult(Status.FINISHED, "", tuple(watch.curve), summary, described)


def _fit(spec: TrialSpec, trainer: pl.Trainer) -> None:
    """Build everything from the seed and train; the trainer's ``Watch`` keeps what is measured."""
    device = trainer.strategy.root_device
    data = build.dataset(spec.task.name, spec.task.data, spec.data_dir, spec.download)
    task = build.task(spec.task, data)
    pl.seed_everything(spec.seed, verbose=False)
    model = build.model(spec.model, task).to(device)
    optimizer = build.optimizer(spec.optimizer, model)
    scheduler = build.scheduler(spec, optimizer)
    needs = spec.optimizer.needs
    module = TrialModule(task, model, optimizer, scheduler, needs, spec.optimizer.clip_norm)
    # Again: dropout must not depend on how many numbers the model and optimizer drew when built.
    pl.seed_everything(spec.seed, verbose=False)
    inputs, targets = task.tensors("train", device)
    batches = Batches(inputs, targets, spec.batch_size, spec.budget.steps, spec.seed)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    fit(trainer, module, batches)


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
    """Hand Ctrl-C on: Lightning would turn it into exit code 1 and leave the signal ignored."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from None
        raise


def make_trainer(spec: TrialSpec, progress_bar: bool = False) -> pl.Trainer:
    """Lightning's trainer for what ``trainer.*`` says; raises RefusedInput where it cannot be."""
    hardware = spec.hardware
    devices = list(hardware.devices) if isinstance(hardware.devices, tuple) else hardware.devices
    try:
        return pl.Trainer(
            accelerator=hardware.accelerator,
            devices=devices,
            precision=spec.precision,  # type: ignore[arg-type]
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=progress_bar,
            callbacks=[ProgressBar(spec.label())] if progress_bar else [],
            num_sanity_val_steps=0,
        )
    except (MisconfigurationException, ValueError) as error:
        asked = f"accelerator={hardware.accelerator} devices={devices} precision={spec.precision}"
        raise RefusedInput(f"trainer: {asked}: {error}") from error


def _summary(watch: Watch, device: torch.device) -> dict[str, float]:
    """Numbers of the whole trial; what was not reached or not measured is absent."""
    summary = {"train_time_s": watch.clock.seconds, "gradients": float(watch.gradients)}
    if watch.steps_done:
        summary["step_time_ms"] = 1e3 * watch.clock.seconds / watch.steps_done
    if watch.reached is not None:
        summary["steps_to_target"] = float(watch.reached.step)
        summary["train_time_to_target_s"] = watch.reached.values["train_time_s"]
    if device.type == "cuda":
        summary["peak_memory_mib"] = torch.cuda.max_memory_allocated(device) / 2**20
    return summary
