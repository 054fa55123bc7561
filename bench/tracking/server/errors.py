"""Errors of MLflow's client while it is used."""

from __future__ import annotations

from contextlib import AbstractContextManager

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from bench.tracking import errors


def store_errors(uri: str) -> AbstractContextManager[None]:
    """Convert whatever MLflow's client raises inside (no answer, no room) to ``StoreLost``."""
    return errors.store_errors(uri, MlflowException, SQLAlchemyError)
