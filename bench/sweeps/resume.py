"""The continuation of a study: results to reuse, and settings that must not have changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bench.spec import RefusedInput, Status, TrialRecord, TrialResult, TrialSpec, protocol
from bench.spec.hyperparameters import flat
from bench.sweeps.plan import Plan


def select_results(records: Iterable[TrialRecord]) -> dict[str, TrialResult]:
    """Select the results of trials that need not run again, by ``config_hash``."""
    selected = protocol.select_records(records)
    return {r.config_hash: r.result for r in selected if r.result.status is not Status.FAILED}


class Change(NamedTuple):
    """One difference between the plan and what it is compared with."""

    where: str
    key: str
    then: Any
    now: Any


def refuse_changes(plan: Plan, records: Iterable[TrialRecord]) -> None:
    """Refuse a plan that differs from the one that the study's trials ran under.

    Args:
        records: the trials of the study so far; those of other entrants and tasks are ignored.

    Raises:
        RefusedInput: with every difference and the way out.
    """
    records = list(records)
    _refuse_older_design(plan, records)
    bases: dict[tuple[str, str, str], list[TrialSpec]] = {}  # several where budgets are swept
    for base in plan.bases:
        bases.setdefault(protocol.entrant_key(base.config()), []).append(base)
    changes: dict[tuple[str, str], Change] = {}
    tuned = [(record.tuning, record) for record in records if record.tuning is not None]
    # the largest budget that was tried comes first, and stands for the others
    for _, record in sorted(tuned, key=lambda each: (-(each[0].index or 0), -each[0].repeat)):
        own = bases.get(protocol.entrant_key(record.config), [])
        differences = [list(_find_changes(plan, base, record)) for base in own]
        for change in min(differences, key=len, default=[]):
            changes.setdefault((change.where, change.key), change)
    if changes:
        raise RefusedInput(_format_refusal(plan.study, "was started", changes.values()))


def _refuse_older_design(plan: Plan, records: Iterable[TrialRecord]) -> None:
    """Refuse to tune in a study whose tunings are of an older design: the two are never pooled."""
    if not any(plan.repeats_of(base) for base in plan.bases):
        return
    for record in records:
        tuning = record.tuning
        if tuning is not None and tuning.index is not None and tuning.draw < protocol.DRAW:
            raise RefusedInput(
                f"study={plan.study}: an older version tuned each optimizer of it once, so it "
                f"cannot be continued. Use a new name, such as study={plan.study}_2; "
                f"optbench-report study={plan.study} still shows the old one."
            )


def describe_plan(plan: Plan) -> str:
    """Return all settings that have to stay within a study, as JSON."""
    settings: dict[str, list[dict[str, Any]]] = {}
    for base in plan.bases:
        settings.setdefault(_name_entrant(base), []).append(_list_settings(plan, base))
    return json.dumps(settings, sort_keys=True)


def compare_plans(plan: Plan, other: str) -> str:
    """Return why a plan cannot run beside another one; empty where it can.

    Entrants that only one of them has are no difference.

    Args:
        other: as ``describe_plan`` gives it.
    """
    mine = json.loads(describe_plan(plan))
    try:
        theirs = dict(json.loads(other))
    except (ValueError, TypeError):
        return _format_refusal(plan.study, "is being run", [])
    changes = []
    for where in sorted(mine.keys() & theirs.keys()):
        own, its = mine[where], theirs[where]
        # several settings of one entrant: budgets that are swept
        for here in [one for one in own if one not in its]:
            changes += _find_nearest(_list_changes(where, one, here) for one in its)
        for there in [one for one in its if one not in own]:
            changes += _find_nearest(_list_changes(where, there, one) for one in own)
    return _format_refusal(plan.study, "is being run", changes) if changes else ""


def _find_nearest(differences: Iterable[list[Change]]) -> list[Change]:
    return min(differences, key=len, default=[])


def _list_changes(where: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    keys = [key for key in {**then, **now} if then.get(key) != now.get(key)]
    return [Change(where, key, then.get(key), now.get(key)) for key in keys]


def _format_refusal(study: str, verb: str, changes: Iterable[Change]) -> str:
    each = dict.fromkeys(f"{c.where}: {c.key} was {c.then} and is {c.now}" for c in changes)
    listed = f": {'; '.join(each)}" if each else ""
    more = ". More tunings can be added: tuning.repeats" * ("tuning.trials was" in listed)
    return (
        f"study={study} {verb} with different settings{listed}. Restore them, or use a new name, "
        f"such as study={study}_2{more}"
    )


def _name_entrant(base: TrialSpec) -> str:
    return " · ".join(protocol.entrant_key(base.config()))


def _list_settings(plan: Plan, base: TrialSpec) -> dict[str, Any]:
    """List the settings of an entrant by their keys."""
    config = base.config()
    own = {key: config[key] for key in protocol.ENTRANT}
    return {
        **dict(_list_tuning(plan, base)),
        "tuning.trials": plan.points_of(base),
        "tuning.repeats": len(plan.repeats_of(base)),
        **flat(_to_stored({**protocol.setting(config), **own})),
    }


def _list_tuning(plan: Plan, base: TrialSpec) -> list[tuple[str, Any]]:
    """List what determines how the settings of an entrant are drawn and ranked."""
    return [
        ("search_space", _to_json(base.optimizer.search_space)),
        ("tuning.sampler", plan.sampler),
        ("tuning.seed", plan.seed),
        ("tuning.rank", plan.rank),
        ("tuning.rerank", plan.rerank),
    ]


def _find_changes(plan: Plan, base: TrialSpec, record: TrialRecord) -> Iterator[Change]:
    tuning, config = record.tuning, base.config()
    assert tuning is not None
    task, _, entrant = protocol.entrant_key(config)
    then_drawn = (
        *(_to_json(tuning.space), tuning.sampler, tuning.seed),
        *(tuning.rank, tuning.rerank if tuning.points else plan.rerank),
    )
    pairs: list[tuple[str, Any, Any]] = [
        (key, was, is_)
        for (key, is_), was in zip(_list_tuning(plan, base), then_drawn, strict=True)
    ]
    if tuning.index is not None:  # a choice among more settings is another kind of result
        pairs.append(("tuning.trials", tuning.points, plan.points_of(base)))
    # as the reference or not when it ran: another reference now leaves tunings over, which stay
    was_reference = record.config["optimizer"]["name"] == record.reference
    if tuning.repeat >= (most := plan.most_repeats(was_reference)):
        times = "*tuning.reference_factor" * was_reference
        pairs.append((f"tuning.repeats{times}", f"at least {tuning.repeat + 1}", most))
    then, now = protocol.setting(record.config), protocol.setting(config)
    if tuning.index is None:  # the default point is the YAML's own
        then, now = (
            {**one, "optimizer": c["optimizer"], "schedule": c["schedule"]}
            for one, c in ((then, record.config), (now, config))
        )
    before, after = flat(then), flat(_to_stored(now))
    pairs += [(key, before.get(key), after.get(key)) for key in {**before, **after}]
    for key, was, is_ in pairs:
        if was != is_:
            yield Change(f"{task} · {entrant}", key, was, is_)


def _to_json(space: Mapping[str, Any]) -> str:
    return json.dumps(_to_stored(space), sort_keys=True)


def _to_stored(value: Any) -> Any:
    """Convert to what comes back from a store: lists for tuples."""
    return json.loads(json.dumps(value))
