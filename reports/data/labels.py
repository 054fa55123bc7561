"""Labels that tell apart what differs: comparisons, entrants and points, in as few words as do.

A label depends on what else is in the report. It is for display; tables are joined by
``reports.data.ids``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from bench.spec import TrialRecord, digest, point_label, protocol
from bench.spec.hyperparameters import flat


def distinguish(labelled: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Make labels that are equal exactly where label and description are equal.

    Of descriptions sharing a label, the fewest dotted keys that tell them apart are appended:
    ``[("digits", {"batch": 32}), ("digits", {"batch": 64})]`` → ``digits (batch=32)``, ….
    """
    return distinguish_within([(None, label, description) for label, description in labelled])


def distinguish_within(
    labelled: Sequence[tuple[Hashable, str, Mapping[str, Any]]],
) -> list[str]:
    """Do as ``distinguish``, where only items with the same first element must be told apart."""
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
        _append(label, flattened[key], keys[group, label])
        for (group, label, _), key in zip(labelled, digests, strict=True)
    ]


def label_comparisons(records: Sequence[TrialRecord]) -> list[str]:
    """Label each record's setting: the task's name, and what differs between its settings."""
    return distinguish([(r.config["task"]["name"], protocol.setting(r.config)) for r in records])


def label_entrants(records: Sequence[TrialRecord]) -> list[str]:
    """Label each record's entrant: ``adam``, ``adam+cosine``."""
    return distinguish([(protocol.entrant(r.config), r.config["schedule"]) for r in records])


def label_points(records: Sequence[TrialRecord]) -> list[str]:
    """Label each record's point, ``lr=0.01``; equal exactly where the optimizer's config is equal.

    Records may name one point differently (``betas``, ``betas.0``; a value that equals the
    YAML's). The name with the fewest hyperparameters is used.
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
    """Turn ``{"a": {"b": 1}}`` into ``{"a.b": "1"}``; values become text, which compares."""
    flattened: dict[str, str] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flattened |= flatten(value, f"{prefix}{key}.")
        else:
            flattened[f"{prefix}{key}"] = str(value)
    return flattened


def prefixed_columns(names: Iterable[Any], prefix: str) -> list[str]:
    """Return the names that begin with ``prefix``, e.g. ``hp.``; ``names`` may be a table."""
    return [str(name) for name in names if str(name).startswith(prefix)]


def _telling_keys(group: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Choose keys that tell all of ``group`` apart, greedily: names first, then shallow keys."""
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


def _append(label: str, description: Mapping[str, str], keys: Sequence[str]) -> str:
    pairs = ", ".join(
        f"{key.removesuffix('.name')}={value}"
        for key, value in zip(keys, _values(description, keys), strict=True)
    )
    return f"{label} ({pairs})" if pairs else label
