"""Trials with their records by the fastest way: stacked, in worker processes or one by one."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import torch

from bench import tracking
from bench.runtime.guard import raise_stop
from bench.runtime.isolation import isolate
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.spec.errors import ENDS_SWEEP, describe_error
from bench.stack import heuristics, probe
from bench.stack import run as stack
from bench.stack.stackable import explain_unstackable
from bench.sweeps import execute, progress
from bench.sweeps.grouping import group_alike, split_evenly
from bench.sweeps.launchers import workers as processes
from bench.sweeps.launchers.sequential import run_one_by_one

Measured = TypeVar("Measured")

LAUNCHER = "stacked"


class Executor:
    """Runs trials and records each exactly as if it ran alone.

    Args:
        uri: the store.
        size: trials of a stack at the most, 1 for no stacks; None: what pays and fits memory.
        on_end: is called at each trial's end with its index in ``specs``.
        workers: processes for what is not stacked. Where there are several, a stack has to gain
            more than they do.
        threads: CPU threads of a stack at the most; None: a core each.
    """

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        uri: str,
        size: int | None,
        on_end: progress.OnTrialEnd,
        workers: int = 1,
        threads: int | None = None,
    ) -> None:
        self.specs, self.uri, self.size, self.on_end = list(specs), uri, size, on_end
        self.workers, self.threads = workers, threads
        self.results: dict[int, TrialResult] = {}
        self._step_s: dict[int, float] = {}  # measured seconds of a step, by index

    def run(self) -> list[TrialResult]:
        """Run all trials; return their results in the order of ``specs``.

        Raises:
            RefusedInput: a trial cannot be built.
        """
        torch.set_num_threads(1)  # a trial or stack then sets its own
        for group in group_alike(self.specs):
            if self.workers == 1 or self._guess_seconds(group) > heuristics.UNMEASURED_S:
                for chunk in self._divide(self._select_stackable(group)):
                    self._run_or_halve(chunk)
        self._run_rest([at for at in range(len(self.specs)) if at not in self.results])
        return [self.results[at] for at in range(len(self.specs))]

    def _run_or_halve(self, indices: Sequence[int]) -> None:
        """Run a stack; one that is out of memory as two of half its size."""
        try:
            self._run_stack(indices)
            return
        except ENDS_SWEEP:
            raise
        except BaseException as error:  # a shared step failed: no trial's own fault yet
            cause = getattr(error, "original", error)
            if len(indices) < 4 or not isinstance(cause, torch.OutOfMemoryError):
                progress.say(f"a stack ended by {describe_error(error)}; one by one now")
                return
        gc.collect()  # a trainer is a cycle, and holds what is to be freed
        progress.say(f"{len(indices)} trials at once do not fit the memory; half of them now")
        left = [at for at in indices if at not in self.results]
        for half in (left[: len(left) // 2], left[len(left) // 2 :]):
            self._run_or_halve(half)

    def _run_rest(self, indices: Sequence[int]) -> None:
        """Run what was not stacked, in worker processes where that repays their start."""
        workers = max(1, min(self.workers, len(indices)))
        measures = workers > 1 and self._guess_seconds(indices) > heuristics.UNMEASURED_S
        seconds = self._measure_seconds(indices) if measures else dict.fromkeys(indices, 0.0)
        longest = sorted(indices, key=lambda at: -seconds[at])  # first: they end together
        specs = [self.specs[at] for at in longest]

        def on_end(at: int, result: TrialResult) -> None:
            self._end(longest[at], result)

        if heuristics.repays_workers(seconds.values(), workers):
            progress.say(f"{len(indices)} trials in {workers} processes")
            processes.run_in_workers(specs, self.uri, workers, on_end)
        else:
            run_one_by_one(specs, self.uri, LAUNCHER if self.workers == 1 else "basic", on_end)

    def _guess_seconds(self, indices: Sequence[int]) -> float:
        """Return the seconds that these trials would train one by one, if their model is small."""
        return heuristics.SMALL_STEP_S * sum(self.specs[at].budget.steps for at in indices)

    def _measure_seconds(self, indices: Sequence[int]) -> dict[int, float]:
        """Measure the seconds that each trial trains alone, as far as that can be measured."""
        seconds: dict[int, float] = {}
        for group in group_alike([self.specs[at] for at in indices]):
            alike = [indices[at] for at in group]
            step = next((self._step_s[at] for at in alike if at in self._step_s), None)
            if step is None:
                measure = partial(probe.time_alone, self.specs[alike[0]])
                step = _measure_or(measure, heuristics.SMALL_STEP_S)
            seconds |= {at: step * self.specs[at].budget.steps for at in alike}
        return seconds

    def _select_stackable(self, indices: Sequence[int]) -> list[int]:
        """Select those that can be stacked; print the reason of the others."""
        if len(indices) < 2 or self.size == 1 or self.specs[indices[0]].context.hardware.ranks > 1:
            return []
        with isolate():
            reasons = {at: explain_unstackable(self.specs[at]) for at in indices}
        instead = "one by one" if self.workers == 1 else "not stacked"
        for reason in dict.fromkeys(filter(None, reasons.values())):
            count = sum(other == reason for other in reasons.values())
            progress.say(f"{self._name(indices)}: {count} {instead}: {reason}")
        return [at for at in indices if not reasons[at]]

    def _divide(self, indices: Sequence[int]) -> Iterator[Sequence[int]]:
        """Divide trials into stacks of nearly equal size; none where stacking does not pay."""
        if len(indices) < 2:
            return
        first = self.specs[indices[0]]
        largest = self.size or _measure_or(partial(probe.count_fitting, first), 1)
        stacks = split_evenly(indices, largest)
        measure = partial(probe.probe, [self.specs[at] for at in stacks[0]])
        gain = _measure_or(measure, probe.UNMEASURED)
        if not math.isnan(gain.alone):
            self._step_s |= dict.fromkeys(indices, gain.alone)
        name = self._name(indices)
        if self.size is None and not gain.pays(min(self.workers, len(indices))):
            instead = "one by one instead" if self.workers == 1 else "so not stacked"
            progress.say(f"{name}: {gain}, {instead}")
            return
        for chunk in (chunk for chunk in stacks if len(chunk) > 1):
            progress.say(f"{name}: {len(chunk)} trials at once; {gain}")
            yield chunk

    def _run_stack(self, indices: Sequence[int]) -> None:
        """Train and record; what has not ended when this is left leaves no record."""
        specs = [self.specs[at] for at in indices]
        with tracking.open_recorder(self.uri, specs, LAUNCHER) as records:
            claimed = list(records.slots)
            for slot in set(range(len(specs))) - set(claimed):
                self._end(indices[slot], execute.ELSEWHERE)

            def log(at: int, point: CurvePoint) -> None:
                records.log(claimed[at], point)

            def end(at: int, result: TrialResult) -> None:
                slot = claimed[at]
                records.finish(slot, result)
                self._end(indices[slot], result.brief())

            if claimed:
                stack.run_stack([specs[slot] for slot in claimed], log, end, self.threads)

    def _end(self, at: int, result: TrialResult) -> None:
        self.results[at] = result
        self.on_end(at, result)

    def _name(self, indices: Sequence[int]) -> str:
        spec = self.specs[indices[0]]
        return f"{spec.model.name} on {spec.task.name}"


def _measure_or(measure: Callable[[], Measured], otherwise: Measured) -> Measured:
    """Measure a few steps; a trial that fails at once is run, and will say why itself."""
    with isolate():
        try:
            return measure()
        except BaseException as error:
            raise_stop(error)
            return otherwise
