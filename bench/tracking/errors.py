"""A store that fails while it is used: one error, whichever way it fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from bench.spec.errors import StoreLost


@contextmanager
def losing(uri: str, *errors: type[Exception]) -> Iterator[None]:
    """Inside, whatever an embedded store raises (no room, no such table) is ``StoreLost``.

    Args:
        errors: what else is.
    """
    lost: tuple[type[Exception], ...] = (sqlite3.Error, OSError, *errors)
    try:
        yield
    except lost as error:
        words = str(error).strip().split("\n", maxsplit=1)[0]
        raise StoreLost(f"tracking.uri={uri}: {words or type(error).__name__}") from error
