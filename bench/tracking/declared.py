"""The plans that commands declared of a study; each stays, and an equal one is kept once.

The content of a plan is a file of the study's summary run, named by its digest. A tag of the study
says when it was declared and of which run the file is: two commands that begin at once may each
make a summary run, and lose nothing of each other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.spec import digest
from bench.spec.declared import WHEN, DeclaredPlan, parse_plan
from bench.spec.shape import TEXT, Shape, WrongShape, check_shape
from bench.tracking.opening import open_store
from bench.tracking.store import Store, ensure_study, ensure_summary

PREFIX = "optbench.declared."
TAG: Shape = {**WHEN, "run": TEXT}
OLD = "plan.json"
"""The file of an older version, which kept the last plan alone."""


class StudyPlans(NamedTuple):
    """The plans of a study in the order in which they were declared.

    Attributes:
        unreadable: a line that counts the broken ones, which are left out; empty without any.
    """

    plans: tuple[DeclaredPlan, ...]
    unreadable: str


def declare_plan(uri: str, study: str, content: Mapping[str, Any], generation: int) -> None:
    """Keep a plan as the latest one of its study, beside all earlier ones.

    Args:
        content: as ``bench.spec.declared`` describes it.
        generation: number of the command among those that train trials.
    """
    store = open_store(uri, writes=True)
    number = ensure_study(store, study)
    known = store.find_study(study)
    said = _read_tags({} if known is None else known.tags)
    name, numbers = digest(content), {key: one["number"] for key, one in said.items() if one}
    latest = max(numbers.values(), default=0)
    if numbers.get(name) == latest:
        return
    run = ensure_summary(store, number, study)
    store.put_text(run, _name_file(name), json.dumps(content, sort_keys=True, indent=1))
    when = {"number": latest + 1, "generation": generation, "at": round(time.time(), 3)}
    store.tag_study(number, {PREFIX + name: json.dumps({**when, "run": run})})


def read_plans(uri: str, study: str) -> StudyPlans:
    """Read all plans of a study; none where there is no such study."""
    store = open_store(uri)
    known = store.find_study(study)
    if known is None:
        return StudyPlans((), "")
    plans, broken = [], []
    for name, when in _read_tags(known.tags).items():
        plan = None if when is None else _read_plan(store, _name_file(name), when)
        if plan is None:
            broken.append(_name_file(name))
        else:
            plans.append(plan)
    run = store.find_summary(known.id)
    text = None if run is None else store.read_text(run, OLD)
    if text is not None:
        try:
            plans.append(DeclaredPlan(0, 0, 0.0, parse_plan(text)))
        except WrongShape:
            broken.append(OLD)
    return StudyPlans(tuple(sorted(plans, key=lambda one: one.number)), _format(broken))


def _read_plan(store: Store, file: str, when: Mapping[str, Any]) -> DeclaredPlan | None:
    """Read one plan; None where it is broken."""
    text = store.read_text(when["run"], file)
    try:
        content = parse_plan(text or "")
    except WrongShape:
        return None
    return DeclaredPlan(**{key: when[key] for key in WHEN}, content=content)


def _read_tags(tags: Mapping[str, str]) -> dict[str, dict[str, Any] | None]:
    """Return by a plan's digest when it was declared; None for what cannot be read."""
    found: dict[str, dict[str, Any] | None] = {}
    for tag, text in tags.items():
        if tag.startswith(PREFIX):
            found[tag.removeprefix(PREFIX)] = _read_when(text)
    return found


def _read_when(text: str) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
        check_shape(said, TAG, "plan")
    except (ValueError, RecursionError):
        return None
    return dict(said)


def _format(broken: list[str]) -> str:
    if not broken:
        return ""
    count = f"{len(broken)} unreadable record{'s' * (len(broken) > 1)}"
    return f"{count}: {', '.join(broken)}; the same command writes it anew"


def _name_file(name: str) -> str:
    return f"declared.{name}.json"  # a client lists the top of a run alone
