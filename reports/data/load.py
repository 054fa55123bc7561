"""Trials of one or several studies, filtered, and those of baselines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import bench.tracking
from bench.spec import MOST_STEPS, RefusedInput, TrialRecord, protocol
from bench.spec.declared import DeclaredPlan, Progress, list_added, measure_progress
from bench.spec.printable import make_printable
from bench.spec.reference import check_reference
from bench.spec.shape import NUMBER, TEXT, Shape, find_misfit, optional, whole
from bench.spec.suggest import suggest
from bench.tracking.uri import sqlite_path
from reports.data import baseline
from reports.data.merge import check_draws, merge_baselines
from reports.data.reference import Plans, find_declared

Filters = Mapping[str, Sequence[str]]

FILTERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "task": lambda config: str(config["task"]["name"]),
    "optimizer": lambda config: str(config["optimizer"]["name"]),
}
"""What trials can be narrowed to, and where a config says it."""


class NoTrials(RefusedInput):
    """The studies are there, and hold nothing that can be read.

    Args:
        broken: lines that count what cannot be read.
    """

    def __init__(self, broken: Sequence[str] = ()) -> None:
        nothing = "the study has no trials yet: run some with optbench -m … study=NAME"
        super().__init__("\n".join([*broken, nothing]))


COSTS = "costs.json"
"""Of a study's summary run: what ``costs=true`` measured."""

COST: Shape = {
    **dict.fromkeys(("step_time_ms", "state_mib"), optional(NUMBER)),
    **{"steps_measured": whole(0, MOST_STEPS), "device": TEXT, "reason": TEXT},
}
"""The numbers and texts that ``bench.trial.cost`` measures."""


@dataclass(frozen=True)
class LoadedRecords:
    """Attributes:
    records: of the studies in the order of their names, then of the baselines.
    notes: what joined and what was left out, in sentences.
    costs: what was measured of entrants alone, by the digest of their config.
    reference: the optimizer that the report compares others with, as it was asked for or declared;
        empty for none.
    pending: why nothing is judged yet; empty once all that was declared has ended.
    """

    records: tuple[TrialRecord, ...]
    notes: tuple[str, ...] = ()
    costs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reference: str = ""
    pending: str = ""


@dataclass(frozen=True)
class ReadStudies:
    """Trials, costs and plans of studies as the store has them.

    Attributes:
        records: their trials.
        costs: what was measured of entrants alone, by the digest of their config.
        plans: those that were declared, by study.
        broken: lines on what cannot be read.
    """

    records: Sequence[TrialRecord] = ()
    costs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    plans: Plans = field(default_factory=dict)
    broken: Sequence[str] = ()


def load_records(
    studies: Sequence[str],
    uri: str,
    filters: Filters,
    baselines: Sequence[str],
    reference: str = "",
) -> LoadedRecords:
    """Read what a report is to be made of.

    A trial that several studies ran (one ``config_hash``) counts once: one that finished before
    one that did not, else that of the study named first.

    Args:
        baselines: files, or names of shipped ones (``baseline.find``).
        reference: the optimizer that others are to be compared with; empty: as it was declared.

    Raises:
        RefusedInput: there is no such store, study, baseline, reference or value of a filter;
            nothing is left (NoTrials: nothing was there); or a baseline does not go with the
            studies.
    """
    read = read_studies(uri, studies) if studies else ReadStudies()
    own = [make_printable(record) for record in read.records]
    broken = read.broken
    whole = read_baselines(baselines)
    theirs = {name: one.records for name, one in whole.items()}
    check_filters(filters, [*own, *(one for records in theirs.values() for one in records)])
    own = _select_own(own, studies, filters)
    theirs = {name: filter_records(records, filters) for name, records in theirs.items()}
    records, notes = merge_baselines(own, theirs)
    _refuse_empty(records, studies, filters, broken)
    check_reference(reference, {FILTERS["optimizer"](record.config) for record in records})
    declared = find_declared(
        records, [read.plans] if own else [one.plans for one in whole.values()]
    )
    if declared.note and not reference:
        notes.append(declared.note)
    chosen = reference or declared.name
    plans = _narrow_plans(read.plans, filters)
    notes += [line for name, each in plans.items() if (line := _say_added(name, each))]
    pending = _say_pending([measure_progress(each, own) for each in plans.values()])
    return LoadedRecords(tuple(records), (*broken, *notes), read.costs, chosen, pending)


def load_own(studies: Sequence[str], uri: str, filters: Filters) -> ReadStudies:
    """Read the trials and plans of studies as they are recorded, narrowed by the filters.

    Raises as ``load_records`` does.
    """
    read = read_studies(uri, studies)
    check_filters(filters, read.records)
    own = _select_own(read.records, studies, filters)
    _refuse_empty(own, studies, filters, read.broken)
    return replace(read, records=own, plans=_narrow_plans(read.plans, filters))


