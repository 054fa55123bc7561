"""The prospects of a study before it trains: what it will be able to show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from bench.spec import Phase, TrialRecord, digest, protocol
from bench.spec.looks import TOTAL, format_rate, spend
from bench.spec.printable import counted
from bench.spec.questions import Cell, Question, list_questions
from bench.sweeps.looks import find_spent
from bench.sweeps.plan import Plan

EFFECTS = (0.75, 0.9, 1.0)
"""Probabilities of improvement whose power is said: a moderate effect, a large one, no overlap."""
LARGE = 0.9
LIKELY = 0.8
"""Power at a large effect from which on a study can show it; below it it hardly can."""


class Chance(Enum):
    """The chance that a large difference is shown; NONE where no outcome reaches the level."""

    GOOD = "good"
    SMALL = "small"
    NONE = "none"


SINGLE = {
    Chance.GOOD: "a difference on a single task",
    Chance.SMALL: "only a very large difference on a single task",
    Chance.NONE: "no difference on a single task",
}
OVERALL = {
    Chance.GOOD: "overall differences",
    Chance.SMALL: "only very large overall differences",
    Chance.NONE: "no overall differences",
}
BOTH = {
    Chance.GOOD: "differences overall and on single tasks",
    Chance.SMALL: "only very large differences, overall and on single tasks",
    Chance.NONE: "no difference, neither overall nor on a single task",
}
REST = {
    Chance.GOOD: "and differences on a single task",
    Chance.SMALL: "hardly one on a single task",
    Chance.NONE: "none on a single task",
}


def describe_prospects(
    plan: Plan, beside: Iterable[TrialRecord] = (), known: Iterable[TrialRecord] = ()
) -> list[str]:
    """Return lines on what the study will be able to show.

    Args:
        beside: trials of the baseline beside it.
        known: trials of the study so far, of which earlier looks have spent a part of its error
            rate.
    """
    reference = plan.bases[0].origin.reference
    own = {(cell.setting, cell.entrant): cell for cell in list_cells(plan)}
    theirs = {(cell.setting, cell.entrant): cell for cell in collect_cells(beside)}
    questions = list_questions([*{**theirs, **own}.values()], reference)
    if not questions:
        return [f"  No verdict is possible: {_explain_none(plan)}."]
    spent = find_spent(plan, known)
    rate = spend(len(spent))
    level = rate / len(questions)
    asked = [one for one in questions if one.names(reference)] or questions
    return [
        *_describe_look(spent),
        f"  Holm's correction over {counted(len(questions), 'test')} at {format_rate(rate)}: the "
        f"first needs p ≤ {level:.2g}.",
        *_describe_groups(asked, level, reference),
    ]


def _describe_look(spent: Sequence[int]) -> list[str]:
    """Say that this is not the first look; no line where it is."""
    if not spent:
        return []
    before = sum(spend(look) for look in range(len(spent)))
    return [
        f"  This is look {len(spent) + 1} of the study, at {format_rate(spend(len(spent)))}: those "
        f"after {', then '.join(map(str, spent))} results spent {format_rate(before)} of the "
        f"{format_rate(TOTAL)}, and what they showed stands."
    ]


def find_level(plan: Plan) -> float:
    """Return what Holm's correction asks of the first test of a new study; NaN without any."""
    questions = list_questions(list_cells(plan), plan.bases[0].origin.reference)
    return spend(0) / len(questions) if questions else math.nan


def list_cells(plan: Plan) -> list[Cell]:
    """List what a plan will have run."""
    return [
        Cell(
            setting=digest(protocol.setting(base.config())),
            entrant=protocol.entrant(base.config()),
            optimizer=base.optimizer.name,
            tunings=len(plan.repeats_of(base)),
            design=(plan.points_of(base), plan.sampler, protocol.DRAW, plan.rerank),
            seeds=plan.reporting_seeds,
        )
        for base in plan.bases
    ]


def collect_cells(records: Iterable[TrialRecord]) -> list[Cell]:
    """Collect what trials of studies have run, those of a baseline as not one's own."""
    groups: dict[tuple[str, str], list[TrialRecord]] = {}
    for record in records:
        key = digest(protocol.setting(record.config)), protocol.entrant(record.config)
        groups.setdefault(key, []).append(record)
    return [_make_cell(*key, own) for key, own in groups.items()]


