"""One training run: ``run_trial`` takes a spec and returns a result. No store is touched here."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench.build import components
from bench.runtime.guard import guard, raise_stop
from bench.runtime.lightning import pl
from bench.runtime.timeout import time_limit
from bench.spec import CurvePoint, RefusedInput, TrialResult, TrialSpec
from bench.spec.errors import TimeLimitExceeded, UserCodeError
from bench.trial.batches import Batches
from bench.trial.distributed import ShardedBatches, refuse_batch_statistics, run_distributed
from bench.trial.module import TrialModule, TrialParts
from bench.trial.state import TrialState
from bench.trial.trainer import TrialTrainer, open_trainer
from tasks.base import Task


def run_trial(
    spec: TrialSpec,
    on_evaluation: Callable[[CurvePoint], None] = lambda point: None,
    progress_bar: bool = False,
) -> TrialResult:
    """Train, evaluate and return the result.

    Args:
        on_evaluation: called with each point of the curve as soon as it is measured.
        progress_bar: show the steps of this trial.

    Raises:
        RefusedInput: the spec cannot be built. Whatever else its code raises is the result
            ``failed`` (``bench.runtime.guard``).
        KeyboardInterrupt, Terminated, StoreLost: as received, never as its code raises them.
    """
    if spec.context.hardware.ranks > 1:
        return run_distributed(spec, on_evaluation, progress_bar, run_in_process)
    return run_in_process(spec, on_evaluation, progress_bar)


def run_in_process(
    spec: TrialSpec, on_evaluation: Callable[[CurvePoint], None], progress_bar: bool
) -> TrialResult:
    """Run a trial, or one of its ranks, in this process."""
    with open_trainer(spec, spec.context.hardware.threads, progress_bar) as trainer:
        state = TrialState(spec, trainer.environment, on_evaluation)
        try:
            with time_limit(spec.context.hardware.max_seconds):
                _train(_build(state, trainer.device), trainer)
        except RefusedInput:
            raise
        except TimeLimitExceeded as error:
            state.fail(error)
        except BaseException as error:  # whatever an optimizer, a model or a task raises
            raise_stop(error)
            state.fail(UserCodeError.wrap(error))
    assert state.result is not None
    return state.result


def build_parts(spec: TrialSpec, task: Task, device: torch.device) -> TrialParts:
    """Build model, optimizer and schedule from the trial's seed."""
    pl.seed_everything(spec.seed, verbose=False)
    model = guard(components.build_model(spec.model, task).to)(device)
    optimizer = components.build_optimizer(spec.optimizer, model)
    return TrialParts(model, optimizer, components.build_scheduler(spec, optimizer))


def _build(state: TrialState, device: torch.device) -> TrialModule:
    """Build all parts of a trial; raise RefusedInput where they cannot be built."""
    spec = state.spec
    task = components.load_task(spec)
    module = TrialModule(task, build_parts(spec, task, device), state)
    if spec.context.hardware.ranks > 1:
        refuse_batch_statistics(module.model, spec)
    return module


@guard
def _train(module: TrialModule, trainer: TrialTrainer) -> None:
    spec = module.states[0].spec
    # Again: dropout must not depend on how many numbers the model and optimizer drew when built.
    pl.seed_everything(spec.seed, verbose=False)
    batches = Batches.from_spec(spec, module.task, trainer.device)
    if spec.context.hardware.ranks == 1:
        trainer.fit(module, batches)
        return
    rank = trainer.lightning.global_rank
    trainer.fit(module, ShardedBatches(batches, rank, spec.context.hardware.ranks))
