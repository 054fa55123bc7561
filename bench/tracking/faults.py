"""Faults of stored runs: whatever anybody or a damaged disk may have written there.

One broken record costs its own trial and no other: it is left out, counted and run again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.spec import ENDS, Phase, RefusedInput, digest
from bench.spec.search_space import dimensions
from bench.tracking.store import TRIAL_TAGS, TrialRun
from bench.tracking.tags import SUMMARY

Kind = Callable[[Any], bool]
Shape = Kind | Mapping[str, Any]
"""A check of a value, or a mapping whose keys have to be there with values of these shapes."""

NAMED = 5
"""Runs that the line names at the most."""


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict)


def _is_optional_number(value: Any) -> bool:
    return value is None or _is_number(value)


COMPONENT: Mapping[str, Shape] = {"name": _is_name, "target": _is_text, "arguments": _is_mapping}
TARGET: Mapping[str, Shape] = {
    "metric": _is_name,
    "direction": lambda value: value in ("maximize", "minimize"),
    "value": _is_optional_number,
}
CONFIG: Mapping[str, Shape] = {
    "protocol_version": _is_count,
    "task": {**COMPONENT, "target_metric": TARGET, "version": _is_count},
    "data_fingerprint": _is_text,
    "model": COMPONENT,
    "optimizer": COMPONENT,
    "schedule": COMPONENT,
    "batch_size": _is_count,
    "budget": {"steps": _is_count, "eval_every": _is_count},
    "seed": _is_count,
    "precision": _is_text,
}
"""The keys of a config that sweeps, status and reports ask for."""
TUNING: Mapping[str, Shape] = {
    **{"space": _is_mapping, "sampler": _is_text, "seed": _is_count, "points": _is_count},
    **{"repeat": _is_count, "index": lambda value: value is None or _is_count(value)},
}


class _Fault(ValueError):
    """A reason why a run cannot be read."""


def find_fault(run: TrialRun) -> str:
    """Say why a run cannot be read; empty where it can. The end of one that runs is not asked."""
    if run.fault is None:
        try:
            _check(run)
            run.fault = ""
        except _Fault as fault:
            run.fault = str(fault)
    return run.fault


def split_readable(runs: Sequence[TrialRun]) -> tuple[list[TrialRun], list[TrialRun]]:
    """Split runs into those that can be read and the others that have ended."""
    good = [run for run in runs if not find_fault(run)]
    return good, [run for run in runs if find_fault(run) and run.status != "RUNNING"]


def format_unreadable(runs: Sequence[TrialRun]) -> str:
    """Count runs that cannot be read in one line; empty without any."""
    if not runs:
        return ""
    named = ", ".join(f"run {escape(run.run_id)} ({find_fault(run)})" for run in runs[:NAMED])
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return f"{len(runs)} unreadable record{'s' * (len(runs) > 1)}: {named}{more}"


def escape(text: str) -> str:
    """Escape what no terminal shows."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )


def _check(run: TrialRun) -> None:
    tags = run.tags
    for key, value in tags.items():
        if not _is_unicode(key) or not _is_unicode(value):
            raise _Fault(f"tag {escape(str(key))}: is no text")
    if absent := sorted(TRIAL_TAGS - tags.keys()):
        raise _Fault(f"tag {absent[0]}: is missing")
    config = _parse(tags, "config")
    _check_shape(config, CONFIG, "config")
    if digest(config) != tags["config_hash"]:
        raise _Fault("tag config: is not what its config_hash says")
    if not isinstance(_parse(tags, "point"), dict):
        raise _Fault("tag point: is no mapping")
    if "tuning" in tags:
        _check_tuning(_parse(tags, "tuning"))
    if tags.get("phase", Phase.EXPLORE) not in list(Phase):
        raise _Fault("tag phase: is unknown")
    if run.status == "RUNNING":
        return
    if tags["status"] not in ENDS:
        raise _Fault(f"tag status: {escape(tags['status'][:40])!r} is no end of a trial")
    for name in tags:
        if name.startswith(SUMMARY):
            _check_number(name, tags[name])


def _is_unicode(value: Any) -> bool:
    """Tell whether a value is text that can be written somewhere else."""
    if not isinstance(value, str):
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


def _parse(tags: Mapping[str, str], name: str) -> Any:
    try:
        return json.loads(tags[name])
    except (ValueError, RecursionError) as error:
        raise _Fault(f"tag {name}: is no JSON") from error


def _check_number(name: str, text: str) -> None:
    try:
        float(text)
    except ValueError as error:
        raise _Fault(f"tag {escape(name)}: is no number") from error


def _check_tuning(tuning: Any) -> None:
    known = {"repeat": 0, "index": None, "rank": "final"}
    if not isinstance(tuning, dict):
        raise _Fault("tag tuning: is no mapping")
    tuning = {**known, **tuning}
    _check_shape(tuning, {**TUNING, "rank": _is_text}, "tuning")
    if unknown := sorted(tuning.keys() - TUNING.keys() - {"rank"}):
        raise _Fault(f"tag tuning: {escape(unknown[0])} is unknown")
    try:
        dimensions(tuning["space"])
    except (RefusedInput, TypeError, ValueError, KeyError) as error:
        raise _Fault("tag tuning: its space cannot be read") from error


def _check_shape(value: Any, shape: Any, key: str) -> None:
    if not isinstance(shape, Mapping):
        if not shape(value):
            raise _Fault(f"tag {key.partition('.')[0]}: {key} has a wrong value")
        return
    if not isinstance(value, dict):
        raise _Fault(f"tag {key.partition('.')[0]}: {key} is no mapping")
    for name, inner in shape.items():
        if name not in value:
            raise _Fault(f"tag {key.partition('.')[0]}: {key}.{name} is missing")
        _check_shape(value[name], inner, f"{key}.{name}")
