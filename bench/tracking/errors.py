"""Errors of a store that fails while it is used, or that may only be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from bench.spec import RefusedInput
from bench.spec.errors import StoreLost


class ReadOnlyStore(RefusedInput):
    """A change of a store whose tables have a form that is not known here."""


@contextmanager
def store_errors(uri: str, *errors: type[Exception]) -> Iterator[None]:
    """Convert whatever SQLite raises inside (no room, no such table) to ``StoreLost``.

    Args:
        errors: further types that are converted.
    """
    lost: tuple[type[Exception], ...] = (sqlite3.Error, OSError, *errors)
    try:
        yield
    except lost as error:
        message = str(error).strip().split("\n", maxsplit=1)[0]
        raise StoreLost(f"tracking.uri={uri}: {message or type(error).__name__}") from error
