"""One row an entrant over all settings, with one denominator: all settings of the report.

Only an entrant that counts under each of them (``grid.counts``) has scores and a rank; another is
shown with its number of tasks and its verdicts. The overall verdict is that of its pair with the
reference, one exact test over all tasks. Ranks are by ``value``: it is made of the protocol's
headline, the final value at the full horizon; it needs no target; and against the fixed reference
it does not move when a third entrant comes or goes. Two entrants share a rank unless their
intervals separate. Intervals are bootstrapped over results within tasks: they speak of these tasks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.spec.protocol import DRAW
from reports.analysis.arms import Arm, Kind
from reports.analysis.grid import Grid
from reports.analysis.leaderboard import Leaderboard
from reports.analysis.multiplicity import Family
from reports.analysis.pairwise import Pair
from reports.analysis.profiles import PerformanceProfile
from reports.analysis.scores import speed, value
from reports.analysis.stability import measure_stability
from reports.analysis.verdict import Claim, Verdict
from reports.stats.intervals import UNKNOWN, Interval
from reports.stats.ranks import ranks, separated_ranks

COUNTS = {
    Claim.BETTER: "better",
    Claim.UNCLEAR: "unclear",
    Claim.WORSE: "worse",
    Claim.NO_VERDICT: "no_verdict",
    Claim.NOT_ASKED: "not_asked",
    Claim.REFERENCE: "reference",
}
COLUMNS = [
    *["entrant", "optimizer", "row", "tasks", "of", "complete", "rank", *COUNTS.values()],
    *["finished", "trials"],
    *["claim", "reason", "p", "p_holm", "level", "tested_tasks"],
    *["improvement", "improvement_low", "improvement_high"],
    *["value", "value_low", "value_high", "value_tasks"],
    *["speed", "speed_low", "speed_high", "speed_tasks"],
    *["profile_area", "profile_area_low", "profile_area_high"],
    *["profile_rank", "rank_low", "rank_high", "entrant_id"],
]


@dataclass(frozen=True)
class Overall:
    """The verdict on one entrant against the reference over the tasks that both ran.

    Attributes:
        improvement: probability that a result of ours is better, mean over these tasks, with an
            interval of ``level``.
    """

    verdict: Verdict
    improvement: Interval = UNKNOWN
    p: float = math.nan
    p_holm: float = math.nan
    level: float = math.nan
    tasks: int = 0


def judge_overall(grid: Grid, pairs: Sequence[Pair], family: Family) -> dict[str, Overall]:
    """Judge each entrant's pair with the reference, by the entrant's id.

    An entrant without such a pair, the reference among them, is left out. Where several entrants
    run the reference (under several schedules) only the pair with the one that is the reference on
    every common task counts.
    """
    found: dict[str, Overall] = {}
    for pair in pairs:
        ours, theirs, _ = pair.by_task[0]
        if all(grid.anchors.get(arm.setting_id) is arm for _, arm, _ in pair.by_task):
            entrant, turned = ours.entrant_id, False
        elif all(grid.anchors.get(arm.setting_id) is arm for arm, _, _ in pair.by_task):
            entrant, turned = theirs.entrant_id, True
        else:
            continue
        adjusted = family.find(pair.hypothesis)
        judged = pair.looks[adjusted.look]
        verdict, effect = judged.judge(adjusted), judged.estimate_improvement(adjusted.alpha)
        if turned:
            swap = {Claim.BETTER: Claim.WORSE, Claim.WORSE: Claim.BETTER}
            verdict = Verdict(swap.get(verdict.claim, verdict.claim), verdict.reason)
            effect = Interval(1 - effect.estimate, 1 - effect.high, 1 - effect.low, effect.n)
        level = 1 - adjusted.alpha
        found[entrant] = Overall(
            verdict, effect, judged.test.p, adjusted.p, level, len(pair.by_task)
        )
    return found


def summarize(
    grid: Grid,
    boards: Sequence[Leaderboard],
    profile: PerformanceProfile,
    verdicts: Mapping[str, Overall],
) -> pd.DataFrame:
    """Summarize each entrant: the reference first, then by rank, incomplete entrants last.

    Args:
        verdicts: over all tasks, as ``judge_overall`` gives them.

    Returns:
        Columns: entrant, optimizer, row (``Kind`` of its arms, where they differ the least
        prepared), tasks (settings where it counts), of (all), complete, rank (NaN: incomplete,
        no reference, or tuned once); verdicts on its arms: better, unclear (no clear difference),
        worse, no_verdict, not_asked, reference; finished and trials (of its arms); the overall
        verdict: claim, reason, p, p_holm, level (of the next interval), tested_tasks, improvement
        (probability of being better than the reference) with _low and _high; then with _low and
        _high value and speed (log2, IQM over value_tasks and speed_tasks;
        ``reports.analysis.scores``) and profile_area; rank by that area, profile_rank, and its
        least and greatest, rank_low and rank_high, when any one other entrant is left out;
        entrant_id.
    """
    if not grid.entrants:  # still being tuned
        return pd.DataFrame(columns=COLUMNS)
    rows = [_row(entrant, grid, boards, profile, verdicts) for entrant in grid.entrants]
    table = pd.DataFrame(rows)
    table["rank"] = separated_ranks(table["value"], table["value_low"], table["value_high"])
    # nobody knows of one tuning what another would have given
    if any(arm.kind is Kind.TUNED and arm.standing.draw < DRAW for arm in grid.arms.values()):
        table["rank"] = math.nan
    table = table.join(_profile_ranks(profile), on="entrant_id")
    first = table["reference"] > 0
    keys = table.assign(_first=~first, _value=-table["value"]).sort_values(
        ["_first", "rank", "_value", "entrant"], na_position="last", ignore_index=True
    )
    return keys[COLUMNS]


def _row(
    entrant: str,
    grid: Grid,
    boards: Sequence[Leaderboard],
    profile: PerformanceProfile,
    verdicts: Mapping[str, Overall],
) -> dict[str, object]:
    arms = list(grid.arms_of(entrant))
    complete = entrant in grid.complete
    nothing = Overall(Verdict(Claim.REFERENCE if _is_reference(arms, grid) else Claim.NO_VERDICT))
    overall = verdicts.get(entrant, nothing)
    scores = dict.fromkeys(("value", "speed"), (UNKNOWN, 0))
    if complete and len(grid.anchors) == len(grid.settings):
        scores = {"value": value(grid, entrant), "speed": speed(grid, entrant)}
    aggregates = {
        "improvement": overall.improvement,
        **{key: one for key, (one, _) in scores.items()},
        "profile_area": profile.areas.get(entrant, UNKNOWN),
    }
    # a default beside a tuned row is not counted
    claims = [row.verdict.claim for board in boards for row in board.rows if row.arm in arms]
    return {
        "entrant_id": entrant,
        "entrant": grid.entrants[entrant],
        "optimizer": arms[0].optimizer,
        "row": grid.kind(entrant),
        "tasks": sum(grid.counts(entrant, at) for at in grid.settings),
        "of": len(grid.settings),
        "complete": complete,
        **{name: claims.count(claim) for claim, name in COUNTS.items()},
        "finished": sum(arm.finished for arm in arms),
        "trials": sum(len(arm.trials) for arm in arms),
        "claim": str(overall.verdict.claim),
        "reason": overall.verdict.reason,
        "p": overall.p,
        "p_holm": overall.p_holm,
        "level": overall.level,
        "tested_tasks": overall.tasks,
        **{key: one.estimate for key, one in aggregates.items()},
        **{f"{key}_low": one.low for key, one in aggregates.items()},
        **{f"{key}_high": one.high for key, one in aggregates.items()},
        **{f"{key}_tasks": tasks for key, (_, tasks) in scores.items()},
    }


def _is_reference(arms: Sequence[Arm], grid: Grid) -> bool:
    return any(grid.anchors.get(arm.setting_id) is arm for arm in arms)


def _profile_ranks(profile: PerformanceProfile) -> pd.DataFrame:
    """Rank by profile area: profile_rank, rank_low, rank_high by entrant."""
    areas = pd.Series({key: area.estimate for key, area in profile.areas.items()}, dtype=float)
    left_out = measure_stability(profile.entrants, profile.medians).groupby("entrant_id")
    without = left_out["rank_without"]
    return pd.DataFrame(
        {
            "profile_rank": pd.Series(ranks(areas), index=areas.index, dtype=float),
            "rank_low": without.min().reindex(areas.index),
            "rank_high": without.max().reindex(areas.index),
        }
    )
