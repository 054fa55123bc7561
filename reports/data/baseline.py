"""A baseline: the trials of a study as one small file that others compare their own with.

JSON, or JSON in gzip by the file's ending. Parts that many trials share (settings, optimizers,
schedules, draws, environments) stand in it once and a trial names them by their place, so that the
whole config of every trial can be put together and its ``config_hash`` verified. Of curves it has
the last point only, of failures the reason without the traceback. The same trials give the same
bytes::

    {"format": 1, "made_by": {...}, "parts": {"setting": [...], ...}, "columns": [...],
     "plans": [{"study": "...", "number": 1, "at": ..., "plan": {...}}, ...],
     "trials": [[...], ...]}

``plans`` are all that were declared of the studies; a file without any lacks the key.
A number that is not finite is written as text (``"nan"``, ``"inf"``); null: not measured.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

from bench.spec import (
    PROTOCOL_VERSION,
    CurvePoint,
    Phase,
    RefusedInput,
    Status,
    TrialRecord,
    TrialResult,
    Tuning,
    digest,
    point_label,
    protocol,
)
from bench.spec.declared import WHEN, DeclaredPlan, check_plan
from bench.spec.printable import escape_unprintable, make_printable
from bench.spec.shape import WrongShape
from bench.spec.suggest import suggest
from reports.data.baseline_shape import check_content, check_row
from reports.data.reference import Plans
from reports.data.strict_json import LARGEST, NotJson, parse_json, read_json

FORMAT = 1
ENDINGS = (".json", ".json.gz")
APART = ("optimizer", "schedule", "seed")
"""Keys of a config that stand beside its setting."""

PARTS = ("setting", "optimizer", "schedule", "point", "draw", "environment", "origin")
COLUMNS = [
    *("config_hash", "check", *PARTS, "seed", "phase", "repeat", "index", "status", "reason"),
    "step",
]
LONGEST_LABEL = 200
REMEDY = "fetch or export it anew"
LAST, SUMMARY = "last.", "summary."
"""Before the names of what was measured at the last point of the curve, and of the whole trial."""

SHIPPED = resources.files("reports") / "baselines"


class Baseline(NamedTuple):
    """Attributes:
    records: its trials.
    plans: those that were declared, by study; a file of an older version has none.
    """

    records: list[TrialRecord]
    plans: Plans


def write(
    records: Iterable[TrialRecord],
    path: Path,
    made_by: Mapping[str, str],
    plans: Plans | None = None,
) -> int:
    """Write a baseline of the trials, one record a trial; returns how many there are.

    A baseline that is there already is replaced.

    Args:
        made_by: how it came about, e.g. ``{"command": "optbench-report study=a export=…"}``.
        plans: those that were declared, by study.

    Raises:
        RefusedInput: ``path`` has another ending, is a folder or a file of another kind.
    """
    check_path(path)
    trials = protocol.select_records(records)
    text = dumps(trials, made_by, plans)
    if len(text) > LARGEST:
        raise RefusedInput(
            f"export={path}: {len(text) / 2**20:.0f} MiB, {LARGEST // 2**20} at most can be read; "
            "export fewer trials with task=… or optimizer=…"
        )
    _check_readable(text, f"export={path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode()
    )
    return len(trials)


def _check_readable(text: str, where: str) -> None:
    """Refuse to write what nobody could read."""
    try:
        _parse(parse_json(text), where, "")
    except NotJson as error:
        raise RefusedInput(f"{where}: cannot be written as JSON: {error}") from error
    except RefusedInput as error:
        problem = str(error).removesuffix(f"; {REMEDY}")
        raise RefusedInput(
            f"{problem}; a baseline cannot hold it: leave it out with task=… or optimizer=…"
        ) from error


def check_path(path: Path) -> None:
    """Refuse what a baseline cannot be written to."""
    if not path.name.endswith(ENDINGS):
        raise RefusedInput(f"export={path}: a baseline's name ends in {' or '.join(ENDINGS)}")
    if path.is_dir():
        raise RefusedInput(f"export={path}: is a folder; name a file in it")
    if path.exists():
        try:
            _content(path, f"export={path}")
        except RefusedInput as other:
            raise RefusedInput(
                f"export={path}: there is a file that is no baseline, it is not overwritten; "
                "name another"
            ) from other


def find(word: str) -> Path:
    """Find the file that ``compare=`` names: a path by its ending, else a baseline that is shipped.

    Raises:
        RefusedInput: there is no such file or name.
    """
    if word.endswith(ENDINGS):
        if not Path(word).is_file():
            raise RefusedInput(f"compare={word}: there is no such file")
        return Path(word)
    shipped = {name(Path(one.name)): one for one in SHIPPED.iterdir() if one.name.endswith(ENDINGS)}
    if word not in shipped:
        known = suggest(word, shipped) if shipped else "none is shipped yet"
        raise RefusedInput(
            f"compare={word}: no such baseline; {known}. A file of your own ends in "
            f"{' or '.join(ENDINGS)}"
        )
    return Path(str(shipped[word]))


def name(path: Path) -> str:
    """Return the baseline's name in reports: its file's name without the ending."""
    return path.name.removesuffix(".gz").removesuffix(".json")


def read(path: Path) -> list[TrialRecord]:
    """Read a baseline's trials, as ``read_whole`` does."""
    return read_whole(path).records


