"""Training of many trials at once: ``run_stack`` is the twin of ``run_trial``.

Seeds, initial weights, batches and numbers are those of each trial alone, up to rounding. The cost
of a step before any arithmetic is paid once instead of K times. Only dropout draws other numbers
than for a trial alone, from the same distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from bench.build import components
from bench.runtime import processes
from bench.runtime.guard import guard
from bench.runtime.lightning import pl
from bench.runtime.timeout import time_limit
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.stack.module import StackBatches, StackModule
from bench.stack.optimizers import StackedTrial, sort_by_fusion
from bench.trial.run import build_parts
from bench.trial.state import TrialState
from bench.trial.trainer import TrialTrainer, open_trainer
from tasks.base import Task


def run_stack(
    specs: Sequence[TrialSpec],
    on_evaluation: Callable[[int, CurvePoint], None] = lambda at, point: None,
    on_end: Callable[[int, TrialResult], None] = lambda at, result: None,
    threads: int | None = None,
) -> list[TrialResult]:
    """Train and evaluate all trials; return their results.

    Args:
        specs: trials that differ in seed, optimizer and schedule only, each of them stackable
            (``bench.stack.stackable``).
        on_evaluation, on_end: called with the index of a trial in ``specs`` and each point of its
            curve, or its result, as soon as it is there.
        threads: CPU threads of the whole stack at most; None: all cores.

    Raises:
        RefusedInput: a trial cannot be built.
        UserCodeError: for what a user's code raised in a step that all trials share.
        KeyboardInterrupt, Terminated, StoreLost, TimeLimitExceeded: as received.
            The results handed to ``on_end`` before any of these stand.
    """
    limit = time_limit(specs[0].context.hardware.max_seconds)
    threads = threads or processes.cores()
    with open_trainer(specs[0], threads) as trainer, limit:
        task = components.load_task(specs[0])
        states = [
            TrialState(spec, trainer.environment, partial(on_evaluation, at), partial(on_end, at))
            for at, spec in enumerate(specs)
        ]
        trials = [StackedTrial(one, *build_parts(one.spec, task, trainer.device)) for one in states]
        _train(task, trials, trainer, threads)
    return [state.result for state in states if state.result is not None]


@guard
def _train(task: Task, trials: Sequence[StackedTrial], trainer: TrialTrainer, threads: int) -> None:
    trials = sort_by_fusion(trials)
    module = StackModule(task, trials, threads)
    pl.seed_everything(trials[0].spec.seed, verbose=False)  # for dropout
    trainer.fit(module, StackBatches(task, trainer.device, trials))
