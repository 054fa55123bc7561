"""``run_stack``: many trials in, as many results out, trained together. The twin of ``run_trial``.

Same seeds, same initial weights, same batches, same numbers up to rounding; what a step costs
before any arithmetic is paid once instead of K times. Only dropout draws other numbers than it
would for a trial alone, from the same distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from bench.build import components
from bench.runtime import processes
from bench.runtime.lightning import pl
from bench.runtime.timeout import at_most
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.stack.module import StackBatches, StackModule
from bench.stack.optimizers import StackedTrial, in_order
from bench.trial.run import built
from bench.trial.state import Course
from bench.trial.trainer import machine


def run_stack(
    specs: Sequence[TrialSpec],
    on_evaluation: Callable[[int, CurvePoint], None] = lambda at, point: None,
    on_end: Callable[[int, TrialResult], None] = lambda at, result: None,
    threads: int | None = None,
) -> list[TrialResult]:
    """Train all, evaluate all, and say how each ended.

    Args:
        specs: trials that differ in seed, optimizer and schedule only, each of them stackable
            (``bench.stack.stackable``).
        on_evaluation, on_end: called with the place of a trial in ``specs`` and each point of its
            curve, or its result, as soon as it is there.
        threads: CPU threads of the whole stack at most; None: it has the machine to itself.

    Raises:
        RefusedInput: one of them cannot be built. Any exception that is not one trial's own; the
            results handed to ``on_end`` before it stand.
    """
    limit = at_most(specs[0].context.hardware.max_seconds)
    threads = threads or processes.cores()
    with machine(specs[0], threads) as made, limit:
        task = components.task_of(specs[0])
        courses = [
            Course(spec, made.environment, partial(on_evaluation, at), partial(on_end, at))
            for at, spec in enumerate(specs)
        ]
        trials = in_order(
            [StackedTrial(one, *built(one.spec, task, made.device)) for one in courses]
        )
        module = StackModule(task, trials, threads)
        pl.seed_everything(trials[0].spec.seed, verbose=False)  # for dropout
        made.fit(module, StackBatches(task, made.device, trials))
    return [course.result for course in courses if course.result is not None]
