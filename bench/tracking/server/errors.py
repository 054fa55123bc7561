"""MLflow's client that fails while it is used: one error, whichever way it fails."""

from __future__ import annotations

from contextlib import AbstractContextManager

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from bench.tracking import errors as embedded


def losing(uri: str) -> AbstractContextManager[None]:
    """Inside, whatever the store raises (no answer, no room, no such table) is ``StoreLost``."""
    return embedded.losing(uri, MlflowException, SQLAlchemyError)
