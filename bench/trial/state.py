"""A trial's life, from its first step to its result: held once by a trial, K times by a stack."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from bench.spec import CurvePoint, Status, TrialResult, TrialSpec, protocol
from bench.spec.errors import said, traced
from bench.spec.needs import hinted


class Diverged(Exception):
    """A non-finite loss or parameter. ``step`` is the first at which it was there."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(f"non-finite {what} at step {step}")
        self.step = step


class Course:
    """Points, target, divergence and end of one trial. It ends once; nothing after that counts.

    What it holds is plain data: with the state of model, optimizer, schedule and generators it is
    what a trial would be resumed from.

    Args:
        environment: versions and hardware of its record.
        on_evaluation, on_end: called with each point of the curve, and with the result.

    Attributes:
        curve: one point an evaluation so far; the last also has the test split once it finished.
        reached: the first of them at or past the target, None before.
        result: how it ended; None while it trains.
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
        self.reached: CurvePoint | None = None
        self.result: TrialResult | None = None

    @property
    def live(self) -> bool:
        """Whether it still trains."""
        return self.result is None

    @property
    def stops(self) -> bool:
        """Whether it is to end here, at its target, before its full horizon."""
        return self.live and self.reached is not None and self.spec.stop_at_target

    @property
    def tests(self) -> bool:
        """Whether the test split is evaluated when it finishes."""
        return protocol.opens_test(self.spec.phase)

    def evaluated(
        self, step: int, measured: Mapping[str, float], made: Mapping[str, float]
    ) -> None:
        """One evaluation; a metric that is not finite ends the trial.

        Args:
            measured: metrics of the validation split.
            made: what else the point holds: training loss, learning rate, training time.
        """
        _check_finite(measured, step)
        point = CurvePoint(step, {**measured, **made})
        self.curve.append(point)
        target = self.spec.task.target_metric
        if f"val/{target.metric}" not in measured:
            raise KeyError(
                f"task.metric: {target.metric!r} was not measured on the validation split, but "
                f"{', '.join(name.partition('/')[2] for name in measured)}"
            )
        if self.reached is None and target.reached(point.values[f"val/{target.metric}"]):
            self.reached = point
        self.on_evaluation(point)

    def finish(self, final: Mapping[str, float], summary: Mapping[str, float]) -> None:
        """It trained to its end; a metric of the test split that is not finite is no such end.

        Args:
            final: metrics of the test split; empty where it stays shut.
            summary: time and counts, named with their unit.
        """
        last = self.curve[-1]
        try:
            _check_finite(final, last.step)
        except Diverged as event:
            self.diverge(event, summary)
            return
        self.curve[-1] = CurvePoint(last.step, {**last.values, **final})
        self._end(Status.FINISHED, "", self._complete(summary))

    def diverge(self, event: Diverged, summary: Mapping[str, float]) -> None:
        """A loss or parameter is not finite."""
        complete = self._complete(summary) | {"diverged_step": float(event.step)}
        self._end(Status.DIVERGED, str(event), complete)

    def fail(self, error: BaseException) -> None:
        """Something raised."""
        words = hinted(said(error), self.spec.optimizer.needs)
        self._end(Status.FAILED, words, {}, traced(error))

    def _end(
        self, status: Status, reason: str, summary: Mapping[str, float], trace: str = ""
    ) -> None:
        curve = tuple(self.curve)
        self.result = TrialResult(status, reason, curve, summary, self.environment, trace)
        self.on_end(self.result)

    def _complete(self, summary: Mapping[str, float]) -> dict[str, float]:
        """With steps and time to the target; a share of a stack's time is no trial's own."""
        if self.reached is None:
            return dict(summary)
        found = {"steps_to_target": float(self.reached.step)}
        if "stack_size" not in summary:
            found["train_time_to_target_s"] = self.reached.values["train_time_s"]
        return {**summary, **found}


NAMES = {"val/loss": "validation loss", "test/loss": "test loss"}


def _check_finite(measured: Mapping[str, float], step: int) -> None:
    """Raises Diverged with the first metric that is not finite."""
    for name, value in measured.items():
        if not math.isfinite(value):
            raise Diverged(NAMES.get(name, name), step)
