"""Names that tell apart what differs: comparisons, entrants and points, in as few words as do."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from bench.spec import TrialRecord, digest, point_label
from bench.spec.hyperparameters import flat


def distinguish(labelled: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Labels that are equal exactly where label and description are equal.

    Of descriptions sharing a label, the fewest dotted keys that tell them apart are appended:
    ``[("digits", {"batch": 32}), ("digits", {"batch": 64})]`` → ``digits (batch=32)``, ….
    """
    return distinguish_within([(None, label, description) for label, description in labelled])


def distinguish_within(
    labelled: Sequence[tuple[Hashable, str, Mapping[str, Any]]],
) -> list[str]:
    """``distinguish``, where only what shares a first item has to be told apart."""
    digests = [digest(description) for *_, description in labelled]
    flattened = {key: flatten(one[2]) for key, one in zip(digests, labelled, strict=True)}
    groups: dict[tuple[Hashable, str], set[str]] = {}
    for (group, label, _), key in zip(labelled, digests, strict=True):
        groups.setdefault((group, label), set()).add(key)
    keys = {
        group: _telling_keys([flattened[key] for key in sorted(members)])
        for group, members in groups.items()
    }
    return [
        _named(label, flattened[key], keys[group, label])
        for (group, label, _), key in zip(labelled, digests, strict=True)
    ]


def points(records: Sequence[TrialRecord]) -> list[str]:
    """Each record's point, ``lr=0.01``; equal exactly where the optimizer's config is equal.

    Records may name one point differently (``betas``, ``betas.0``; a value that equals the
    YAML's): of all names of a configuration, that with the fewest hyperparameters stands.
    """
    digests = [digest(record.config["optimizer"]) for record in records]
    names: dict[str, set[tuple[int, str]]] = {}
    for record, key in zip(records, digests, strict=True):
        point = flat(record.point)
        names.setdefault(key, set()).add((len(point), point_label(point)))
    return distinguish_within(
        [
            (record.config["optimizer"]["name"], min(names[key])[1], record.config["optimizer"])
            for record, key in zip(records, digests, strict=True)
        ]
    )


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """``{"a": {"b": 1}}`` → ``{"a.b": "1"}``; values as text, so that they can be compared."""
    found: dict[str, str] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            found |= flatten(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = str(value)
    return found


def family(names: Iterable[Any], prefix: str) -> list[str]:
    """Columns of an open family, e.g. all ``hp.``; ``names`` may be the table itself."""
    return [str(name) for name in names if str(name).startswith(prefix)]


def _telling_keys(group: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Keys that tell all of ``group`` apart, taken greedily: names first, then shallow keys."""
    varying = {key for d in group for key in d if len({_values(one, [key]) for one in group}) > 1}
    keys = sorted(varying, key=lambda key: (not key.endswith("name"), key.count("."), key))
    goal = len({_values(d, keys) for d in group})
    chosen: tuple[str, ...] = ()
    for key in keys:
        reached = len({_values(d, chosen) for d in group})
        if reached == goal:
            break
        if len({_values(d, (*chosen, key)) for d in group}) > reached:
            chosen = (*chosen, key)
    return chosen


def _values(description: Mapping[str, str], keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(description.get(key, "–") for key in keys)


def _named(label: str, description: Mapping[str, str], keys: Sequence[str]) -> str:
    pairs = ", ".join(
        f"{key.removesuffix('.name')}={value}"
        for key, value in zip(keys, _values(description, keys), strict=True)
    )
    return f"{label} ({pairs})" if pairs else label
