"""One trial of a stack: what it is built from, its curve so far, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from traceback import format_exception

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from bench.spec import CurvePoint, Status, TrialResult, TrialSpec


@dataclass(eq=False)
class StackedTrial:
    """A trial while its stack trains; it ends once, and from then on its numbers are not looked at.

    Attributes:
        model: its own; in a stack the parameters are views of its slice.
        environment: versions and hardware of its record.
        on_evaluation, on_end: called with each point of the curve, and with the result.
        reached: the first point at or past the target, None before.
        result: how it ended; None while it trains.
    """

    spec: TrialSpec
    model: nn.Module
    optimizer: Optimizer
    scheduler: LambdaLR | None
    environment: Mapping[str, str]
    on_evaluation: Callable[[CurvePoint], None]
    on_end: Callable[[TrialResult], None]
    curve: list[CurvePoint] = field(default_factory=list)
    reached: CurvePoint | None = None
    result: TrialResult | None = None

    @property
    def live(self) -> bool:
        """Whether it still trains."""
        return self.result is None

    def add(self, point: CurvePoint) -> None:
        """One evaluation."""
        self.curve.append(point)
        target = self.spec.task.target_metric
        if self.reached is None and target.reached(point.values[f"val/{target.metric}"]):
            self.reached = point
        self.on_evaluation(point)

    def finish(self, final: Mapping[str, float], made: Mapping[str, float]) -> None:
        """It trained to its end.

        Args:
            final: metrics of the test split.
            made: time and counts for its summary.
        """
        last = self.curve[-1]
        self.curve[-1] = CurvePoint(last.step, {**last.values, **final})
        self._end(Status.FINISHED, "", self._summary(made))

    def diverge(self, reason: str, step: int, made: Mapping[str, float]) -> None:
        """A loss or parameter is not finite, first at ``step``."""
        summary = self._summary(made) | {"diverged_step": float(step)}
        self._end(Status.DIVERGED, reason, summary)

    def fail(self, error: Exception) -> None:
        """Its own optimizer raised."""
        trace = "".join(format_exception(error))
        self._end(Status.FAILED, f"{type(error).__name__}: {error}", {}, trace)

    def _end(
        self, status: Status, reason: str, summary: Mapping[str, float], trace: str = ""
    ) -> None:
        curve = tuple(self.curve)
        self.result = TrialResult(status, reason, curve, summary, self.environment, trace)
        self.on_end(self.result)

    def _summary(self, made: Mapping[str, float]) -> dict[str, float]:
        """As of a trial alone, but no time to target: a share of a stack's time is not its own."""
        summary = dict(made)
        if self.reached is not None:
            summary["steps_to_target"] = float(self.reached.step)
        return summary
