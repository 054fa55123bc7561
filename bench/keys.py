"""The plain command line of ``optbench-report`` and ``optbench-status``: words of ``key=value``."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bench.spec import RefusedInput
from bench.suggest import suggest


def parse(words: Iterable[str], keys: Collection[str]) -> dict[str, str]:
    """``["study=a"]`` as ``{"study": "a"}``; ``study`` is always one of the keys, and needed.

    Raises:
        RefusedInput: for anything else, with the remedy.
    """
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in keys:
            raise RefusedInput(f"{word}: {key!r} is no key; {suggest(key, keys)}")
        if not equals or not value:
            raise RefusedInput(f"{word}: no value; write {key}=VALUE")
        if key in given:
            raise RefusedInput(f"{word}: {key} is given twice; keep one of them")
        given[key] = value
    if "study" not in given:
        raise RefusedInput("study: no value; write study=NAME")
    return given
