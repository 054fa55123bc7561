"""Many trials with their records: stacked where that pays, the others alone or in processes."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeVar

from bench import tracking
from bench.runtime.isolation import isolate
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.spec.errors import NOT_USER_ERRORS, describe_error
from bench.sweeps import execute, progress
from bench.sweeps.grouping import alike
from bench.sweeps.launchers.sequential import run_one_by_one

Measured = TypeVar("Measured")

LAUNCHER = "stacked"
QUICK = 0.5
"""Seconds of training small models for which nothing is measured where the way is free: a large
one's trials of as many steps take a minute."""
START = 3.0
"""Seconds for which a core starts a worker process, which is forked after the imports of a trial
(``bench.sweeps.launchers.workers``); a process that imports them itself takes three times as long."""
STEP = 0.002
"""Seconds of a training step that is not measured: a small model's."""


class StackedSweep:
    """Runs trials and records each exactly as if it ran alone.

    Args:
        uri: the store.
        size: trials a stack at the most, 1 for never stacking; None: what pays and fits memory.
        told: hears of each trial when it ends, by its place in ``specs``.
        workers: processes for what is not stacked. Where there are several, a stack has to gain
            more than they do.
        threads: CPU threads of a stack at the most; None: a core each.
    """

    def __init__(
        self,
        specs: Sequence[TrialSpec],
        uri: str,
        size: int | None,
        told: progress.Told,
        workers: int = 1,
        threads: int | None = None,
    ) -> None:
        self.specs, self.uri, self.size, self.told = list(specs), uri, size, told
        self.workers, self.threads = workers, threads
        self.outcomes: dict[int, TrialResult] = {}
        self._steps: dict[int, float] = {}  # seconds of one, by the trial's place

    def run(self) -> list[TrialResult]:
        """All trials; their outcomes in the order of ``specs``.

        Raises:
            RefusedInput: a trial cannot be built.
        """
        import torch

        torch.set_num_threads(1)  # a trial or stack then sets its own
        for places in alike(self.specs):
            if self.workers == 1 or self._guessed(places) > QUICK:
                self._stack_alike(places)
        self._run_rest([at for at in range(len(self.specs)) if at not in self.outcomes])
        return [self.outcomes[at] for at in range(len(self.specs))]

    def _stack_alike(self, places: Sequence[int]) -> None:
        """Trials of one task and model, which differ in seed, optimizer and schedule."""
        for stack in self._stacks(self._stackable(places)):
            self._halve_until_it_fits(stack)

    def _halve_until_it_fits(self, places: Sequence[int]) -> None:
        """Run a stack; one that is out of memory as two of half its size."""
        from torch import OutOfMemoryError

        try:
            self._run_stack(places)
            return
        except NOT_USER_ERRORS:
            raise
        except BaseException as error:  # a shared step failed: no trial's own fault yet
            if len(places) < 4 or not isinstance(error, OutOfMemoryError):
                progress.say(f"a stack ended by {describe_error(error)}; one by one now")
                return
        gc.collect()  # a trainer is a cycle, and holds what is to be freed
        progress.say(f"{len(places)} trials at once do not fit the memory; half of them now")
        left = [at for at in places if at not in self.outcomes]
        for half in (left[: len(left) // 2], left[len(left) // 2 :]):
            self._halve_until_it_fits(half)

    def _run_rest(self, places: Sequence[int]) -> None:
        """What was not stacked: in worker processes where that repays their start."""
        workers = max(1, min(self.workers, len(places)))
        measures = workers > 1 and self._guessed(places) > QUICK
        seconds = self._seconds(places) if measures else dict.fromkeys(places, 0.0)
        longest = sorted(places, key=lambda at: -seconds[at])  # first: they end together
        specs = [self.specs[at] for at in longest]

        def told(at: int, result: TrialResult) -> None:
            self._ended(longest[at], result)

        if sum(seconds.values()) * (1 - 1 / workers) < START:
            run_one_by_one(specs, self.uri, LAUNCHER if self.workers == 1 else "basic", told)
            return
        from bench.sweeps.launchers.workers import run_in_workers

        progress.say(f"{len(places)} trials in {workers} processes")
        run_in_workers(specs, self.uri, workers, told)

    def _guessed(self, places: Sequence[int]) -> float:
        """Seconds that these trials would train one by one, if their model is small."""
        return STEP * sum(self.specs[at].budget.steps for at in places)

    def _seconds(self, places: Sequence[int]) -> dict[int, float]:
        """How long each of them trains alone, as far as it can be measured."""
        from bench.stack.probe import alone

        found: dict[int, float] = {}
        for group in alike([self.specs[at] for at in places]):
            own = [places[at] for at in group]
            step = next((self._steps[at] for at in own if at in self._steps), None)
            if step is None:
                step = _measured(partial(alone, self.specs[own[0]]), STEP)
            found |= {at: step * self.specs[at].budget.steps for at in own}
        return found

    def _stackable(self, places: Sequence[int]) -> list[int]:
        """Those that can be stacked; says of the others why not."""
        if len(places) < 2 or self.size == 1 or self.specs[places[0]].context.hardware.ranks > 1:
            return []
        from bench.stack.stackable import explain_unstackable

        with isolate():
            reasons = {at: explain_unstackable(self.specs[at]) for at in places}
        for reason in dict.fromkeys(filter(None, reasons.values())):
            count = sum(other == reason for other in reasons.values())
            progress.say(f"{self._name(places)}: {count} {self._otherwise}: {reason}")
        return [at for at in places if not reasons[at]]

    def _stacks(self, places: Sequence[int]) -> Iterator[Sequence[int]]:
        """Stacks of nearly equal size; none where stacking does not pay."""
        if len(places) < 2:
            return
        from bench.stack.probe import UNMEASURED, fitting, probe

        with isolate():
            largest = self.size or fitting(self.specs[places[0]])
        count = math.ceil(len(places) / largest)
        bounds = [at * len(places) // count for at in range(count + 1)]
        stacks = [places[a:b] for a, b in pairwise(bounds)]
        gain = _measured(partial(probe, [self.specs[at] for at in stacks[0]]), UNMEASURED)
        if not math.isnan(gain.alone):
            self._steps |= dict.fromkeys(places, gain.alone)
        name = self._name(places)
        if self.size is None and not gain.pays(min(self.workers, len(places))):
            instead = "one by one instead" if self.workers == 1 else "so not stacked"
            progress.say(f"{name}: {gain}, {instead}")
            return
        for stack in (stack for stack in stacks if len(stack) > 1):
            progress.say(f"{name}: {len(stack)} trials at once; {gain}")
            yield stack

    def _run_stack(self, places: Sequence[int]) -> None:
        """Train and record; what has not ended when this is left leaves no record."""
        from bench.stack.run import run_stack

        specs = [self.specs[at] for at in places]
        with tracking.open_recorder(self.uri, specs, LAUNCHER) as records:
            mine = list(records.slots)
            for slot in set(range(len(specs))) - set(mine):
                self._ended(places[slot], execute.ELSEWHERE)

            def log(at: int, point: CurvePoint) -> None:
                records.log(mine[at], point)

            def end(at: int, result: TrialResult) -> None:
                records.finish(mine[at], result)
                self._ended(places[mine[at]], result.brief())

            if mine:
                run_stack([specs[slot] for slot in mine], log, end, self.threads)

    def _ended(self, at: int, result: TrialResult) -> None:
        self.outcomes[at] = result
        self.told(at, result)

    @property
    def _otherwise(self) -> str:
        return "one by one" if self.workers == 1 else "not stacked"

    def _name(self, places: Sequence[int]) -> str:
        spec = self.specs[places[0]]
        return f"{spec.model.name} on {spec.task.name}"


def _measured(measure: Callable[[], Measured], otherwise: Measured) -> Measured:
    """What a few steps show; of a trial that fails at once nothing: it will say why itself."""
    try:
        with isolate():
            return measure()
    except NOT_USER_ERRORS:
        raise
    except BaseException:
        return otherwise
