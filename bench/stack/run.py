"""``run_stack``: many trials in, as many results out, trained together. The twin of ``run_trial``.

Same seeds, same initial weights, same batches, same numbers up to rounding; what a step costs
before any arithmetic is paid once instead of K times. Only dropout draws other numbers than it
would for a trial alone, from the same distribution.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import pytorch_lightning as pl
import torch

from bench import build
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.stack.module import StackBatches, StackModule
from bench.stack.optimizers import in_order
from bench.stack.trial import StackedTrial
from bench.stack.watch import StackWatch
from bench.trial import environment
from bench.trial import run as trial
from bench.trial.watch import TrainClock
from tasks.base import Task


def run_stack(
    specs: Sequence[TrialSpec],
    on_evaluation: Callable[[int, CurvePoint], None] = lambda at, point: None,
    on_end: Callable[[int, TrialResult], None] = lambda at, result: None,
    threads: int | None = None,
    progress_bar: bool = False,
) -> list[TrialResult]:
    """Train all, evaluate all, and say how each ended.

    Args:
        specs: trials that differ in seed, optimizer and schedule only, each of them stackable
            (``bench.stack.stackable``).
        on_evaluation, on_end: called with the place of a trial in ``specs`` and each point of its
            curve, or its result, as soon as it is there.
        threads: CPU threads of the whole stack, which has the machine to itself; None: a core each.

    Raises:
        RefusedInput: one of them cannot be built. Any exception that is not one trial's own; the
            results handed to ``on_end`` before it stand.
    """
    before, threads = torch.get_num_threads(), threads or os.cpu_count() or 1
    torch.set_flush_denormal(True)  # as in ``run_trial``; threads made later inherit it
    torch.set_num_threads(threads)
    try:
        trainer = trial.make_trainer(specs[0], progress_bar)
        device = trainer.strategy.root_device
        described = environment.describe(device, threads)
        task = task_of(specs[0])
        trials = [
            built(spec, task, device, described, partial(on_evaluation, at), partial(on_end, at))
            for at, spec in enumerate(specs)
        ]
        _fit(in_order(trials), task, trainer)
    finally:
        torch.set_num_threads(before)
    return [one.result for one in trials if one.result is not None]


def task_of(spec: TrialSpec) -> Task:
    """The task that all trials of a stack share."""
    return build.task(
        spec.task,
        build.dataset(spec.task.name, spec.task.data, spec.data_dir, spec.download),
    )


def built(
    spec: TrialSpec,
    task: Task,
    device: torch.device,
    described: Mapping[str, str],
    on_evaluation: Callable[[CurvePoint], None] = lambda point: None,
    on_end: Callable[[TrialResult], None] = lambda result: None,
) -> StackedTrial:
    """One trial as ``run_trial`` builds it, from its seed."""
    pl.seed_everything(spec.seed, verbose=False)
    model = build.model(spec.model, task).to(device)
    optimizer = build.optimizer(spec.optimizer, model)
    scheduler = build.scheduler(spec, optimizer)
    return StackedTrial(spec, model, optimizer, scheduler, described, on_evaluation, on_end)


def _fit(trials: Sequence[StackedTrial], task: Task, trainer: pl.Trainer) -> None:
    """Train in the order of the slots; the trainer's ``StackWatch`` ends each trial."""
    device = trainer.strategy.root_device
    module = StackModule(task, trials)
    pl.seed_everything(trials[0].spec.seed, verbose=False)  # for dropout
    batches = StackBatches(*task.tensors("train", device), trials)
    watch = StackWatch(trials[0].spec.budget, TrainClock(device))
    trainer.callbacks.append(watch)  # type: ignore[attr-defined]
    trial.fit(trainer, module, batches)
