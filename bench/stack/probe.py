"""Measurements of a stack before it trains: its gain, its threads and how many trials fit.

A small model's step costs mostly what comes before any arithmetic, and a stack pays that once. A
model that keeps a core busy gains little, or loses where its stacked operations are slower.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psutil
import torch
from torch import Tensor

from bench.build import components
from bench.runtime import processes
from bench.runtime.lightning import pl
from bench.spec import Budget, TrialSpec
from bench.stack import heuristics
from bench.stack.module import StackBatches, StackModule
from bench.stack.optimizers import StackedTrial, sort_by_fusion
from bench.trial.batches import Batches
from bench.trial.module import LeanModule, TrialModule, TrialParts
from bench.trial.run import build_parts
from bench.trial.state import TrialState
from bench.trial.trainer import fit, make_trainer


@dataclass(frozen=True)
class Gain:
    """The measured gain of stacking.

    Attributes:
        size: trials that were stacked to measure it; 1 where a trial alone said enough.
        factor: training time of a trial alone over its share of a stack's.
        threads: CPU threads of the stack with which it was measured: 1 or, where faster, all.
        alone: seconds of a training step of a trial alone; NaN where not measured.
    """

    size: int
    factor: float
    threads: int
    alone: float = math.nan

    def pays(self, otherwise: float = 1.0) -> bool:
        """Say if a stack is worth it beside a gain of ``otherwise``; yes if not measured."""
        return not self.factor < max(heuristics.MIN_GAIN, otherwise)

    def __str__(self) -> str:
        if math.isnan(self.factor):
            return "not measured"
        if self.size == 1:
            return "a step alone is long, and nearly all of it arithmetic"
        threads = f" on {self.threads} threads" if self.threads > 1 else ""
        return f"stacking {self.size} gains {self.factor:.1f}x{threads}"


UNMEASURED = Gain(0, math.nan, 1)


def probe(specs: Sequence[TrialSpec]) -> Gain:
    """Train a few steps alone and together; about a second, less for small models.

    Args:
        specs: the trials of one stack; where a step is slow, some of them stand for all.
    """
    one = time_alone(specs[0])
    cores = processes.cores()
    on_cpu = specs[0].context.hardware.accelerator == "cpu"
    if on_cpu and one > heuristics.LONG_STEP_S:
        return Gain(1, 1.0, cores, one)
    affordable = int(heuristics.PROBE_S / (one * heuristics.PROBE_STEPS))
    kinds = len({spec.optimizer.name for spec in specs})
    wanted = max(heuristics.PROBE_TRIALS, heuristics.PROBE_TRIALS_EACH * kinds)
    size = min(len(specs), max(4, min(affordable, wanted)))
    chosen = [specs[at * len(specs) // size] for at in range(size)]
    together = _Stopwatch(sorted({1, cores}) if on_cpu else [1])
    _train(chosen, together, stacked=True)
    best = min(range(len(together.seconds)), key=together.seconds.__getitem__)
    return Gain(size, size * one / together.seconds[best], together.threads[best], one)


def time_alone(spec: TrialSpec) -> float:
    """Measure a training step of one trial, in seconds."""
    watch = _Stopwatch([spec.context.hardware.threads])
    _train([spec], watch, stacked=False)
    return watch.seconds[0]


class _Stopwatch(pl.Callback):
    """Least seconds of a step for each number of threads, one after the other.

    Whatever else the machine does makes steps longer, never shorter.
    """

    def __init__(self, threads: Sequence[int]) -> None:
        self.threads = list(threads)
        self.seconds: list[float] = []
        self._times: list[float] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        torch.set_num_threads(self.threads[0])
        self._began = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()
        self._times.append(time.perf_counter() - self._began)
        if len(self._times) == heuristics.PROBE_STEPS:
            self.seconds.append(min(self._times[heuristics.WARM_UP_STEPS :]))
            self._times.clear()
            trainer.should_stop = self.seconds[-1] < heuristics.LONG_STEP_S
            if len(self.seconds) < len(self.threads):
                torch.set_num_threads(self.threads[len(self.seconds)])
        self._began = time.perf_counter()


def _train(specs: Sequence[TrialSpec], watch: _Stopwatch, *, stacked: bool) -> None:
    """Train as long as the watch needs; nothing is evaluated."""
    before = torch.get_num_threads()
    steps = heuristics.PROBE_STEPS * len(watch.threads)
    specs = [replace(spec, budget=Budget(steps, steps)) for spec in specs]
    trainer = make_trainer(specs[0])
    trainer.callbacks.append(watch)  # type: ignore[attr-defined]
    device = trainer.strategy.root_device
    task = components.load_task(specs[0])
    states = [TrialState(spec, {}) for spec in specs]
    trials = sort_by_fusion(
        [StackedTrial(one, *build_parts(one.spec, task, device)) for one in states]
    )
    module: LeanModule
    if stacked:
        batches: Any = StackBatches(task, device, trials)
        module = StackModule(task, trials)
    else:
        one = trials[0]
        batches = Batches.from_spec(one.spec, task, device)
        module = TrialModule(task, TrialParts(one.model, one.optimizer, one.scheduler), one.state)
    try:
        fit(trainer, module, batches)
    finally:
        torch.set_num_threads(before)


def count_fitting(spec: TrialSpec) -> int:
    """Count the trials of a stack that half of the free memory holds, at most ``MAX_STACK``.

    The other half is for caches and graphs. A GPU is measured over a few steps of some trials;
    elsewhere the size of one trial is counted.
    """
    device = make_trainer(spec).strategy.root_device
    each = _measure_bytes(spec, device) if device.type == "cuda" else _count_bytes(spec, device)
    return max(1, min(heuristics.MAX_STACK, int(_free_bytes(device) / 2 / each)))


def _measure_bytes(spec: TrialSpec, device: torch.device) -> float:
    """Measure the most that a trial of a stack adds to a GPU's allocated memory."""
    components.load_task(spec).tensors("train", device)  # all trials share the data
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    specs = [replace(spec, seed=seed) for seed in range(heuristics.MEMORY_TRIALS)]
    _train(specs, _Stopwatch([1]), stacked=True)
    return (torch.cuda.max_memory_allocated(device) - before) / heuristics.MEMORY_TRIALS


def _count_bytes(spec: TrialSpec, device: torch.device) -> float:
    """Count the memory of a trial's step.

    It holds parameters, their gradient twice, and up to four numbers of optimizer state beside
    each; its forward pass keeps what is counted here, and the backward pass as much again.
    """
    task = components.load_task(spec)
    model = build_parts(spec, task, device).model
    inputs, targets = (part[: spec.batch_size] for part in task.tensors("train", device))
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        task.loss(model(inputs), targets)
    numbers = sum(p.nbytes for p in model.parameters())
    return 7 * numbers + 2 * sum(saved.values()) + inputs.nbytes


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
