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


def find_declared(records: Iterable[TrialRecord], plans: Iterable[Plans] = ()) -> Declared:
    """Find the reference that was declared last.

    Within a study commands are numbered. Of several studies the times of plans and records decide.
    Trials of baselines count only where a report has no others.

    Args:
        plans: of these studies, also of one whose trials another one has, too. A trial says what
            it was run under, which counts where its command is a later one.
    """
    records = list(records)
    studies: dict[str, tuple[list[TrialRecord], list[DeclaredPlan]]] = {}
    for record in [one for one in records if not one.source] or records:
        studies.setdefault(record.study, ([], []))[0].append(record)
    for each in plans:
        for study, own in each.items():
            studies.setdefault(study, ([], []))[1].extend(own)
    latest = [_find_in_study(*own) for own in studies.values()]
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
    last = max((one for one in records if one.reference), key=_order, default=None)
    plan = find_latest([one for one in plans if one.reference])
    if plan is not None and (last is None or plan.generation >= last.result.generation):
        return plan.at, plan.reference
    return (0.0, "") if last is None else (last.result.ended_at, last.reference)


def _order(record: TrialRecord) -> tuple[int, float, str]:
    return record.result.generation, record.result.ended_at, record.run_id