def read_whole(path: Path) -> Baseline:
    """Read a baseline; of trials ``run_id`` is the ``config_hash``, ``source`` the ``name(path)``.

    Whatever the file holds, nothing of it is instantiated. Characters that a terminal would obey
    are escaped in the records.

    Raises:
        RefusedInput: it is no baseline, cut, changed, of a later format or malicious.
    """
    where = f"compare={path}"
    try:
        content = _content(path, where)
        records = [make_printable(record) for record in _parse(content, where, name(path))]
        return Baseline(records, _read_plans(content))
    except RefusedInput as error:
        raise RefusedInput(escape_unprintable(str(error))) from error


def _parse(content: Mapping[str, Any], file: str, source: str) -> list[TrialRecord]:
    """Return the trials of a baseline, each checked against its hashes."""
    try:
        check_content(content)
    except WrongShape as error:
        raise RefusedInput(f"{file}: {error}; {REMEDY}") from error
    records, parts = [], content["parts"]
    for at, values in enumerate(content["trials"], start=1):
        where = f"{file}: trial {at} of {content['count']}"
        if len(values) != len(content["columns"]):
            raise RefusedInput(
                f"{where}: {len(values)} values in {len(content['columns'])} columns; {REMEDY}"
            )
        row = dict(zip(content["columns"], values, strict=True))
        try:
            check_row(row, parts)
        except WrongShape as error:
            raise RefusedInput(f"{where}: {error}; {REMEDY}") from error
        record, check = _record(row, parts, source)
        label = f"{record.config['task']['name']} · {protocol.entrant(record.config)}"
        point = point_label(record.point)[:LONGEST_LABEL]
        where = f"{where} ({label} · {point} · seed {record.config['seed']})"
        if digest(record.config) != record.config_hash:
            raise RefusedInput(
                f"{where}: its config does not give its config_hash {record.config_hash}: the file "
                f"was changed; {REMEDY}"
            )
        if _check(record) != check:
            raise RefusedInput(f"{where}: its values were changed; {REMEDY}")
        records.append(record)
    if len(records) != content["count"]:
        raise RefusedInput(
            f"{file}: {len(records)} trials of {content['count']}: the file was cut; {REMEDY}"
        )
    return records


def _read_plans(content: Mapping[str, Any]) -> dict[str, list[DeclaredPlan]]:
    """Return the plans of a baseline that was checked, by study."""
    plans: dict[str, list[DeclaredPlan]] = {}
    for one in content.get("plans", []):
        when = {key: one[key] for key in WHEN}
        plans.setdefault(one["study"], []).append(
            DeclaredPlan(**when, content=check_plan(one["plan"], "plan"))
        )
    return plans


def dumps(
    records: Sequence[TrialRecord], made_by: Mapping[str, str], plans: Plans | None = None
) -> str:
    """Format a baseline: a line a part and a line a trial."""
    parts: dict[str, dict[str, int]] = {part: {} for part in PARTS}
    rows = [_row(record, parts) for record in sorted(records, key=_order)]
    measured = sorted({key for row in rows for key in row} - set(COLUMNS))
    columns = [*COLUMNS, *measured]
    head = {
        "format": FORMAT,
        "made_by": {"optbench": metadata.version("optbench"), **made_by},
        "protocol_version": PROTOCOL_VERSION,
        "count": len(rows),
        "columns": columns,
    }
    declared = [
        {"study": study, **{key: getattr(one, key) for key in WHEN}, "plan": one.content}
        for study, each in sorted((plans or {}).items())
        for one in each
    ]
    lines = [f"{_json(key)}:{_json(value)}," for key, value in head.items()]
    if declared:
        lines.append(f'"plans":{_lines(map(_json, declared))},')
    tables = [f"{_json(part)}:{_lines(stored)}" for part, stored in parts.items()]
    lines.append('"parts":{' + ",\n".join(tables) + "},")
    trials = [_json([row.get(column) for column in columns]) for row in rows]
    lines.append('"trials":' + _lines(trials))
    return "{" + "\n".join(lines) + "}\n"


def _order(record: TrialRecord) -> tuple[Any, ...]:
    """Sort by what a reader looks for, whatever the order of the records."""
    config = record.config
    phase, point = str(record.phase), point_label(record.point)
    return *protocol.entrant_key(config), phase, point, config["seed"], record.config_hash


