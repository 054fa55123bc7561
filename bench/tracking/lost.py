"""Any store that fails while it is used: one error, whichever way it fails."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import ParamSpec, TypeVar

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from bench.embedded import lost as embedded

P = ParamSpec("P")
R = TypeVar("R")


def losing(uri: str) -> AbstractContextManager[None]:
    """Inside, whatever the store raises (no answer, no room, no such table) is ``StoreLost``."""
    return embedded.losing(uri, MlflowException, SQLAlchemyError)


def may_lose(function: Callable[P, R]) -> Callable[P, R]:
    """The same of a function whose first argument is the store's address."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        with losing(str(args[0])):
            return function(*args, **kwargs)

    return guarded
