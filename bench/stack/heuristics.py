"""Constants behind ``hydra/launcher=auto`` and a study's forecast, each with its measurement."""

from __future__ import annotations

from collections.abc import Collection

SMALL_STEP_S = 0.002
"""Seconds of a training step that is not measured: a small model's."""
UNMEASURED_S = 0.5
"""Seconds of training small models below which nothing is measured. A large model's trials of as
many steps take a minute."""
WORKER_START_S = 3.0
"""Seconds for which a core starts a worker process, which is forked after the imports of a trial
(``bench.sweeps.launchers.workers``). A process that imports them takes three times as long."""

WARM_UP_STEPS, PROBE_STEPS = 2, 7
"""Steps before the clock runs, and all steps of a probe."""
PROBE_S = 0.5
"""Steps of a stack that would take longer together are measured with fewer trials."""
LONG_STEP_S = 0.01
"""Seconds of a step on a CPU. A trial alone that takes longer gains nothing by stacking (what that
saves is about 1 ms a step), and only a stack that takes longer is tried on more threads."""
PROBE_TRIALS = 16
"""Trials that stand for a larger stack: building them takes as long as training a few steps."""
PROBE_TRIALS_EACH = 4
"""The fewest trials of each optimizer, where time allows. All trials of one optimizer are one step,
so that one of each would show only what stacking costs."""
MIN_GAIN = 1.1
"""A gain below this is within the noise of measuring it."""

MEMORY_TRIALS = 4
"""Trials that stand for a stack's memory on a GPU."""
MAX_STACK = 512
"""Trials of a stack, where memory has room for more: in larger ones a trial takes no less time
(``python -m bench.speed.many``), and what stops a stack stops all of it."""
MAX_JOB = 64
"""Trials of a job, where the cluster has no use for smaller ones: what a larger stack gains is
little beside what is lost with a node."""

FEW_STEPS, MORE_STEPS = 5, 50
"""Training steps that stand for a trial's time where a step is slow, and where it is not."""
BRIEF_S = 1.0
"""Seconds; a trial of ``FEW_STEPS`` that takes less says little of the time of a step."""


def repays_workers(seconds: Collection[float], workers: int) -> bool:
    """Say if worker processes save more than their start takes.

    Args:
        seconds: of each trial's training alone.
    """
    return sum(seconds) * (1 - 1 / workers) >= WORKER_START_S
