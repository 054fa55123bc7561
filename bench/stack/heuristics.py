"""Constants behind ``hydra/launcher=auto`` and a study's forecast, each with its measurement.

Tables are in docs/stacked.md: sweeps of digits' MLP, 300 steps a trial, on two cores.
"""

from __future__ import annotations

from collections.abc import Collection

SMALL_STEP_S = 0.002
"""Seconds of a training step that is not measured. Table: 128 trials one by one take 1.0 ms a step,
evaluations and records included; a machine may be half as fast."""
UNMEASURED_S = 0.5
"""Seconds of training small models below which nothing is measured: 250 steps. Measuring takes 0.07
of such a sweep's 3.6 s; without it a Transformer's 480 steps had one core for a minute."""
WORKER_START_S = 3.0
"""Seconds for which a core starts a worker process, which is forked after the imports of a trial
(``bench.sweeps.launchers.workers``). Those alone take 5.4 s of a core
(``import bench.sweeps.launchers.forkserver``), of which the sweep's own start covers a part."""

WARM_UP_STEPS, PROBE_STEPS = 2, 7
"""Steps before the clock runs, and all steps of a probe. The least of the five others counts: a
busy machine lengthens some, and shortens none."""
PROBE_S = 0.5
"""Steps of a stack that would take longer together are measured with fewer trials."""
LONG_STEP_S = 0.01
"""Seconds of a step on a CPU. A trial alone that takes longer gains nothing by stacking: a stack
saves 0.9 of the 1.0 ms of a small model's step (table: 0.30 s a trial one by one, 0.02 stacked).
Only a stack that takes longer is tried on more threads."""
PROBE_TRIALS = 16
"""Trials that stand for a larger stack: building them takes as long as training a few steps (table:
0.19 s for 128)."""
PROBE_TRIALS_EACH = 4
"""The fewest trials of each optimizer, where time allows. All trials of one optimizer are one step:
by one of each, a mixed sweep that gains 13 times seemed to lose."""
MIN_GAIN = 1.1
"""A gain below this is within the noise: two medians of one sweep differ by 3 to 5 % (2.2 and 2.3 s
of 64 trials), up to 28 % where other processes run (16.0 and 12.5 s)."""

MEMORY_TRIALS = 4
"""Trials that stand for a stack's memory on a GPU: what all share is in it once."""
MAX_STACK = 512
"""Trials of a stack, where memory has room for more: in larger ones a trial takes no less time
(``python -m bench.speed.many``), and what stops a stack stops all of it."""
MAX_JOB = 64
"""Trials of a job, where the cluster has no use for smaller ones. What a larger stack gains is
little (38 ms a trial of 64, 21 ms of 256) beside what is lost with a node."""

FEW_STEPS, MORE_STEPS = 5, 50
"""Training steps that stand for a trial's time where a step is slow, and where it is not: 50 slow
ones were two minutes of silence before a study of 85 trials."""
BRIEF_S = 1.0
"""Seconds; a trial of ``FEW_STEPS`` that takes less says little of the time of a step, since what
is built once a process takes most of it."""


def repays_workers(seconds: Collection[float], workers: int) -> bool:
    """Say if worker processes save more than their start takes.

    Args:
        seconds: of each trial's training alone.
    """
    return sum(seconds) * (1 - 1 / workers) >= WORKER_START_S
