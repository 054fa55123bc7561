"""Rules for names that are recorded: what every store and every report can take.

An MLflow server refuses names that a file takes, and a chart library aborts the process on a
control character. So each rule holds everywhere, before anything trains.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from bench.spec.errors import RefusedInput

MAX_NAME = 100
"""Characters of an optimizer's, task's, model's or schedule's name, as of a study's."""
MAX_KEY = 200
"""Characters of a metric's or hyperparameter's name. MLflow takes 250 with a prefix of ours."""
KEY = re.compile(r"[\w.\- /]+")
"""MLflow's rule for keys of metrics and parameters, without the colon, which Windows refuses."""
ALLOWED = f"Use up to {MAX_KEY} letters, digits, spaces and _ - . /"


def check_name(where: str, name: str) -> None:
    """Refuse a name of an optimizer, task, model or schedule that cannot be shown.

    Args:
        where: file and key, for the message.
    """
    if not name or not name.isprintable() or len(name) > MAX_NAME:
        raise RefusedInput(
            f"{where}: {name!r} is not a valid name. Use 1 to {MAX_NAME} printable characters."
        )


def check_key(where: str, what: str, key: Any) -> None:
    """Refuse a name of a metric or hyperparameter that an MLflow server refuses.

    Args:
        where: file and key, for the message.
        what: ``metric`` or ``hyperparameter``.
    """
    if not is_key(key):
        raise RefusedInput(f"{where}: {key!r} is not a valid name of a {what}. {ALLOWED}.")


def is_key(key: Any) -> bool:
    """Return True for a key that every store takes, whatever the prefix that it gets."""
    return (
        isinstance(key, str)
        and len(key) <= MAX_KEY
        and KEY.fullmatch(key) is not None
        and posixpath.normpath(f"val/{key}") == f"val/{key}"
    )


def check_values(where: str, values: Any) -> None:
    """Refuse text with control characters in a hyperparameter, whose value stands in labels."""
    if isinstance(values, dict):
        for key, value in values.items():
            check_values(f"{where}.{key}", value)
    elif isinstance(values, list | tuple):
        for value in values:
            check_values(where, value)
    elif isinstance(values, str) and not values.isprintable():
        raise RefusedInput(f"{where}: {values!r} has control characters. Leave them out.")
