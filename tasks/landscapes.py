"""Functions whose minimum is known: what optimizers are watched on, and checked on.

Each takes coordinates of one shape, as tensors or as NumPy arrays, and works entry by entry: what a
report draws is what was trained on, without torch. ``LANDSCAPES`` has those of two parameters;
every minimum has the value 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Point = tuple[float, float]
Array = Any  # a tensor or a NumPy array


class Landscape(NamedTuple):
    """A function of two parameters.

    Attributes:
        function: of x and y, arrays of one shape.
        start: where its trajectories usually begin.
        minima: every point of value 0.
        bounds: (low, high) of x and of y that a picture shows.
    """

    function: Callable[[Array, Array], Array]
    start: Point
    minima: tuple[Point, ...]
    bounds: tuple[Point, Point]


def beale(x: Array, y: Array) -> Array:
    """(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)² (Beale 1958)."""
    terms = [(1.5, 1), (2.25, 2), (2.625, 3)]
    parts = [(level - x + x * y**power) ** 2 for level, power in terms]
    return parts[0] + parts[1] + parts[2]


def rosenbrock(x: Array, y: Array) -> Array:
    """(1 − x)² + 100·(y − x²)², a bent valley (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def saddle(x: Array, y: Array) -> Array:
    """x² + (y² − 1)²: a saddle at the origin between two minima, so that it has a lowest value."""
    return x**2 + (y**2 - 1) ** 2


def rastrigin(x: Array, y: Array) -> Array:
    """20 + x² − 10·cos 2πx + y² − 10·cos 2πy: a local minimum near every pair of whole numbers."""
    turn = 2 * math.pi
    return 20 + x**2 - 10 * _cos(turn * x) + y**2 - 10 * _cos(turn * y)


def valley(x: Array, y: Array) -> Array:
    """½·(x² + 100·y²): straight and long, curved a hundred times more across than along."""
    return 0.5 * (x**2 + 100 * y**2)


def _cos(angle: Array) -> Array:
    """A tensor's own, which has a gradient; NumPy's of anything else."""
    return angle.cos() if hasattr(angle, "cos") else np.cos(angle)


LANDSCAPES = {
    "beale": Landscape(beale, (1.0, 1.5), ((3.0, 0.5),), ((-4.5, 4.5), (-4.5, 4.5))),
    "rosenbrock": Landscape(rosenbrock, (-1.2, 1.0), ((1.0, 1.0),), ((-2.0, 2.0), (-1.0, 3.0))),
    "saddle": Landscape(saddle, (1.0, 0.01), ((0.0, -1.0), (0.0, 1.0)), ((-1.5, 1.5), (-1.5, 1.5))),
    "rastrigin": Landscape(rastrigin, (-2.2, 3.3), ((0.0, 0.0),), ((-5.12, 5.12), (-5.12, 5.12))),
    "valley": Landscape(valley, (-10.0, 1.0), ((0.0, 0.0),), ((-12.0, 12.0), (-3.0, 3.0))),
}
TASKS = {f"tasks.synthetic.{name.title()}": name for name in LANDSCAPES}
"""The landscape's name by the class that makes a task of it, as a trial's record has it."""


def curvature(size: int, condition: float) -> Tensor:
    """A symmetric ``[size, size]`` matrix, not diagonal, with eigenvalues from 1 to 1/condition.

    The eigenvalues lie evenly on a logarithmic scale; their basis is drawn once for each size.
    """
    import torch  # which whoever draws a landscape does not load

    generator = torch.Generator().manual_seed(size)
    basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator))
    eigenvalues = torch.logspace(0, -math.log10(condition), size)
    return basis @ torch.diag(eigenvalues) @ basis.T
