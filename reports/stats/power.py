"""Power of tests: of the rank-sum test, and of the t-test, which gives seeds that would decide.

Power of the two-sided t-test from the noncentral t distribution, Cohen 1988, ch. 2. A difference
that was observed is an uncertain guess of the true one, so the number is one for planning.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from scipy import special

from reports.stats.intervals import Variance
from reports.stats.rank_sum import smallest_p

POWER = 0.8
MOST = 2**20
"""Seeds beyond which a test counts as never deciding."""


def power(sizes: Sequence[tuple[int, int]], poi: float, level: float) -> float:
    """Approximate the power of the two-sided rank-sum test, summed over tasks.

    Normal approximation with the variance of the null hypothesis (Noether 1987); 0 where no outcome
    reaches the level, 1 where the results of one side are all better and that is enough.

    Args:
        sizes: results of ours and theirs on each task.
        poi: the true probability that a result of ours is better than one of theirs.
        level: at which the test is made.
    """
    if smallest_p(sizes) > level:
        return 0.0
    if poi in (0.0, 1.0):
        return 1.0
    mean = sum(m * n * (poi - 0.5) / (m + n + 1) for m, n in sizes)
    variance = sum(m * n / (12 * (m + n + 1)) for m, n in sizes)
    return float(special.ndtr(abs(mean) / math.sqrt(variance) + special.ndtri(level / 2)))


def power_of_t(difference: float, parts: Sequence[Variance], level: float) -> float:
    """Of the two-sided t-test that a difference is 0; 0 for a difference of 0.

    Args:
        parts: independent parts of the variance of its estimate; degrees as in ``t_interval``.
    """
    total = math.fsum(part.value for part in parts)
    degrees = total**2 / math.fsum(part.value**2 / part.degrees for part in parts)
    shift = abs(difference) / math.sqrt(total)
    critical = float(special.stdtrit(degrees, 1 - level / 2))
    if not math.isfinite(critical):
        return 0.0
    miss = float(special.nctdtr(degrees, shift, critical))
    return 1 - miss if math.isfinite(miss) else float(special.ndtr(shift - critical))


def n_needed(
    difference: float, spread: float, level: float, fixed: Sequence[Variance] = ()
) -> float:
    """Pairs of seeds at which the test has a power of 80 %; ∞ where more seeds never get there.

    Args:
        difference, spread: mean and standard deviation of the paired differences.
        level: at which the test is made, after allowing for the other tests of a report.
        fixed: parts of the variance that more seeds leave as they are: the luck of selection,
            which only repeated tuning brings down.
    """
    if not (spread > 0 and 0 < level < 1) or any(math.isnan(part.value) for part in fixed):
        return math.nan

    def enough(n: int) -> bool:
        return power_of_t(difference, [Variance(spread**2 / n, n - 1), *fixed], level) >= POWER

    if difference == 0 or not enough(MOST):
        return math.inf
    return 2.0 + bisect_left(range(2, MOST), True, key=enough)
