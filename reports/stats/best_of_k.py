"""The expected best of k points tried: what tuning costs.

Of ``n`` points tried, drawn ``k`` times with replacement, the i-th worst is the best with
probability ``(i/n)^k − ((i−1)/n)^k``. Sources: Dodge et al. 2019, arXiv:1909.03004; Sivaprasad et
al. 2020, arXiv:1910.11758.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Best:
    """The best of ``k`` points.

    Attributes:
        expected, spread: mean and standard deviation over draws with at least one point that
            finished; NaN where no point did.
        all_broken: probability that all ``k`` drawn points broke off.
    """

    k: int
    expected: float
    spread: float
    all_broken: float


def best_of_k(values: ArrayLike, k: int, direction: str) -> Best:
    """The expected best of ``k`` draws from points tried.

    Args:
        values: one a point, shape ``(n,)``; NaN for one that broke, the worst of all.
        direction: ``maximize`` or ``minimize``.
    """
    x = np.asarray(values, dtype=float)
    sign = 1.0 if direction == "maximize" else -1.0
    finite = np.sort(sign * x[~np.isnan(x)])  # worst first
    n, broken = len(x), len(x) - len(finite)
    if len(finite) == 0:
        return Best(k, math.nan, math.nan, 1.0 if n else math.nan)
    steps = (np.arange(broken, n + 1) / n) ** k
    weights = np.diff(steps) / (1.0 - steps[0])
    expected = float(weights @ finite)
    variance = float(weights @ (finite - expected) ** 2)
    return Best(k, sign * expected, math.sqrt(variance), float(steps[0]))
