"""The prospects of a study before it trains: what it will be able to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from bench.spec import Phase, TrialRecord, digest, protocol
from bench.spec.questions import Cell, Question, list_questions
from bench.sweeps.plan import Plan
from bench.sweeps.progress import counted

ALPHA = 0.05
"""Chance of any false claim in a report."""
EFFECTS = (0.75, 0.9, 1.0)
"""Probabilities of improvement whose power is said: a moderate effect, a large one, no overlap."""
LIKELY = 0.8
"""Power at a large effect from which on a study "can show" it; below it "can hardly show" it."""


def describe_prospects(plan: Plan, beside: Iterable[TrialRecord] = ()) -> list[str]:
    """Return lines on what the study will be able to show.

    Args:
        beside: trials of the baseline beside it.
    """
    reference = plan.bases[0].origin.reference
    own = {(cell.setting, cell.entrant): cell for cell in list_cells(plan)}
    theirs = {(cell.setting, cell.entrant): cell for cell in collect_cells(beside)}
    questions = list_questions([*{**theirs, **own}.values()], reference)
    if not questions:
        return [f"  No verdict is possible: {_explain_none(plan)}."]
    level = ALPHA / len(questions)
    asked = [one for one in questions if one.names(reference)] or questions
    return [
        f"  Holm's correction over {counted(len(questions), 'test')}: the first has to reach "
        f"p ≤ {level:.2g}.",
        *_describe_groups(asked, level, reference),
    ]


def list_cells(plan: Plan) -> list[Cell]:
    """List what a plan will have run."""
    return [
        Cell(
            setting=digest(protocol.setting(base.config())),
            entrant=protocol.entrant(base.config()),
            optimizer=base.optimizer.name,
            tunings=len(plan.repeats_of(base)),
            design=(plan.points_of(base), plan.sampler, protocol.DRAW),
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
    design = (first.points, first.sampler, first.draw) if first else (0, "", protocol.DRAW)
    optimizer, own = str(records[0].config["optimizer"]["name"]), not records[0].source
    return Cell(setting, entrant, optimizer, len(chosen), design, seeds, own)


def _describe_groups(asked: Sequence[Question], level: float, reference: str) -> list[str]:
    """Describe the questions on one task, and those over several."""
    from reports.stats.rank_sum import smallest_p

    from reports.stats.power import power  # SciPy: a second that a refusal does not wait for

    lines, verbs, unit = [], {}, "seeds"
    for several in (False, True):
        group = [one for one in asked if (len(one.pairs) > 1) is several]
        tuned = [one for one in group if one.pairs[0][0].tuned] or group
        if not tuned:
            continue
        sizes = _choose_sizes(tuned)
        chances = [power(sizes, effect, level) for effect in EFFECTS]
        least = smallest_p(sizes)
        name = f"over {len(sizes)} tasks" if several else "on one task"
        unit = "tunings" if tuned[0].pairs[0][0].tuned else "seeds"
        listed = ", ".join(f"{p:.0%} at {at:g}" for p, at in zip(chances, EFFECTS, strict=True))
        against = f" of {reference}" if reference else ""
        ours, theirs = sizes[0]
        lines.append(
            f"  {name}, {ours} {unit} against {theirs}{against}: smallest p {least:.1g}; power by "
            f"probability of improvement: {listed}"
        )
        verbs[several] = "cannot" if least > level else "can" if chances[1] >= LIKELY else "hardly"
    count = _choose_sizes(asked)[0][0]
    return [*lines, f"  {count} {unit} {_conclude(verbs)}."]


def _choose_sizes(questions: Sequence[Question]) -> tuple[tuple[int, int], ...]:
    """Choose the sizes that speak for a group: the most frequent of those with the most tasks."""
    most = max(len(one.pairs) for one in questions)
    sizes = Counter(one.sizes for one in questions if len(one.pairs) == most)
    return sizes.most_common(1)[0][0]


def _conclude(verbs: Mapping[bool, str]) -> str:
    """Say in words what can be shown, by whether it takes several tasks."""
    can = {"can": "can", "hardly": "can hardly", "cannot": "cannot"}
    if True not in verbs:
        return f"{can[verbs[False]]} show a difference on a single task"
    overall = f"{can[verbs[True]]} show overall differences"
    single = {
        "can": "and differences on a single task",
        "hardly": "hardly one on a single task",
        "cannot": "nor one on a single task"
        if verbs[True] == "cannot"
        else "none on a single task",
    }
    if False not in verbs:
        return overall
    comma = "" if verbs[False] == "can" else ","
    return f"{overall}{comma} {single[verbs[False]]}"


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