def _make_cell(setting: str, entrant: str, records: Sequence[TrialRecord]) -> Cell:
    tunings = [(one.phase, one.tuning) for one in records if one.tuning is not None]
    chosen = {
        one.repeat for phase, one in tunings if phase is Phase.REPORT and one.index is not None
    }
    drawn = [one for _, one in tunings if one.index is not None]
    seeds = sum(phase is Phase.REPORT and one.index is None for phase, one in tunings)
    first = drawn[0] if drawn else None
    design = (0, "", protocol.DRAW, 0)
    if first:
        design = (first.points, first.sampler, first.draw, first.rerank)
    optimizer, own = str(records[0].config["optimizer"]["name"]), not records[0].source
    return Cell(setting, entrant, optimizer, len(chosen), design, seeds, own)


def _describe_groups(asked: Sequence[Question], level: float, reference: str) -> list[str]:
    """Describe the questions on one task, those over several, and what that means in words."""
    lines, chances = [], {}
    for several in (False, True):
        group = [one for one in asked if (len(one.pairs) > 1) is several]
        if tuned := [one for one in group if one.pairs[0][0].tuned] or group:
            line, chances[several] = _describe_group(tuned, level, reference)
            lines.append(line)
    best = [one for one in asked if one.pairs[0][0].tuned] or asked
    count = counted(_choose_sizes(best)[0][0], _name_unit(best))
    return [*lines, f"  {count} can show {_conclude(chances)}."]


def _describe_group(
    questions: Sequence[Question], level: float, reference: str
) -> tuple[str, Chance]:
    """Describe questions of one kind, and tell how likely one of them is answered."""
    from reports.stats.power import power  # SciPy: a second that a refusal does not wait for
    from reports.stats.rank_sum import smallest_p

    sizes = _choose_sizes(questions)
    powers = {effect: power(sizes, effect, level) for effect in EFFECTS}
    least, (ours, theirs) = smallest_p(sizes), sizes[0]
    name = f"Over {len(sizes)} tasks" if len(sizes) > 1 else "On one task"
    unit, against = _name_unit(questions), f" of {reference}" if reference else ""
    listed = ", ".join(f"{chance:.0%} at {effect:g}" for effect, chance in powers.items())
    line = (
        f"  {name}, {ours} {unit}s against {theirs}{against}: smallest p {least:.1g}; power by "
        f"probability of improvement: {listed.replace('%', ' %')}."
    )
    if least > level:
        return line, Chance.NONE
    return line, Chance.GOOD if powers[LARGE] >= LIKELY else Chance.SMALL


def _name_unit(questions: Sequence[Question]) -> str:
    return "tuning" if questions[0].pairs[0][0].tuned else "seed"


def _choose_sizes(questions: Sequence[Question]) -> tuple[tuple[int, int], ...]:
    """Choose the sizes that speak for a group: the most frequent of those with the most tasks."""
    most = max(len(one.pairs) for one in questions)
    sizes = Counter(one.sizes for one in questions if len(one.pairs) == most)
    return sizes.most_common(1)[0][0]


def _conclude(chances: Mapping[bool, Chance]) -> str:
    """Say what can be shown, by whether it takes several tasks."""
    if True not in chances:
        return SINGLE[chances[False]]
    if False not in chances:
        return OVERALL[chances[True]]
    if chances[True] is chances[False]:
        return BOTH[chances[True]]
    return f"{OVERALL[chances[True]]}, {REST[chances[False]]}"


def _explain_none(plan: Plan) -> str:
    """Explain why nothing can be shown, whatever the outcome."""
    if len({protocol.entrant(base.config()) for base in plan.bases}) < 2:
        return "one configuration alone is compared with nothing"
    few = [len(plan.repeats_of(base)) for base in plan.bases if plan.repeats_of(base)]
    if few and min(few) < protocol.MINIMUM_TUNINGS:
        least = protocol.MINIMUM_TUNINGS
        return f"{counted(min(few), 'tuning')} an optimizer; at least {least} are needed"
    if plan.reporting_seeds < protocol.MINIMUM_SEEDS:
        seeds = counted(plan.reporting_seeds, "seed")
        return f"{seeds} a default; at least {protocol.MINIMUM_SEEDS} are needed"
    return "no two configurations are tuned alike on one task"
