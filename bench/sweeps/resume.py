"""Whether a study that goes on is still the study that began: what was declared must not move."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from bench.spec import RefusedInput, TrialRecord, TrialSpec, protocol
from bench.spec.hyperparameters import flat
from bench.sweeps.plan import Plan


class Change(NamedTuple):
    """One thing that differs between the record and the plan."""

    where: str
    key: str
    then: Any
    now: Any


def refuse_changes(plan: Plan, records: Iterable[TrialRecord]) -> None:
    """Compare a plan with what the study's trials say of the plan they ran under.

    Args:
        records: the trials of the study so far; those of other entrants and tasks are left alone.

    Raises:
        RefusedInput: with every difference and the way out.
    """
    bases: dict[tuple[str, str, str], list[TrialSpec]] = {}  # several where budgets are swept
    for base in plan.bases:
        bases.setdefault(protocol.place(base.config()), []).append(base)
    found: dict[tuple[str, str], Change] = {}
    tuned = [(record.tuning, record) for record in records if record.tuning is not None]
    # the largest budget that was tried comes first, and stands for the others
    for _, record in sorted(tuned, key=lambda each: (-(each[0].index or 0), -each[0].repeat)):
        own = bases.get(protocol.place(record.config), [])
        changes = [list(_changes(plan, base, record)) for base in own]
        for change in min(changes, key=len, default=[]):
            found.setdefault((change.where, change.key), change)
    if found:
        told = "; ".join(f"{c.where}: {c.key} was {c.then} and is {c.now}" for c in found.values())
        raise RefusedInput(
            f"study={plan.study}: it began otherwise. {told}. "
            f"Take it back, or take another name: study={plan.study}_2"
        )


def _changes(plan: Plan, base: TrialSpec, record: TrialRecord) -> Iterator[Change]:
    tuning, config = record.tuning, base.config()
    assert tuning is not None
    task, _, entrant = protocol.place(config)
    pairs: list[tuple[str, Any, Any]] = [
        ("search_space", _text(tuning.space), _text(base.optimizer.search_space)),
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
    before, after = flat(then), flat(_as_stored(now))
    pairs += [(key, before.get(key), after.get(key)) for key in {**before, **after}]
    for key, was, is_ in pairs:
        if was != is_:
            yield Change(f"{task} · {entrant}", key, was, is_)


def _text(space: Mapping[str, Any]) -> str:
    return json.dumps(_as_stored(space), sort_keys=True)


def _as_stored(value: Any) -> Any:
    """As it comes back from a store: lists for tuples."""
    return json.loads(json.dumps(value))
