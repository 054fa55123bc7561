"""One optimizer on one problem, built and stepped as a trial does it. All checks go through it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.build import components
from bench.check.problems import Problem
from bench.spec import OptimizerSpec
from bench.trial.update import Gradient, update, use_evaluation_parameters


def seed(value: int = 0) -> None:
    """Every random state that an optimizer might draw from, as a trial seeds them."""
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)


class Runner:
    """An optimizer at work.

    Attributes:
        scale: factor of the loss and so of every gradient; 0 or NaN make those.
        gradients: how many gradients were computed.
    """

    def __init__(self, spec: OptimizerSpec, problem: Problem) -> None:
        seed()
        self.spec = spec
        self.problem = problem
        self.optimizer = components.build_optimizer(spec, problem)
        self.scale = 1.0
        self.gradients = 0
        seed()  # what the constructor drew must not matter

    def gradient(self) -> Tensor:
        """Loss and gradients where the parameters are now (``bench.trial.update.Gradient``)."""
        # made anew: checks put another optimizer in the place of the one that was built
        gradient = Gradient(self.optimizer, self.problem, self.spec.needs, self.spec.clip_norm)
        self.gradients += 1
        return gradient.bind(lambda: self.problem.loss() * self.scale)()

    def run(self, steps: int) -> Runner:
        """That many updates."""
        for _ in range(steps):
            update(self.optimizer, self.gradient, self.spec.needs)
            self.problem.step += 1
        return self

    def value(self) -> float:
        """The problem's loss where the optimizer wants to be evaluated; no noise."""
        with self._evaluation_point(), torch.no_grad():
            return float(self.problem.value())

    def values(self) -> list[Tensor]:
        """Copies of the parameters, where the optimizer wants to be evaluated."""
        with self._evaluation_point():
            return copy_tensors(self.problem.parameters())

    def _evaluation_point(self) -> AbstractContextManager[None]:
        """Before the first update there is one point only, and some have no other to go to."""
        return use_evaluation_parameters(self.optimizer, self.spec.needs if self.gradients else ())

    def named(self) -> dict[str, Tensor]:
        """The same by name."""
        names = [name for name, _ in self.problem.named_parameters()]
        return dict(zip(names, self.values(), strict=True))


def copy_tensors(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


def identical(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Bit for bit the same; NaN equals NaN."""
    return all(
        torch.allclose(a, b, rtol=0.0, atol=0.0, equal_nan=True)
        for a, b in zip(ours, theirs, strict=True)
    )


def distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Euclidean, over all tensors together; NaN where one of them is not finite."""
    squares = [(a.double() - b.double()).square().sum() for a, b in zip(ours, theirs, strict=True)]
    return float(torch.stack(squares).sum().sqrt())


def finite(tensors: Iterable[Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors)


def find_tensors(value: Any) -> Iterator[Tensor]:
    """Those in a value, its lists and its dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from find_tensors(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from find_tensors(inner)