def _row(record: TrialRecord, parts: Mapping[str, dict[str, int]]) -> dict[str, Any]:
    """Return a trial by the names of ``columns``; put its new parts into ``parts``."""
    config, result, tuning = record.config, record.result, record.tuning
    draw = tuning.to_record() if tuning else {}
    places = {name: draw.pop(name, None) for name in ("repeat", "index")}
    values: dict[str, Any] = {
        "setting": {key: value for key, value in config.items() if key not in APART},
        "optimizer": config["optimizer"],
        "schedule": config["schedule"],
        "point": dict(record.point),
        "draw": draw,
        "environment": dict(result.environment),
        "origin": {"study": record.study, "reference": record.reference},
    }
    last = result.curve[-1] if result.curve else None
    return {
        **{part: _place(parts[part], _json(value)) for part, value in values.items()},
        "config_hash": record.config_hash,
        "check": _check(record),
        "seed": config["seed"],
        "phase": str(record.phase),
        **places,
        "status": str(result.status),
        "reason": _reason(result),
        "step": last.step if last else None,
        **{f"{LAST}{key}": _number(value) for key, value in _last(result).items()},
        **{f"{SUMMARY}{key}": _number(value) for key, value in result.summary.items()},
    }


def _record(
    row: Mapping[str, Any], parts: Mapping[str, Any], source: str
) -> tuple[TrialRecord, str]:
    """Return a trial's record, and what it has to agree with."""
    part = {name: parts[name][row[name]] for name in PARTS}
    config = {
        **part["setting"],
        "optimizer": part["optimizer"],
        "schedule": part["schedule"],
        "seed": row["seed"],
    }
    draw = part["draw"]
    last = _measured(row, LAST)
    record = TrialRecord(
        run_id=row["config_hash"],
        study=part["origin"]["study"],
        config_hash=row["config_hash"],
        config=config,
        point=part["point"],
        result=TrialResult(
            Status(row["status"]),
            row["reason"],
            curve=() if row["step"] is None else (CurvePoint(row["step"], _validated(last)),),
            summary=_measured(row, SUMMARY),
            environment=part["environment"],
            final={key: value for key, value in last.items() if "/" in key},
        ),
        phase=Phase(row["phase"]),
        tuning=Tuning(**draw, repeat=row["repeat"], index=row["index"]) if draw else None,
        reference=part["origin"]["reference"],
        source=source,
    )
    return record, row["check"]


def _check(record: TrialRecord) -> str:
    """Return 8 hexadecimal digits of everything that the file holds of a trial."""
    result = record.result
    last = result.curve[-1] if result.curve else None
    values = {
        "config": record.config,
        "point": dict(record.point),
        "tuning": record.tuning.to_record() if record.tuning else None,
        "said": [str(record.phase), str(result.status), _reason(result)],
        "origin": [record.study, record.reference],
        "environment": dict(result.environment),
        "last": [last.step, {k: _number(v) for k, v in _last(result).items()}] if last else None,
        "summary": {key: _number(value) for key, value in result.summary.items()},
    }
    return digest(values)[:8]


def _content(path: Path, where: str) -> dict[str, Any]:
    """Return a file's JSON, once it is known to be a baseline of a format that can be read."""
    try:
        content = read_json(path)
    except NotJson as error:
        raise RefusedInput(f"{where}: no baseline, or a cut one ({error}); {REMEDY}") from error
    wanted = {"format", "columns", "parts", "count", "trials"}
    if not isinstance(content, dict) or not wanted <= content.keys():
        raise RefusedInput(
            f"{where}: no baseline; optbench-report study=NAME export=FILE makes one"
        )
    if content["format"] != FORMAT or isinstance(content["format"], bool):
        raise RefusedInput(
            f"{where}: format {str(content['format'])[:20]}, this version reads {FORMAT}; "
            "install the version of optbench that wrote it"
        )
    return content


def _last(result: TrialResult) -> dict[str, float]:
    """Return what was measured last, on every split."""
    return {**(result.curve[-1].values if result.curve else {}), **result.final}


def _validated(last: Mapping[str, float]) -> dict[str, float]:
    return {key: value for key, value in last.items() if not key.startswith("test/")}


def _reason(result: TrialResult) -> str:
    """Return its first line: an exception's text may go on for pages."""
    return result.reason.split("\n", maxsplit=1)[0]


def _measured(row: Mapping[str, Any], prefix: str) -> dict[str, float]:
    return {
        key.removeprefix(prefix): float(value)
        for key, value in row.items()
        if key.startswith(prefix) and value is not None
    }


def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))


def _place(stored: dict[str, int], text: str) -> int:
    return stored.setdefault(text, len(stored))


def _lines(texts: Iterable[str]) -> str:
    return "[\n" + ",\n".join(texts) + "]"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
