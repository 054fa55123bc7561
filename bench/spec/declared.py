"""Declared plans as plain data, as a store and a baseline keep them.

Every command that runs a study declares its plan before it trains. All of them stay, so that
nobody has to guess what was planned when.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bench.spec.protocol import setting
from bench.spec.result import TrialRecord
from bench.spec.shape import (
    MAPPING,
    NUMBER,
    TEXT,
    Kind,
    Shape,
    WrongShape,
    check_shape,
    list_of,
    whole,
)
from bench.spec.trial import MOST_STEPS, Phase, digest

COUNT = whole(0, MOST_STEPS)
TIME = Kind("a time", lambda value: NUMBER.fits(value) and math.isfinite(value))
WHEN: Mapping[str, Kind] = {"number": COUNT, "generation": COUNT, "at": TIME}
"""The place of a plan in time; see ``DeclaredPlan``."""
ENTRANT: Shape = {
    **dict.fromkeys(("task", "optimizer", "schedule", "setting"), TEXT),
    **dict.fromkeys(("steps", "settings", "tunings", "select", "report"), COUNT),
    "space": MAPPING,
}
ENTRANTS = list_of(MAPPING)
OLD_ENTRANT: Shape = {"points": COUNT}
OLD_COUNTS: Shape = dict.fromkeys(("tuning_seeds", "repeats", "reporting_seeds"), COUNT)


class DeclaredPlan(NamedTuple):
    """A plan that a command declared.

    Attributes:
        number: its place among the plans of its study, from 1; 0 for a plan that an older version
            wrote, which kept the last one alone.
        generation: number of the command among those that trained trials, as records have it.
        at: seconds since 1970; a clock may be wrong, so the number orders plans of one study.
        content: what was declared. ``reference`` and ``entrants`` are always there; of an entrant
            ``select`` and ``report`` count the trials of each phase.
    """

    number: int
    generation: int
    at: float
    content: Mapping[str, Any]

    @property
    def reference(self) -> str:
        return str(self.content["reference"])


def parse_plan(text: str) -> dict[str, Any]:
    """Parse the content of a plan.

    Raises:
        WrongShape: it is none.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WrongShape(f"plan: no JSON ({error})") from error
    return check_plan(content, "plan")


def check_plan(content: Any, key: str) -> dict[str, Any]:
    """Return the content of a plan once it is known to be one.

    Raises:
        WrongShape: naming the first key that is absent or has another kind of value.
    """
    check_shape(content, {"entrants": ENTRANTS}, key)
    if "reference" not in content:
        return _convert_old(content, key)
    check_shape(content["reference"], TEXT, f"{key}.reference")
    for at, one in enumerate(content["entrants"]):
        check_shape(one, ENTRANT, f"{key}.entrants[{at}]")
    return dict(content)


def count_planned(plans: Collection[DeclaredPlan]) -> dict[str, int]:
    """Count the trials of each phase by all plans together: an entrant by its largest plan."""
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    known: set[tuple[str, ...]] = set()
    for plan in sorted(plans, key=lambda one: -one.number):
        for one in plan.content["entrants"]:
            name = (one["task"], one["optimizer"], one["schedule"])
            if not plan.number and name in known:  # an older version's: its setting is not known
                continue
            own = counts.setdefault((*name, one["setting"]), {"select": 0, "report": 0})
            own |= {phase: max(count, one[phase]) for phase, count in own.items()}
        if plan.number:
            known |= {key[:3] for key in counts}
    return {phase: sum(count[phase] for count in counts.values()) for phase in ("select", "report")}


class Progress(NamedTuple):
    """How many of the declared results there are; a trial that failed has ended, too."""

    ended: int
    declared: int


def measure_progress(plans: Collection[DeclaredPlan], records: Iterable[TrialRecord]) -> Progress:
    """Count the results that the latest plan of each optimizer and task declares, and their ends.

    A plan of an older version does not say under which setting; it is left out.
    """
    declared: dict[tuple[str, ...], int] = {}
    for plan in sorted(plans, key=lambda one: one.number):
        if plan.number:
            declared |= {_name(one): one["report"] for one in plan.content["entrants"]}
    ended: dict[tuple[str, ...], set[tuple[bool, int]]] = {}
    for record in records:
        if record.phase is Phase.REPORT and record.tuning is not None:
            trial = record.tuning.index is None, int(record.config["seed"])
            ended.setdefault(_name_record(record), set()).add(trial)
    counts = [min(most, len(ended.get(key, ()))) for key, most in declared.items()]
    return Progress(sum(counts), sum(declared.values()))


def list_added(plans: Collection[DeclaredPlan]) -> list[str]:
    """List the optimizers that only later plans of a study name, by name."""
    known = [plan for plan in plans if plan.number]
    if not known:
        return []
    names = {plan.number: {one["optimizer"] for one in plan.content["entrants"]} for plan in known}
    return sorted(set().union(*names.values()) - names[min(names)])


def _name(entrant: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(entrant[key] for key in ("task", "optimizer", "schedule", "setting"))


def _name_record(record: TrialRecord) -> tuple[str, ...]:
    names = (str(record.config[key]["name"]) for key in ("task", "optimizer", "schedule"))
    return *names, digest(setting(record.config))


def find_latest(plans: Sequence[DeclaredPlan]) -> DeclaredPlan | None:
    """Return the plan that was declared last; None without any."""
    return max(plans, key=lambda one: one.number, default=None)


def _convert_old(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Convert what an older version wrote: one tuning was reported on every reporting seed."""
    check_shape(content, OLD_COUNTS, key)
    tuning, repeats, reporting = (
        content[name] for name in ("tuning_seeds", "repeats", "reporting_seeds")
    )
    entrants = []
    for at, one in enumerate(content["entrants"]):
        check_shape(one, OLD_ENTRANT, f"{key}.entrants[{at}]")
        names = {name: str(one.get(name, "")) for name in ("task", "optimizer", "schedule")}
        rows = 1 + (repeats if one["points"] else 0)
        counts = {"select": one["points"] * tuning, "report": rows * reporting}
        tried = {"steps": 0, "settings": one["points"], "tunings": rows - 1}
        space = one["space"] if isinstance(one.get("space"), dict) else {}
        entrants.append({**names, **counts, **tried, "setting": str(at), "space": space})
    return {**content, "reference": "", "entrants": entrants}
