"""Functions whose minimum is known: what optimizers are watched on, and checked on.

Each takes coordinates as tensors of one shape and works entry by entry. ``LANDSCAPES`` has those of
two parameters; every minimum has the value 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Point = tuple[float, float]


class Landscape(NamedTuple):
    """A function of two parameters.

    Attributes:
        function: of x and y, tensors of one shape.
        start: where its trajectories usually begin.
        minima: every point of value 0.
        bounds: (low, high) of x and of y that a picture shows.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    start: Point
    minima: tuple[Point, ...]
    bounds: tuple[Point, Point]


def beale(x: Tensor, y: Tensor) -> Tensor:
    """(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)² (Beale 1958)."""
    terms = [(1.5, 1), (2.25, 2), (2.625, 3)]
    parts = [(level - x + x * y**power).square() for level, power in terms]
    return parts[0] + parts[1] + parts[2]


def rosenbrock(x: Tensor, y: Tensor) -> Tensor:
    """(1 − x)² + 100·(y − x²)², a bent valley (Rosenbrock 1960)."""
    return (1 - x).square() + 100 * (y - x.square()).square()


def saddle(x: Tensor, y: Tensor) -> Tensor:
    """x² + (y² − 1)²: a saddle at the origin between two minima, so that it has a lowest value."""
    return x.square() + (y.square() - 1).square()


def rastrigin(x: Tensor, y: Tensor) -> Tensor:
    """20 + x² − 10·cos 2πx + y² − 10·cos 2πy: a local minimum near every pair of whole numbers."""
    turn = 2 * math.pi
    return 20 + x.square() - 10 * (turn * x).cos() + y.square() - 10 * (turn * y).cos()


def valley(x: Tensor, y: Tensor) -> Tensor:
    """½·(x² + 100·y²): straight and long, curved a hundred times more across than along."""
    return 0.5 * (x.square() + 100 * y.square())


LANDSCAPES = {
    "beale": Landscape(beale, (1.0, 1.5), ((3.0, 0.5),), ((-4.5, 4.5), (-4.5, 4.5))),
    "rosenbrock": Landscape(rosenbrock, (-1.2, 1.0), ((1.0, 1.0),), ((-2.0, 2.0), (-1.0, 3.0))),
    "saddle": Landscape(saddle, (1.0, 0.01), ((0.0, -1.0), (0.0, 1.0)), ((-1.5, 1.5), (-1.5, 1.5))),
    "rastrigin": Landscape(rastrigin, (-2.2, 3.3), ((0.0, 0.0),), ((-5.12, 5.12), (-5.12, 5.12))),
    "valley": Landscape(valley, (-10.0, 1.0), ((0.0, 0.0),), ((-12.0, 12.0), (-3.0, 3.0))),
}


def curvature(size: int, condition: float) -> Tensor:
    """A symmetric ``[size, size]`` matrix, not diagonal, with eigenvalues from 1 to 1/condition.

    The eigenvalues lie evenly on a logarithmic scale; their basis is drawn once for each size.
    """
    generator = torch.Generator().manual_seed(size)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator))
    eigenvalues = torch.logspace(0, -math.log10(condition), size)
    return basis @ torch.diag(eigenvalues) @ basis.T
