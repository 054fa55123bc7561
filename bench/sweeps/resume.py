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
    """One difference between the record and the plan."""

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
        listed = "; ".join(
            f"{c.where}: {c.key} was {c.then} and is {c.now}" for c in changes.values()
        )
        raise RefusedInput(
            f"study={plan.study}: it began otherwise. {listed}. "
            f"Take it back, or take another name: study={plan.study}_2"
        )


def _find_changes(plan: Plan, base: TrialSpec, record: TrialRecord) -> Iterator[Change]:
    tuning, config = record.tuning, base.config()
    assert tuning is not None
    task, _, entrant = protocol.entrant_key(config)
    pairs: list[tuple[str, Any, Any]] = [
        ("search_space", _to_json(tuning.space), _to_json(base.optimizer.search_space)),
        ("tuning.sampler", tuning.sampler, plan.sampler),
        ("tuning.seed", tuning.seed, plan.seed),
        ("tuning.rank", tuning.rank, plan.rank),
    ]
    if tuning.index is not None and tuning.index >= plan.points:
        pairs.append(("tuning.trials", f"at least {tuning.index + 1}", plan.points))
    if plan.sampler == "grid":
        pairs.append(("tuning.trials", tuning.points, plan.points_of(base)))
    if tuning.repeat >= plan.repeats:
        pairs.append(("tuning.repeats", f"at least {tuning.repeat + 1}", plan.repeats))
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
