"""Functions with a known optimum as tasks: the parameters themselves are the model's output."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from tasks.base import Task
from tasks.data.dataset import InvalidData, Split
from tasks.data.noise import Noise
from tasks.landscapes import LANDSCAPES, curvature


class Synthetic(Task):
    """A function of ``d`` parameters whose gradient is seen through noise.

    An example is a draw of noise ``[d]`` that is added to the gradient; the validation and test
    splits are one example without noise, so that what is measured there is the function itself. The
    model returns its parameters once for each example, ``[B, d]``.
    """

    inputs = "point"
    dataset: Noise

    def prepare(self, examples: Split) -> Tensor:
        """Nothing that a model could use: zeros ``[N]``."""
        return torch.tensor(examples.inputs)

    def model_arguments(self) -> dict[str, Any]:
        """``start``: the parameters before training."""
        return {"start": self.start()}

    def start(self) -> tuple[float, ...]:
        """Where training begins, ``d`` numbers."""
        raise NotImplementedError

    def value(self, points: Tensor) -> Tensor:
        """The function at ``[B, d]``: ``[B]``. Its lowest value is 0."""
        raise NotImplementedError

    def distance(self, points: Tensor) -> Tensor:
        """From the nearest minimum: ``[B, d]`` to ``[B]``."""
        return points.norm(dim=-1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The function, and a linear term whose gradient is the batch's noise."""
        return self.value(outputs).mean() + (targets * outputs).sum(dim=-1).mean()

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """``loss``: the function without noise; ``distance`` from the nearest minimum."""
        return {"loss": self.value(outputs).sum(), "distance": self.distance(outputs).sum()}


class NoisyQuadratic(Synthetic):
    """½·xᵀAx with the condition number of its data, from ones on (arXiv:1907.04164).

    A is not diagonal: an optimizer that scales each parameter on its own is not favoured.
    """

    def __init__(self, dataset: Noise) -> None:
        super().__init__(dataset)
        self._size = dataset.train.targets.shape[1]
        self._curvature = curvature(self._size, dataset.condition)

    def start(self) -> tuple[float, ...]:
        return (1.0,) * self._size

    def value(self, points: Tensor) -> Tensor:
        return 0.5 * (points * (points @ self._curvature.to(points))).sum(dim=-1)


class OfTwoParameters(Synthetic):
    """A landscape of ``tasks.landscapes``; with its value the place is measured, a trajectory.

    Raises:
        InvalidData: its noise is not of two numbers.
    """

    name: ClassVar[str]

    def __init__(self, dataset: Noise) -> None:
        super().__init__(dataset)
        if dataset.train.targets.shape[1:] != (2,):
            raise InvalidData("a landscape has two parameters: task.data.size=2")
        self.landscape = LANDSCAPES[self.name]

    def start(self) -> tuple[float, ...]:
        return self.landscape.start

    def value(self, points: Tensor) -> Tensor:
        return self.landscape.function(points[..., 0], points[..., 1])

    def distance(self, points: Tensor) -> Tensor:
        away = [(points - points.new_tensor(one)).norm(dim=-1) for one in self.landscape.minima]
        return torch.stack(away).amin(dim=0)

    def sums(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """``x`` and ``y`` besides: where the parameters are."""
        x, y = outputs.sum(dim=0).unbind()
        return {**super().sums(outputs, targets), "x": x, "y": y}


class Beale(OfTwoParameters):
    name = "beale"


class Rosenbrock(OfTwoParameters):
    name = "rosenbrock"


class Saddle(OfTwoParameters):
    name = "saddle"


class Rastrigin(OfTwoParameters):
    name = "rastrigin"


class Valley(OfTwoParameters):
    name = "valley"
