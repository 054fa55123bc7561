"""Results and records of trials as frozen data: what a trial gave and what a store holds of it.

Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bench.spec.trial import Phase, Tuning


class Status(StrEnum):
    """State of a trial; the first four are ends."""

    FINISHED = "finished"
    DIVERGED = "diverged"  # non-finite loss or parameters: a result
    FAILED = "failed"  # an exception
    SKIPPED = "skipped"  # not run, with a reason
    CLAIMING = "claiming"  # a process asks for it
    RUNNING = "running"
    ELSEWHERE = "elsewhere"  # another process runs it, or has just run it


ENDS = (Status.FINISHED, Status.DIVERGED, Status.FAILED, Status.SKIPPED)


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation on the validation split, and the training step after which it was made.

    ``values`` holds ``train/loss`` (mean since the last evaluation), ``val/…``, ``lr`` and
    ``train_time_s`` (training time so far).
    """

    step: int
    values: Mapping[str, float]


def last_metrics(curve: Sequence[CurvePoint]) -> dict[str, float]:
    """Select the metrics (``train/…``, ``val/…``) of the last evaluation; none without one."""
    values = curve[-1].values if curve else {}
    return {name: value for name, value in values.items() if "/" in name}


@dataclass(frozen=True)
class TrialResult:
    """The end of a trial.

    Attributes:
        reason: why it diverged, failed or was skipped; empty when finished.
        curve: its evaluations in order of steps; empty where only the end was asked for.
        summary: numbers of the whole trial, named with their unit (``train_time_s``,
            ``step_time_ms``, ``peak_memory_mib``, ``steps_to_target``, ``train_time_to_target_s``,
            ``diverged_step``, ``test_examples``). What was not measured or not reached is absent.
        environment: versions and hardware it ran on.
        traceback: of the exception when failed.
        ended_at: of what is read from a record, in seconds since 1970; 0 of one that ends now.
        generation: of what is read from a record: number of the command that made it
            (``RunContext.generation``); 0 of records from before there was one.
        final: the last measured metrics by name; of a trial that finished also ``test/…``.
    """

    status: Status
    reason: str = ""
    curve: tuple[CurvePoint, ...] = ()
    summary: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    traceback: str = ""
    ended_at: float = field(default=0.0, compare=False)
    generation: int = field(default=0, compare=False)
    final: Mapping[str, float] = field(default_factory=dict)

    def final_value(self, metric: str) -> float:
        """Return a metric at the trial's end, e.g. ``val/accuracy``; NaN unless it finished."""
        return self.final.get(metric, math.nan) if self.status is Status.FINISHED else math.nan

    def brief(self) -> TrialResult:
        """Drop curve and traceback: enough for a sweep, and light to send between processes."""
        return replace(self, curve=(), traceback="")


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the store holds it: what ``tracking.read`` returns and reports are made from.

    Attributes:
        config: ``TrialSpec.config()`` as it was recorded.
        point: hyperparameters that differed from the optimizer's YAML.
        phase, tuning, reference: as they were declared; records from before there were any say
            ``explore``, nothing and ``adam``.
        source: the baseline file that it was read from; empty: a store.
    """

    run_id: str
    study: str
    config_hash: str
    config: Mapping[str, Any]
    point: Mapping[str, Any]
    result: TrialResult
    phase: Phase = Phase.EXPLORE
    tuning: Tuning | None = None
    reference: str = "adam"
    source: str = ""
