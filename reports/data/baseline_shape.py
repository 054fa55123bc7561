"""The parts and rows of a baseline: what each has to be, so that a report can be made of it.

A baseline comes from anybody. Its ``config_hash`` shows that a file was damaged, not who wrote it:
a hash is no signature. So every value is checked before it is used, and none is ever instantiated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import yaml

from bench.spec import ENDS, MOST_STEPS, Phase, RefusedInput, check_study
from bench.spec.declared import WHEN, check_plan
from bench.spec.hyperparameters import find_difference, hyperparameters
from bench.spec.protocol import DRAW as DESIGN
from bench.spec.protocol import MOST_TUNINGS, REPORTING_SEEDS
from bench.spec.search_space import dimensions
from bench.spec.shape import (
    LIST,
    MAPPING,
    NAME,
    NUMBER,
    SWITCH,
    TEXT,
    Kind,
    Shape,
    WrongShape,
    check_shape,
    list_of,
    mapping_of,
    one_of,
    optional,
    whole,
)
from reports.data.strict_json import check_depth, find_instruction

LONGEST_PART = 50_000
"""Most characters of a setting, an optimizer, …: ten times the longest that is shipped."""

LABEL = Kind("text of at most 200 characters", lambda v: isinstance(v, str) and len(v) <= 200)
COUNT = whole(0, MOST_STEPS)
POSITIVE = whole(1, MOST_STEPS)
COMPONENT = {"name": NAME, "target": TEXT, "arguments": MAPPING}
TARGET = {
    "metric": NAME,
    "direction": one_of(("maximize", "minimize")),
    "value": optional(NUMBER),
}
PARTS: Mapping[str, Shape] = {
    "setting": {
        "protocol_version": COUNT,
        "task": {**COMPONENT, "data": MAPPING, "target_metric": TARGET, "version": COUNT},
        "data_fingerprint": TEXT,
        "model": COMPONENT,
        "batch_size": POSITIVE,
        "budget": {"steps": POSITIVE, "eval_every": POSITIVE},
        "precision": NAME,
    },
    "optimizer": COMPONENT,
    "schedule": COMPONENT,
    "point": MAPPING,
    "draw": MAPPING,
    "environment": mapping_of(TEXT),
    "origin": {"study": NAME, "reference": LABEL},
}
"""Every part that trials share, and the keys that a report asks for."""

OPTIONAL: Mapping[str, Mapping[str, Shape]] = {
    "setting": {"stop_at_target": SWITCH},
    "optimizer": {
        **{"param_groups": NAME, "needs": list_of(NAME), "version": TEXT, "file": TEXT},
        **{"clip_norm": optional(NUMBER), "rest": optional(MAPPING)},
    },
    "draw": {
        "draw": whole(1, DESIGN),
        "repeats": whole(1, MOST_TUNINGS),
        "seeds": whole(1, REPORTING_SEEDS),
        "rerank": whole(2, MOST_STEPS),
    },
}
"""Keys that some records do not have."""

DRAW = {"space": MAPPING, "sampler": NAME, "seed": COUNT, "points": COUNT, "rank": NAME}
MEASURED = Kind(
    "a number, null, nan, inf or -inf",
    lambda value: value is None or NUMBER.fits(value) or value in ("nan", "inf", "-inf"),
)
ROW: Mapping[str, Kind] = {
    **{"config_hash": NAME, "check": NAME, "seed": whole(0, 2**32 - 1), "reason": TEXT},
    **{"phase": one_of(list(Phase)), "status": one_of([str(end) for end in ENDS])},
    **dict.fromkeys(PARTS, COUNT),
    **dict.fromkeys(("repeat", "index", "step"), optional(COUNT)),
}
"""Every column that is no measurement."""

HEAD: Mapping[str, Shape] = {
    "columns": list_of(NAME),
    "count": COUNT,
    "parts": {name: list_of(MAPPING) for name in PARTS},
    "trials": list_of(LIST),
}


def check_content(content: Any) -> None:
    """Check a whole baseline but for the values of its rows.

    Raises:
        WrongShape: naming the key.
    """
    if not check_depth(content):
        raise WrongShape("its lists and mappings lie too deep within each other")
    for key, shape in HEAD.items():
        check_shape(content.get(key), shape, key)
    plans = content.get("plans", [])
    check_shape(plans, list_of(MAPPING), "plans")
    for at, plan in enumerate(plans):
        _check_plan(plan, f"plans[{at}]")
    columns = content["columns"]
    for name in ROW:
        if name not in columns:
            raise WrongShape(f"columns.{name}: is missing")
    if len(set(columns)) < len(columns):
        raise WrongShape("columns: a name is given twice")
    for name in PARTS:
        for at, part in enumerate(content["parts"][name]):
            _check_part(name, part, f"parts.{name}[{at}]")


def check_row(row: Mapping[str, Any], parts: Mapping[str, Sequence[Any]]) -> None:
    """Check the values of a trial, and that what it names is there.

    Raises:
        WrongShape: naming the column.
    """
    for name, value in row.items():
        check_shape(value, ROW.get(name, MEASURED), name)
    for name in PARTS:
        if row[name] >= len(parts[name]):
            raise WrongShape(f"{name}: {row[name]} is not the place of one in parts.{name}")
    draw = parts["draw"][row["draw"]]
    if not draw:
        return
    if row["repeat"] is None:
        raise WrongShape("repeat: is missing")
    known = hyperparameters(parts["optimizer"][row["optimizer"]])
    for dimension in dimensions(draw["space"]):
        if dimension.scale != "choice" and dimension.name in known:
            check_shape(known[dimension.name], NUMBER, f"optimizer.{dimension.name}")


def _check_plan(plan: Mapping[str, Any], key: str) -> None:
    check_shape(plan, {"study": NAME, **WHEN}, key)
    _refuse_as_shape(lambda: check_study(plan["study"]), f"{key}.")
    check_plan(plan.get("plan"), f"{key}.plan")
    if unknown := sorted(plan.keys() - {"study", "plan", *WHEN}):
        raise WrongShape(f"{key}.{unknown[0]}: no such key")
    if found := find_instruction(plan):
        raise WrongShape(f"{key}.{found}: a plan builds no object")


def _check_part(name: str, part: Mapping[str, Any], key: str) -> None:
    if len(json.dumps(part)) > LONGEST_PART:
        raise WrongShape(f"{key}: is longer than {LONGEST_PART} characters")
    check_shape(part, PARTS[name], key)
    for inner, shape in OPTIONAL.get(name, {}).items():
        if inner in part:
            check_shape(part[inner], shape, f"{key}.{inner}")
    if name == "optimizer" and part.get("rest"):
        check_shape(part["rest"], COMPONENT, f"{key}.rest")
    if name == "draw" and part:
        check_shape(part, DRAW, key)
        if unknown := sorted(part.keys() - DRAW.keys() - OPTIONAL["draw"].keys()):
            raise WrongShape(f"{key}.{unknown[0]}: no such key")
        _refuse_as_shape(lambda: dimensions(part["space"]), f"{key}.")
    if name == "origin":
        _refuse_as_shape(lambda: check_study(part["study"]), f"{key}.")
    found = find_instruction(part)
    if found and not (name == "optimizer" and _is_shipped(part)):
        raise WrongShape(
            f"{key}.{found}: builds an object within a component, which no shipped YAML declares"
        )


def _refuse_as_shape(check: Any, where: str) -> None:
    try:
        check()
    except RefusedInput as error:
        raise WrongShape(f"{where}{error}") from error


def _is_shipped(optimizer: Mapping[str, Any]) -> bool:
    """Tell if an optimizer is as its shipped YAML declares it, but for values of hyperparameters.

    Lookahead and SAM wrap another optimizer, which their own YAML names.
    """
    folder = resources.files("conf") / "optimizer"
    file = f"{optimizer.get('file') or optimizer['name']}.yaml"
    if file not in {one.name for one in folder.iterdir()}:  # a name may be any path
        return False
    declared = yaml.safe_load((folder / file).read_text("utf-8"))
    block, rest = declared.pop("bench", {}), optimizer.get("rest")
    if find_instruction({**optimizer, "arguments": {}}):
        return False
    return (
        declared.pop("_target_") == optimizer["target"]
        and not find_difference(declared, optimizer["arguments"])
        and (rest is None or rest["target"] == (block.get("rest") or {}).get("_target_"))
    )
