"""The protocol check: each rule of a fair comparison, whether this study kept it, and what to do.

A rule is *kept*; or *marked*, where it weakens numbers that are shown all the same; or *broken*,
where no verdict may rest on it (the rows concerned have none). One that this study gives no
occasion to keep does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from bench.spec import Phase, digest, protocol
from bench.spec.printable import counted
from reports.analysis.arms import Arm, Kind
from reports.analysis.caveats import ADAPTIVE, Caveat
from reports.analysis.selection import final_values
from reports.analysis.study import Study
from reports.analysis.verdict import Claim
from reports.text.numbers import listed

STUDY = "tune with hydra/sweeper=study"
_listed = partial(listed, most=6)


class State(StrEnum):
    """What became of a rule."""

    KEPT = "kept"
    MARKED = "marked"
    BROKEN = "broken"
    NO_OCCASION = "does not apply"


@dataclass(frozen=True)
class Finding:
    """What was found of one rule, and the remedy where it was not kept."""

    state: State
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule in a few words, with what was found."""

    text: str
    finding: Finding


def check_rules(study: Study) -> list[Rule]:
    """Check every rule, in the order of the protocol."""
    return [Rule(text, check(study)) for text, check in RULES.items()]


def _equal_settings(study: Study) -> Finding:
    settings = study.trials.groupby("task")["setting_id"].nunique()
    if several := _listed(settings[settings > 1].index):
        return Finding(
            State.MARKED,
            f"{several} ran under several settings: a table for each, nothing across them",
            "compare within a table",
        )
    if marked := _marked(study, Caveat.GROUPING):
        return Finding(
            State.MARKED,
            f"weight decay reaches other parameters in some rows ({marked})",
            "give them the same bench.param_groups",
        )
    return Finding(State.KEPT, "one setting a task")


def _declared_spaces(study: Study) -> Finding:
    drawn = study.trials[study.trials["phase"] == Phase.SELECT]
    if drawn.empty:
        return _without_tuning(study, "no search space was declared")
    spaces = drawn.groupby(["entrant", "entrant_id"])["space_hash"].nunique()
    if several := _listed(spaces[spaces > 1].index.get_level_values("entrant")):
        return Finding(
            State.BROKEN,
            f"{several}: not the same space on all tasks",
            "tune all tasks in one study",
        )
    return Finding(State.KEPT, f"{len(spaces)} spaces, each the same on all tasks")


def _equal_budgets(study: Study) -> Finding:
    tuned = [arm for arm in study.arms if arm.kind is not Kind.DEFAULT]
    unequal = []
    for comparison in sorted({arm.comparison for arm in tuned}):
        own = [arm for arm in tuned if arm.comparison == comparison]
        most = max(arm.tried for arm in own)
        counts = [most, *(arm.tried for arm in own if not arm.standing.exhausted)]
        if min(counts) < max(counts):
            unequal.append(f"{min(counts)} to {max(counts)} settings on {comparison}")
    if unequal:
        return Finding(
            State.BROKEN,
            "; ".join(unequal),
            "give every optimizer the same tuning.trials, in a new study",
        )
    if untuned := _marked(study, Caveat.DEFAULT_ONLY):
        return Finding(
            State.MARKED,
            f"at its default only: {untuned}",
            "declare bench.search_space in its YAML",
        )
    if not tuned:
        return Finding(State.NO_OCCASION, "nothing was tuned")
    return Finding(State.KEPT, f"{counted(max(arm.tried for arm in tuned), 'setting')} a tuning")


def _even_draws(study: Study) -> Finding:
    samplers = sorted({arm.standing.sampler for arm in study.arms if arm.standing.sampler})
    if not samplers:
        return _without_tuning(study, "settings were listed by hand")
    if samplers == ["sobol"]:
        return Finding(State.KEPT, "scrambled Sobol points")
    learns = any(name in ADAPTIVE for name in samplers)
    drawn = f"drawn by {', '.join(samplers)}" + (" (learns from results)" if learns else "")
    return Finding(State.MARKED, drawn, "tuning.sampler=sobol")


