"""What the size of a test split leaves uncertain, whatever the seeds do."""

from __future__ import annotations

import math


def standard_error(share: float, n: float) -> float:
    """Of a share of ``n`` independent test examples, sqrt(p (1 − p) / n): the binomial one.

    All seeds see the same examples, so more seeds do not bring it down; a difference of two
    optimizers on the same examples is surer than either of them.

    Args:
        share: e.g. an accuracy. NaN outside 0 … 1, or where ``n`` is not known.
    """
    if not (0 <= share <= 1 and n > 0):
        return math.nan
    return math.sqrt(share * (1 - share) / n)
