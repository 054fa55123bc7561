"""Whether stacking pays, with how many threads, and how many trials fit: measured, not guessed.

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
from bench.stack.module import StackBatches, StackModule
from bench.stack.optimizers import StackedTrial, sort_by_fusion
from bench.trial.batches import Batches
from bench.trial.module import LeanModule, TrialModule, TrialParts
from bench.trial.run import build_parts
from bench.trial.state import TrialState
from bench.trial.trainer import fit, make_trainer

WARM_UP, STEPS = 2, 5
"""Steps before the clock runs, and steps that it sees."""
SECONDS = 0.5
"""Steps of a stack that would take longer together are measured with fewer trials."""
LONG = 0.01
"""Seconds of a step on a CPU: a trial alone that takes longer gains nothing by stacking, and only a
stack that takes longer is tried on more threads."""
SAMPLE = 4
"""Trials that stand for a stack's memory on a GPU."""
LARGEST = 16
"""Trials that stand for a larger stack: building them takes as long as training a few steps."""
OF_EACH = 4
"""At least so many of each optimizer, where time allows: all trials of one are one step, so that
one of each would show only what stacking costs."""
MOST = 512
"""Trials of a stack, where memory has room for more: in larger ones a trial takes no less time
(``python -m bench.speed.many``), and what stops a stack stops all of it."""
PAYS = 1.1
"""A gain below this is within the noise of measuring it."""


@dataclass(frozen=True)
class Gain:
    """What stacking gains, as measured.

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
        """Whether to stack, where something else gains ``otherwise``; yes if not measured."""
        return not self.factor < max(PAYS, otherwise)

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
    one = alone(specs[0])
    cores = processes.cores()
    on_cpu = specs[0].context.hardware.accelerator == "cpu"
    if on_cpu and one > LONG:  # what stacking saves, about 1 ms a step, is not worth measuring
        return Gain(1, 1.0, cores, one)
    fit = int(SECONDS / (one * (WARM_UP + STEPS)))
    optimizers = {spec.optimizer.name for spec in specs}
    size = min(len(specs), max(4, min(fit, max(LARGEST, OF_EACH * len(optimizers)))))
    chosen = [specs[at * len(specs) // size] for at in range(size)]
    together = _Stopwatch(sorted({1, cores}) if on_cpu else [1])
    _fit(chosen, together, stacked=True)
    best = min(range(len(together.seconds)), key=together.seconds.__getitem__)
    return Gain(size, size * one / together.seconds[best], together.threads[best], one)


def alone(spec: TrialSpec) -> float:
    """Seconds of a training step of one trial."""
    watch = _Stopwatch([spec.context.hardware.threads])
    _fit([spec], watch, stacked=False)
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
        if len(self._times) == WARM_UP + STEPS:
            self.seconds.append(min(self._times[WARM_UP:]))
            self._times.clear()
            trainer.should_stop = self.seconds[-1] < LONG
            if len(self.seconds) < len(self.threads):
                torch.set_num_threads(self.threads[len(self.seconds)])
        self._began = time.perf_counter()


def _fit(specs: Sequence[TrialSpec], watch: _Stopwatch, *, stacked: bool) -> None:
    """Train without evaluating, as long as the watch needs."""
    before = torch.get_num_threads()
    steps = (WARM_UP + STEPS) * len(watch.threads)
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


def fitting(spec: TrialSpec) -> int:
    """How many trials a stack may have: ``MOST``, or what half of the free memory holds; the other
    half is for what caches and graphs keep.

    On a GPU by the most that a few steps of some trials take; elsewhere by the size of one.
    """
    device = make_trainer(spec).strategy.root_device
    each = _measured_bytes(spec, device) if device.type == "cuda" else _counted_bytes(spec, device)
    return max(1, min(MOST, int(_free_bytes(device) / 2 / each)))


def _measured_bytes(spec: TrialSpec, device: torch.device) -> float:
    """What a trial of a stack adds to the memory that a GPU's allocator has given out at most."""
    components.load_task(spec).tensors("train", device)  # all trials share the data
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    _fit([replace(spec, seed=seed) for seed in range(SAMPLE)], _Stopwatch([1]), stacked=True)
    return (torch.cuda.max_memory_allocated(device) - before) / SAMPLE


def _counted_bytes(spec: TrialSpec, device: torch.device) -> float:
    """The same from what a trial's step keeps.

    It holds parameters, their gradient twice, and up to four numbers of optimizer state beside
    each; its forward pass keeps what is counted here, and the backward pass as much again.
    """
    task = components.load_task(spec)
    model = build_parts(spec, task, device).model
    inputs, targets = (part[: spec.batch_size] for part in task.tensors("train", device))
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        task.loss(model(inputs), targets)
    numbers = sum(p.nbytes for p in model.parameters())
    return 7 * numbers + 2 * sum(kept.values()) + inputs.nbytes


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
