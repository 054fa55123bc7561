"""The reference of a report: which of the declared ones it takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.spec import TrialRecord
from bench.spec.declared import DeclaredPlan, find_latest
from bench.spec.printable import escape_unprintable

Plans = Mapping[str, Sequence[DeclaredPlan]]
"""Declared plans by study."""


class Declared(NamedTuple):
    """The reference that the latest plan declares.

    Attributes:
        name: empty where none is declared.
        note: a sentence where several were declared; else empty.
    """

    name: str
    note: str


def find_declared(records: Iterable[TrialRecord], plans: Plans | None = None) -> Declared:
    """Find the reference that was declared last.

    Within a study commands are numbered. Of several studies the times of plans and records decide.
    Trials of baselines count only where a report has no others.

    Args:
        plans: of the studies, where they have any; trials say what they were run under, too.
    """
    records = list(records)
    own = [record for record in records if not record.source] or records
    by_study: dict[str, list[TrialRecord]] = {}
    for record in own:
        by_study.setdefault(record.study, []).append(record)
    latest = [_find_in_study(each, (plans or {}).get(name, ())) for name, each in by_study.items()]
    declared = [one for one in latest if one[1]]
    if not declared:
        return Declared("", "")
    name = escape_unprintable(max(declared)[1])
    names = sorted({escape_unprintable(one) for _, one in declared})
    if len(names) == 1:
        return Declared(name, "")
    return Declared(
        name,
        f"The studies declare several references ({', '.join(names)}). {name} was declared last "
        "and is used; reference=NAME chooses another.",
    )


def _find_in_study(
    records: Sequence[TrialRecord], plans: Sequence[DeclaredPlan]
) -> tuple[float, str]:
    """Return when a study's reference was declared, and its name; empty without one."""
    last = max(records, key=lambda one: (one.result.generation, one.result.ended_at, one.run_id))
    plan = find_latest([one for one in plans if one.reference])
    if plan is not None and plan.generation >= last.result.generation:
        return plan.at, plan.reference
    return last.result.ended_at, last.reference
