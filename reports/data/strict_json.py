"""JSON of a file that anybody may have written: of limited size, and with one meaning only."""

from __future__ import annotations

import gzip
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LARGEST = 64 * 2**20
"""Most bytes of a file once it is unpacked: some 200 000 trials, and 2 GB of memory at worst."""

DEEPEST = 20
"""Most levels of lists and mappings within each other: three times what a config has."""

LARGEST_INTEGER = 2**63
"""Beyond it tables have no whole numbers."""

INSTRUCTION = re.compile(r"_[a-z]+_")
"""Keys by which Hydra builds objects: ``_target_``, ``_partial_``, ``_args_``, ``_call_``, …"""


class NotJson(ValueError):
    """A file that is no strict JSON; the message says in a line why."""


def read_json(path: Path) -> Any:
    """Read a file, unpacking ``.gz`` only up to ``LARGEST`` bytes.

    Raises:
        NotJson: it is cut, too large, too deep, or says a key twice or a number that is none.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NotJson(str(error) or type(error).__name__) from error
    if len(text) > LARGEST:
        raise NotJson(f"it is larger than {LARGEST // 2**20} MiB unpacked")
    try:
        return parse_json(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise NotJson(str(error)) from error


def parse_json(text: str) -> Any:
    """Parse text as ``read_json`` does."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_collect_once,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            parse_int=_parse_integer,
        )
    except RecursionError as error:
        raise NotJson("its lists and mappings lie too deep within each other") from error
    except ValueError as error:
        raise NotJson(str(error)) from error


def find_instruction(value: Any) -> str:
    """Find the first key by which Hydra would build an object, as a path; empty without any."""
    for path, key in _walk_keys(value, ""):
        if INSTRUCTION.fullmatch(key):
            return path
    return ""


def check_depth(value: Any, most: int = DEEPEST) -> bool:
    """Tell if no value lies deeper than ``most`` levels."""
    level = [value]
    for _ in range(most):
        level = [inner for one in level for inner in _list_inner(one)]
        if not level:
            return True
    return False


def _list_inner(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else ()


def _walk_keys(value: Any, prefix: str) -> Any:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"{prefix}{key}", key
            yield from _walk_keys(inner, f"{prefix}{key}.")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _walk_keys(inner, f"{prefix}{at}.")


def _collect_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise NotJson(f"the key {twice!r} is given twice")
    return found


def _refuse_constant(text: str) -> float:
    raise NotJson(f"{text} is no number of JSON")


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise NotJson(f"the number {text[:20]} is too large")
    return value


def _parse_integer(text: str) -> int:
    if len(text) > len(str(LARGEST_INTEGER)) + 1 or abs(int(text)) >= LARGEST_INTEGER:
        raise NotJson(f"the number {text[:20]}{'…' * (len(text) > 20)} is too large")
    return int(text)
