"""The exact rank-sum test of independent results, summed over tasks.

Sources: Wilcoxon 1945; van Elteren 1960 (weights 1/(N + 1)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def smallest_p(sizes: Sequence[tuple[int, int]]) -> float:
    """Return the smallest two-sided p that the test can reach, without ties.

    One arrangement of ranks in each task is the most extreme of ``C(m + n, m)``, on either side.

    Args:
        sizes: results of ours and theirs on each task.
    """
    arrangements = math.prod(math.comb(ours + theirs, ours) for ours, theirs in sizes)
    return min(1.0, 2 / arrangements)
