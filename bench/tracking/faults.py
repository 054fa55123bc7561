"""Faults of stored runs: whatever anybody or a damaged disk may have written there.

One broken record costs its own trial and no other: it is left out, counted and run again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.spec import ENDS, Phase, RefusedInput, digest
from bench.spec.printable import counted, escape_unprintable
from bench.spec.protocol import DRAW
from bench.spec.search_space import dimensions
from bench.spec.shape import (
    MAPPING,
    NUMBER,
    TEXT,
    Kind,
    Shape,
    find_misfit,
    one_of,
    optional,
    whole,
)
from bench.tracking.store import TRIAL_TAGS, TrialRun
from bench.tracking.tags import SUMMARY

NAMED = 5
"""Runs that the line names at the most."""


NAME = Kind("a name", lambda value: isinstance(value, str) and value.isprintable() and bool(value))
COUNT = Kind("a count", lambda value: NUMBER.fits(value) and isinstance(value, int) and value >= 0)
COMPONENT: Mapping[str, Shape] = {"name": NAME, "target": TEXT, "arguments": MAPPING}
TARGET: Mapping[str, Shape] = {
    "metric": NAME,
    "direction": one_of(("maximize", "minimize")),
    "value": optional(NUMBER),
}
CONFIG: Mapping[str, Shape] = {
    "protocol_version": COUNT,
    "task": {**COMPONENT, "target_metric": TARGET, "version": COUNT},
    "data_fingerprint": TEXT,
    "model": COMPONENT,
    "optimizer": COMPONENT,
    "schedule": COMPONENT,
    "batch_size": COUNT,
    "budget": {"steps": COUNT, "eval_every": COUNT},
    "seed": COUNT,
    "precision": TEXT,
}
"""The keys of a config that sweeps, status and reports ask for."""
TUNING: Mapping[str, Shape] = {
    **{"space": MAPPING, "sampler": TEXT, "seed": COUNT, "points": COUNT},
    **{"repeat": COUNT, "index": optional(COUNT), "rank": TEXT},
    **{"draw": whole(1, DRAW), "repeats": COUNT, "seeds": COUNT, "rerank": COUNT},
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
    named = ", ".join(
        f"run {escape_unprintable(run.run_id)} ({find_fault(run)})" for run in runs[:NAMED]
    )
    more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
    return f"{counted(len(runs), 'unreadable record')}: {named}{more}"


def _check(run: TrialRun) -> None:
    tags = run.tags
    for key, value in tags.items():
        if not _is_unicode(key) or not _is_unicode(value):
            raise _Fault(f"tag {escape_unprintable(str(key))}: is no text")
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
        raise _Fault(
            f"tag status: {escape_unprintable(tags['status'][:40])!r} is no end of a trial"
        )
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
        raise _Fault(f"tag {escape_unprintable(name)}: is no number") from error


def _check_tuning(tuning: Any) -> None:
    known = {
        "repeat": 0,
        "index": None,
        "rank": "final",
        "draw": 1,
        "repeats": 1,
        "seeds": 0,
        "rerank": 0,
    }
    if not isinstance(tuning, dict):
        raise _Fault("tag tuning: is no mapping")
    tuning = {**known, **tuning}
    _check_shape(tuning, TUNING, "tuning")
    if unknown := sorted(tuning.keys() - TUNING.keys()):
        raise _Fault(f"tag tuning: {escape_unprintable(unknown[0])} is unknown")
    try:
        dimensions(tuning["space"])
    except (RefusedInput, TypeError, ValueError, KeyError) as error:
        raise _Fault("tag tuning: its space cannot be read") from error


def _check_shape(value: Any, shape: Shape, tag: str) -> None:
    misfit = find_misfit(value, shape, tag)
    if misfit is None:
        return
    if misfit.shape is None:
        what = "is missing"
    else:
        what = "has a wrong value" if isinstance(misfit.shape, Kind) else "is no mapping"
    raise _Fault(f"tag {tag}: {misfit.key} {what}")
