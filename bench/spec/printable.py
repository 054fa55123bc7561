"""Text fit to be shown: no character moves a cursor or ends a line; counts with their noun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.spec.result import CurvePoint, TrialRecord

LINES = "\n\t"
"""Characters that a traceback may hold beside printable ones."""


def counted(count: float, noun: str) -> str:
    """``1 seed``, ``8 seeds``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def escape_unprintable(text: str, keep: str = "") -> str:
    """Escape what would move a terminal's cursor, or is no character: ``\\x00``, ``\\u202e``."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escape(c) for c in text)


def make_printable(record: TrialRecord) -> TrialRecord:
    """Escape every text of a record that people or figures see; most records stay as they are."""
    result = record.result
    texts = (
        *(record.study, record.source, record.reference, record.config, record.point),
        *(dict(result.environment), sorted(result.summary), sorted(result.final)),
        sorted({name for point in result.curve for name in point.values}),
        record.tuning and [record.tuning.sampler, record.tuning.rank, record.tuning.space],
        result.reason,
    )
    if _is_plain(texts) and not result.traceback:
        return record
    return replace(
        record,
        study=escape_unprintable(record.study),
        source=escape_unprintable(record.source),
        reference=escape_unprintable(record.reference),
        config=_escape_all(record.config),
        point=_escape_all(record.point),
        tuning=record.tuning
        and replace(
            record.tuning,
            sampler=escape_unprintable(record.tuning.sampler),
            rank=escape_unprintable(record.tuning.rank),
            space=_escape_all(record.tuning.space),
        ),
        result=replace(
            result,
            reason=escape_unprintable(result.reason, LINES),
            traceback=escape_unprintable(result.traceback, LINES),
            curve=tuple(CurvePoint(p.step, _escape_all(p.values)) for p in result.curve),
            summary=_escape_all(result.summary),
            environment=_escape_all(result.environment),
            final=_escape_all(result.final),
        ),
    )


def _is_plain(values: Any) -> bool:
    """Tell at C's speed if no text needs an escape: JSON writes them all with a backslash."""
    text = json.dumps(values, default=str)
    return "\\" not in text and "\x7f" not in text


def _escape_all(value: Any) -> Any:
    if isinstance(value, str):
        return escape_unprintable(value)
    if isinstance(value, Mapping):
        return {_escape_all(key): _escape_all(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_escape_all(inner) for inner in value]
    return value


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
