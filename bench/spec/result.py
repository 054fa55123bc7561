"""Results and records of trials as frozen data: what a trial gave and what a store holds of it.

Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from bench.spec.trial import Phase, Tuning


class Status(StrEnum):
    """How a trial ended."""

    FINISHED = "finished"
    DIVERGED = "diverged"  # non-finite loss or parameters: a result
    FAILED = "failed"  # an exception
    SKIPPED = "skipped"  # not run, with a reason


@dataclass(frozen=True)
class CurvePoint:
    """One evaluation: the step after which it was made and what was measured there.

    ``values`` holds ``train/loss`` (mean since the last evaluation), ``val/…``, ``lr`` and
    ``train_time_s`` (training time so far); at the last step also ``test/…``.
    """

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class TrialResult:
    """What a trial gave.

    Attributes:
        reason: why it diverged, failed or was skipped; empty when finished.
        curve: its evaluations in order of steps.
        summary: numbers of the whole trial, named with their unit (``train_time_s``,
            ``step_time_ms``, ``peak_memory_mib``, ``steps_to_target``, ``train_time_to_target_s``,
            ``diverged_step``, ``test_examples``). What was not measured or not reached is absent.
        environment: versions and hardware it ran on.
        traceback: of the exception when failed.
        ended_at: of what is read from a record, in seconds since 1970; 0 of one that ends now.
    """

    status: Status
    reason: str = ""
    curve: tuple[CurvePoint, ...] = ()
    summary: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    traceback: str = ""
    ended_at: float = field(default=0.0, compare=False)

    def final(self, metric: str) -> float:
        """A metric at the trial's end, e.g. ``val/accuracy``; NaN unless it finished."""
        if self.status is not Status.FINISHED:
            return math.nan
        last = self.curve[-1].values if self.curve else {}
        return {**last, **self.summary}.get(metric, math.nan)


ELSEWHERE = "elsewhere"
"""An outcome's status where another process runs the trial, or has just run it."""


class Outcome(TypedDict):
    """How a trial ended, in plain words that any launcher can carry.

    ``status`` is a ``Status`` or ``ELSEWHERE``; ``value`` is the final validation value of the
    task's metric, NaN unless finished; ``line`` is what a person reads.
    """

    label: str
    status: str
    reason: str
    value: float
    line: str


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