def _say_pending(studies: Sequence[Progress]) -> str:
    """Say why nothing can be judged yet; empty where all that was declared has ended."""
    ended = sum(one.ended for one in studies)
    declared = sum(one.declared for one in studies)
    if ended == declared:
        return ""
    return (
        f"so far {ended} of {declared} declared results are there; a verdict waits for all of "
        "them. Run the study's command again"
    )


def _say_added(study: str, plans: Sequence[DeclaredPlan]) -> str:
    """Say that optimizers were added to a study; empty for none."""
    added = list_added(plans)
    if not added:
        return ""
    return (
        f"{study}: {', '.join(added)} joined after its first plan. Holm's correction covers the "
        "new tests too, so that a claim which was made before may be gone."
    )


def _narrow_plans(plans: Plans, filters: Filters) -> dict[str, list[DeclaredPlan]]:
    return {name: [_narrow(plan, filters) for plan in each] for name, each in plans.items()}


def _narrow(plan: DeclaredPlan, filters: Filters) -> DeclaredPlan:
    """Keep the entrants of a plan that every filter lets through."""
    entrants = [
        one
        for one in plan.content["entrants"]
        if all(one[key] in values for key, values in filters.items())
    ]
    return plan._replace(content={**plan.content, "entrants": entrants})


def _select_own(
    own: Sequence[TrialRecord], studies: Sequence[str], filters: Filters
) -> list[TrialRecord]:
    """Filter the studies' trials; refuse several tunings of one optimizer."""
    filtered = filter_records(own, filters)
    if len(studies) > 1:
        check_draws(filtered, f"study={','.join(studies)}")
    return filtered


def _refuse_empty(
    records: Sequence[TrialRecord],
    studies: Sequence[str],
    filters: Filters,
    broken: Sequence[str],
) -> None:
    if not records:
        if not filters:
            raise NoTrials(broken)
        raise RefusedInput(
            f"no trial is left of study={','.join(studies)} under {describe_filters(filters)}"
        )


def read_studies(uri: str, names: Sequence[str]) -> ReadStudies:
    """Read what the store has of the studies.

    Raises:
        RefusedInput: there is no such store or study.
    """
    path = sqlite_path(uri)
    if path and not path.is_file():  # opening would create it, empty
        raise RefusedInput(
            f"tracking.uri={uri}: there is no file {path}; run optbench first, or name its store"
        )
    known = bench.tracking.list_studies(uri)
    for name in names:
        if name not in known:
            raise RefusedInput(f"study={name}: no such study in {uri}; {suggest(name, known)}")
    studies = [bench.tracking.read_study(uri, name) for name in names]
    broken = [f"{n}: {one.unreadable}" for n, one in zip(names, studies, strict=True)]
    broken = [line for line, one in zip(broken, studies, strict=True) if one.unreadable]
    costs: dict[str, Mapping[str, Any]] = {}
    for name in names:
        measured = _read_costs(bench.tracking.read_text(uri, name, COSTS))
        if measured is None:
            broken.append(f"{name}: 1 unreadable record: {COSTS}; costs=true measures anew")
        costs = {**(measured or {}), **costs}
    plans = {}
    for name in names:
        plans[name], unreadable = bench.tracking.read_plans(uri, name)
        if unreadable:
            broken.append(f"{name}: {unreadable}")
    records = [one.records for one in studies]
    selected = records[0] if len(names) == 1 else protocol.select_records(*records)
    return ReadStudies(selected, costs, plans, broken)


def _read_costs(text: str | None) -> dict[str, Mapping[str, Any]] | None:
    """Return measured costs by the digest of their config; None where they cannot be read."""
    try:
        costs = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    whole = isinstance(costs, dict) and not any(
        find_misfit(cost, COST, "") for cost in costs.values()
    )
    return costs if whole else None


def read_baselines(words: Iterable[str]) -> dict[str, baseline.Baseline]:
    """Read each baseline, by its name."""
    trials: dict[str, baseline.Baseline] = {}
    for word in words:
        path = baseline.find(word)
        name = baseline.name(path)
        if name in trials:
            raise RefusedInput(f"compare={word}: two baselines are named {name!r}; rename one")
        trials[name] = baseline.read_whole(path)
    return trials


def check_filters(filters: Filters, records: Iterable[TrialRecord]) -> None:
    """Refuse a key or value that no trial has."""
    records = list(records)
    for key, values in filters.items():
        if key not in FILTERS:
            raise RefusedInput(f"{key}: no filter; {suggest(key, FILTERS)}")
        known = {FILTERS[key](record.config) for record in records}
        for value in values:
            if value not in known:
                raise RefusedInput(f"{key}={value}: no trial has it; {suggest(value, known)}")


def filter_records(records: Iterable[TrialRecord], filters: Filters) -> list[TrialRecord]:
    """Keep the trials that every filter lets through."""
    return [
        record
        for record in records
        if all(FILTERS[key](record.config) in values for key, values in filters.items())
    ]


def describe_filters(filters: Filters) -> str:
    """Format ``task=digits optimizer=adam,lion``."""
    return " ".join(f"{key}={','.join(values)}" for key, values in filters.items())