def _validation_only(study: Study) -> Finding:
    chose = study.trials[study.trials["phase"] == Phase.SELECT]
    opened = int(final_values(chose, "test").notna().sum())
    if opened:
        return Finding(
            State.BROKEN, f"{opened} tuning trials measured test", "run the tuning again"
        )
    if chose.empty:
        return Finding(State.KEPT, "settings were compared on validation")
    return Finding(State.KEPT, f"none of {len(chose)} tuning trials opened the test split")


def _fresh_seeds(study: Study) -> Finding:
    reused = _list_arms(arm for arm in study.arms if arm.standing.chosen_on_reported_seeds)
    if reused:
        return Finding(State.BROKEN, f"chosen on the seeds that are reported: {reused}", STUDY)
    few = _list_arms(arm for arm in study.arms if arm.standing.results < _least(arm))
    if few:
        return Finding(
            State.BROKEN,
            f"too few results: {few}",
            f"at least tuning.repeats={protocol.MINIMUM_TUNINGS} and "
            f"reporting.seeds={protocol.MINIMUM_SEEDS}; 10 of each is the default of a study",
        )
    return Finding(State.KEPT, "no reported seed chose a setting")


def _independent_tunings(study: Study) -> Finding:
    tuned = [arm for arm in study.arms if arm.kind is Kind.TUNED]
    if not tuned:
        return Finding(State.NO_OCCASION, "nothing was tuned")
    if old := _list_arms(arm for arm in tuned if arm.standing.draw < protocol.DRAW):
        return Finding(
            State.BROKEN,
            f"tuned once, by an older version: {old}",
            "run hydra/sweeper=study again, in a new study",
        )
    least, most = (pick(arm.tunings for arm in tuned) for pick in (min, max))
    shown = f"{least}" if least == most else f"{least} to {most}"
    return Finding(State.KEPT, f"{shown} tunings a row, each on settings and seeds of its own")


def _least(arm: Arm) -> int:
    tuned = arm.kind is Kind.TUNED and arm.standing.draw == protocol.DRAW
    return protocol.MINIMUM_TUNINGS if tuned else protocol.MINIMUM_SEEDS


def _defaults_beside(study: Study) -> Finding:
    there = {(arm.setting_id, arm.entrant_id, arm.kind) for arm in study.arms}
    tuned = [arm for arm in study.arms if arm.kind is Kind.TUNED]
    if not tuned:
        return Finding(State.NO_OCCASION, "nothing was tuned")
    alone = _list_arms(
        arm for arm in tuned if (arm.setting_id, arm.entrant_id, Kind.DEFAULT) not in there
    )
    if alone:
        return Finding(State.MARKED, f"no default row: {alone}", "run the study to its end")
    return Finding(State.KEPT, "every tuned row has its default below; best of k under Figures")


def _inside_ranges(study: Study) -> Finding:
    edges = _list_arms(
        arm for arm in study.arms if protocol.find_common_edge(arm.standing.edges) is not None
    )
    if edges:
        return Finding(
            State.MARKED,
            f"half of the tunings end at one edge of a range: {edges}",
            "widen that range in the optimizer's YAML, in a new study",
        )
    if all(arm.kind is Kind.DEFAULT for arm in study.arms):
        return Finding(State.NO_OCCASION, "nothing was tuned")
    return Finding(State.KEPT, "no optimizer ends mostly in the outer tenth of a range")


def _full_horizon(study: Study) -> Finding:
    stopping = study.trials[study.trials["stop_at_target"]]
    if len(stopping):
        return Finding(
            State.BROKEN,
            f"{_listed(stopping['comparison'].unique())}: trials stop at the target",
            "leave stop_at_target off; steps to target are measured anyway",
        )
    return Finding(State.KEPT, "every trial ran to its budget or broke off")


def _fixed_targets(study: Study) -> Finding:
    boards = study.leaderboards
    without = _listed(b.comparison for b in boards if b.target != b.target)
    if without:
        return Finding(State.MARKED, f"no target: {without}", "declare task.target in its YAML")
    missed = _listed(b.comparison for b in boards if not any(row.reached for row in b.rows))
    if missed:
        return Finding(
            State.MARKED,
            f"reached by nobody: {missed}",
            "its target belongs to a longer budget.steps",
        )
    return Finding(State.KEPT, "declared with the task; a miss is ∞")


