"""The state of a trial from its first step to its result. A stack holds K of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

from bench.runtime.guard import stop
from bench.spec import CurvePoint, Status, TrialResult, TrialSpec, last_metrics, protocol
from bench.spec.errors import (
    StoreLost,
    TrainingEndedEarly,
    describe_error,
    format_traceback,
)
from bench.spec.needs import add_hint

Told = TypeVar("Told", CurvePoint, TrialResult)


class Diverged(Exception):
    """A non-finite loss or parameter; ``step`` is where it was first seen."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(f"non-finite {what} at step {step}")
        self.step = step


class TrialState:
    """The curve, target point and result of one trial, as plain data. A trial ends once.

    Args:
        environment: versions and hardware, for the record.
        on_evaluation, on_end: called with each point of the curve, and with the result.

    Attributes:
        curve: one point per evaluation; the last one gets the test metrics when the trial finishes.
        target_point: the first point at or past the target; None before.
        result: None while the trial trains.
    """

    def __init__(
        self,
        spec: TrialSpec,
        environment: Mapping[str, str],
        on_evaluation: Callable[[CurvePoint], None] = lambda point: None,
        on_end: Callable[[TrialResult], None] = lambda result: None,
    ) -> None:
        self.spec, self.environment = spec, environment
        self.on_evaluation, self.on_end = on_evaluation, on_end
        self.curve: list[CurvePoint] = []
        self.target_point: CurvePoint | None = None
        self.result: TrialResult | None = None

    @property
    def is_training(self) -> bool:
        """True until the trial has a result."""
        return self.result is None

    @property
    def should_stop(self) -> bool:
        """True where the trial ends at its target, before its full horizon."""
        return self.is_training and self.target_point is not None and self.spec.stop_at_target

    @property
    def evaluates_test(self) -> bool:
        """True where the test split is evaluated at the end."""
        return protocol.opens_test(self.spec.phase)

    def add_evaluation(
        self, step: int, metrics: Mapping[str, float], training: Mapping[str, float]
    ) -> None:
        """Add a point to the curve.

        Args:
            metrics: of the validation split.
            training: training loss, learning rate and training time.

        Raises:
            Diverged: a metric is not finite.
        """
        _check_finite(metrics, step)
        point = CurvePoint(step, {**metrics, **training})
        self.curve.append(point)
        target = self.spec.task.target_metric
        if f"val/{target.metric}" not in metrics:
            raise KeyError(
                f"task.metric: {target.metric!r} was not measured on the validation split, but "
                f"{', '.join(name.partition('/')[2] for name in metrics)}"
            )
        if self.target_point is None and target.reached(point.values[f"val/{target.metric}"]):
            self.target_point = point
        _tell(self.on_evaluation, point)

    def finish(self, final: Mapping[str, float], summary: Mapping[str, float]) -> None:
        """End the trial after its last step, or at its target where it stops there.

        A non-finite test metric means that it diverged. A trial whose last evaluation was not that
        of its last step has failed.

        Args:
            final: metrics of the test split; empty where it stays shut.
            summary: time and counts, named with their unit.
        """
        step, steps = self.curve[-1].step if self.curve else 0, self.spec.budget.steps
        if step != steps and not self.should_stop:
            self.fail(TrainingEndedEarly.at(step, steps))
            return
        try:
            _check_finite(final, step)
        except Diverged as event:
            self.diverge(event, summary)
            return
        self._end(Status.FINISHED, "", self._add_target_metrics(summary), final=final)

    def diverge(self, event: Diverged, summary: Mapping[str, float]) -> None:
        """End the trial for a loss or parameter that is not finite."""
        complete = self._add_target_metrics(summary) | {"diverged_step": float(event.step)}
        self._end(Status.DIVERGED, str(event), complete)

    def fail(self, error: BaseException) -> None:
        """End the trial for an exception."""
        reason = add_hint(describe_error(error), self.spec.optimizer.needs)
        self._end(Status.FAILED, reason, {}, format_traceback(error))

    def _end(
        self,
        status: Status,
        reason: str,
        summary: Mapping[str, float],
        trace: str = "",
        final: Mapping[str, float] | None = None,
    ) -> None:
        last = last_metrics(self.curve) | dict(final or {})
        curve = tuple(self.curve)
        self.result = TrialResult(
            status, reason, curve, summary, self.environment, trace, final=last
        )
        _tell(self.on_end, self.result)

    def _add_target_metrics(self, summary: Mapping[str, float]) -> dict[str, float]:
        """Add steps and time to the target. A share of a stack's time is not a trial's time."""
        complete = dict(summary)
        if self.target_point is not None:
            complete["steps_to_target"] = float(self.target_point.step)
            if "stack_size" not in summary:
                complete["train_time_to_target_s"] = self.target_point.values["train_time_s"]
        return complete


def _tell(hear: Callable[[Told], None], value: Told) -> None:
    """Tell the recorder; a lost store is not the fault of the code that trains."""
    try:
        hear(value)
    except StoreLost as error:
        stop(error)


METRIC_NAMES = {"val/loss": "validation loss", "test/loss": "test loss"}


def _check_finite(measured: Mapping[str, float], step: int) -> None:
    """Raise Diverged for the first metric that is not finite."""
    for name, value in measured.items():
        if not math.isfinite(value):
            raise Diverged(METRIC_NAMES.get(name, name), step)
