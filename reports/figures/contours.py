"""Contour lines of a function of two parameters, as numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from contourpy import LineType, contour_generator

from tasks.landscapes import Landscape

GRID = 361  # points along each axis where the function is evaluated; between them it is linear
LOWEST = 0.1  # level; below it a landscape is a spot of this picture
LEVELS = (1, 2, 5)  # of each power of ten
PIXEL = 1 / 500  # of a picture's width: what a line may lose


def trace_contours(landscape: Landscape) -> pd.DataFrame:
    """Trace lines of equal value within the landscape's bounds.

    Columns: line (a number for each piece of a line), level, x, y; rows in the order of drawing.
    """
    low, high = np.transpose(landscape.bounds)  # each of x and y
    unit = np.linspace(0, 1, GRID)
    x, y = (start + unit * (end - start) for start, end in landscape.bounds)
    values = landscape.function(*np.meshgrid(x, y))  # [y, x]
    generator = contour_generator(unit, unit, values, line_type=LineType.Separate)
    pieces = [
        (level, piece) for level in list_levels(values.max()) for piece in generator.lines(level)
    ]
    tables = []
    for i, (level, piece) in enumerate(pieces):
        x, y = (low + simplify(np.asarray(piece)) * (high - low)).T
        tables.append(pd.DataFrame({"line": i, "level": level, "x": x, "y": y}))
    return pd.concat(tables, ignore_index=True)


def list_levels(highest: float) -> list[float]:
    """List 1, 2 and 5 times each power of ten, from ``LOWEST`` to below ``highest``."""
    powers = range(round(math.log10(LOWEST)), math.ceil(math.log10(highest)))
    levels = [float(f"{step}e{power}") for power in powers for step in LEVELS]
    return [level for level in levels if level < highest]


def simplify(line: np.ndarray) -> np.ndarray:
    """Drop points of a line ``[n, 2]`` that lie within a ``PIXEL`` of their neighbours' chord.

    Each round checks every second point, so that two neighbours never go together.
    """
    for first in (1, 2) * 4:
        middle = np.arange(first, len(line) - 1, 2)
        before, after = line[middle - 1], line[middle + 1]
        across = (after - before) @ [[0, 1], [-1, 0]]
        length = np.hypot(*across.T)
        off = np.abs(((line[middle] - before) * across).sum(axis=1))
        line = np.delete(line, middle[off <= PIXEL / 2 * length], axis=0)
    return line