def _shown_differences(study: Study) -> Finding:
    none = [
        row.verdict
        for board in study.leaderboards
        for row in board.rows
        if row.verdict.claim is Claim.NO_VERDICT
    ]
    if not none:
        return Finding(State.KEPT, "every row has a verdict")
    reasons = sorted({verdict.reason for verdict in none})
    more = f"; … ({len(reasons)} reasons)" if len(reasons) > 3 else ""
    return Finding(
        State.MARKED,
        f"{counted(len(none), 'row')} without a verdict: {'; '.join(reasons[:3])}{more}",
        "see the rules above",
    )


def _left_out(study: Study) -> Finding:
    table = study.overall.dropna(subset=["rank_low"])
    if len(table) < 3:
        return Finding(State.NO_OCCASION, "fewer than three entrants to rank")
    moved = table[table["rank_low"] != table["rank_high"]]
    if moved.empty:
        return Finding(State.KEPT, "no order depends on who else is entered")
    return Finding(
        State.MARKED,
        f"ranks by profile depend on who is entered: {_listed(moved['entrant'])}",
        "rely on the scores against the reference, which do not",
    )


def _one_version(study: Study) -> Finding:
    found = [
        f"{task}: {column.replace('_', ' ')} {_listed(sorted(set(values)))}"
        for column in ("protocol_version", "task_version")
        for task, values in study.trials.groupby("task")[column]
        if values.nunique() > 1
    ]
    if found:
        return Finding(
            State.MARKED,
            f"{'; '.join(found)}: tables of their own, nothing across them",
            "run the old part again in a new study",
        )
    return Finding(State.KEPT, "one version of protocol and tasks")


def _regenerates(study: Study) -> Finding:
    statuses = {
        run_id: [config_hash, status]
        for run_id, config_hash, status in zip(
            *(study.trials[name] for name in ("run_id", "config_hash", "status")), strict=True
        )
    }
    return Finding(
        State.KEPT,
        f"{len(statuses)} trials, digest {digest(statuses)}; the same trials, the same bytes",
    )


RULES: dict[str, Callable[[Study], Finding]] = {
    "Everything but optimizer and schedule is equal within a comparison": _equal_settings,
    "Search spaces are declared before, the same for all tasks": _declared_spaces,
    "Every tuning tries equally many settings; those that break count": _equal_budgets,
    "Tunings are independent of each other": _independent_tunings,
    "Settings are scrambled quasi-random, on log scales": _even_draws,
    "Settings are chosen on validation only": _validation_only,
    "Seeds that choose are not reported, and enough others are": _fresh_seeds,
    "The default stands beside the tuned setting": _defaults_beside,
    "Nobody ends mostly at the edge of a range": _inside_ranges,
    "The final value at the full horizon counts": _full_horizon,
    "Targets are fixed beforehand": _fixed_targets,
    "No claim without a difference that was shown": _shown_differences,
    "The order does not depend on who else is entered": _left_out,
    "One version of protocol and tasks": _one_version,
    "The report regenerates from the recorded trials": _regenerates,
}


def _without_tuning(study: Study, said: str) -> Finding:
    if (study.trials["phase"] == Phase.EXPLORE).any():
        return Finding(State.MARKED, f"{said}: a plain sweep", STUDY)
    return Finding(State.NO_OCCASION, "nothing was tuned")


def _marked(study: Study, caveat: Caveat) -> str:
    return _listed(
        f"{row.arm.entrant} on {board.comparison}"
        for board in study.leaderboards
        for row in board.rows
        if caveat in row.caveats
    )


def _list_arms(found: Iterable[Arm]) -> str:
    return _listed(f"{arm.entrant} on {arm.comparison}{_format_edge(arm)}" for arm in found)


def _format_edge(arm: Arm) -> str:
    """`` (high lr)``: the edge at which half of its tunings end; empty for none."""
    edge = protocol.find_common_edge(arm.standing.edges)
    return f" ({edge[1]} {edge[0]})" if edge else ""
