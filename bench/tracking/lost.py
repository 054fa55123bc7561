"""A store that fails while it is used: one error, whichever way it fails."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from bench.faults import StoreLost

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def losing(uri: str) -> Iterator[None]:
    """Inside, whatever the store raises (no answer, no room, no such table) is ``StoreLost``."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        words = str(error).strip().split("\n", maxsplit=1)[0]
        raise StoreLost(f"tracking.uri={uri}: {words or type(error).__name__}") from error


def may_lose(function: Callable[P, R]) -> Callable[P, R]:
    """The same of a function whose first argument is the store's address."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with losing(str(args[0])):
            return function(*args, **kwargs)

    return guarded
