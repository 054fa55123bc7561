"""``run_trial``: one spec in, one result out. Nothing is read from or written to a store here."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench.build import components
from bench.runtime.lightning import pl
from bench.runtime.timeout import at_most
from bench.spec import CurvePoint, TrialResult, TrialSpec
from bench.spec.errors import NOT_THEIRS
from bench.trial.batches import Batches
from bench.trial.distributed import Shares, refuse_statistics, run_in_ranks
from bench.trial.module import Parts, TrialModule
from bench.trial.state import Course
from bench.trial.trainer import Machine, machine
from tasks.base import Task


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
        RefusedInput: the spec cannot be built. Whatever else its code raises is the result
            ``failed`` (``bench.spec.errors``).
    """
    if spec.context.hardware.ranks > 1:
        return run_in_ranks(spec, on_evaluation, progress_bar, run_here)
    return run_here(spec, on_evaluation, progress_bar)


def run_here(
    spec: TrialSpec, on_evaluation: Callable[[CurvePoint], None], progress_bar: bool
) -> TrialResult:
    """The same in this process: all of a trial, or one of its ranks."""
    with machine(spec, spec.context.hardware.threads, progress_bar) as made:
        course = Course(spec, made.environment, on_evaluation)
        try:
            with at_most(spec.context.hardware.max_seconds):
                _fit(course, made)
        except NOT_THEIRS:
            raise
        except BaseException as error:  # whatever an optimizer, a model or a task raises
            course.fail(error)
    assert course.result is not None
    return course.result


def built(spec: TrialSpec, task: Task, device: torch.device) -> Parts:
    """Model, optimizer and schedule from the trial's seed."""
    pl.seed_everything(spec.seed, verbose=False)
    model = components.model(spec.model, task).to(device)
    optimizer = components.optimizer(spec.optimizer, model)
    return Parts(model, optimizer, components.scheduler(spec, optimizer))


def _fit(course: Course, made: Machine) -> None:
    """Build everything from the seed and train."""
    spec = course.spec
    task = components.task_of(spec)
    module = TrialModule(task, built(spec, task, made.device), course)
    # Again: dropout must not depend on how many numbers the model and optimizer drew when built.
    pl.seed_everything(spec.seed, verbose=False)
    batches = Batches.of(spec, task, made.device)
    if spec.context.hardware.ranks == 1:
        made.fit(module, batches)
        return
    refuse_statistics(module.model, spec)
    made.fit(module, Shares(batches, made.trainer.global_rank, spec.context.hardware.ranks))
