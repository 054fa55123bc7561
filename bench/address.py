"""The address of a store: which kinds there are, the default, and the file of an embedded one."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from bench.spec import RefusedInput

DEFAULT = "sqlite:///outputs/optbench.db"

STORES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
"""Kinds of MLflow store that can be tracked to."""


def check_uri(uri: str) -> None:
    """Refuse an address that is no MLflow store; a bare folder is none since MLflow 3.13."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in STORES:
        raise RefusedInput(
            f"tracking.uri={uri}: no such kind of store; use sqlite:///PATH.db, postgresql://… or "
            "http://HOST:PORT of an MLflow server"
        )


def sqlite_path(uri: str) -> Path | None:
    """The file of an embedded store; None for any other."""
    prefix = "sqlite:///"
    return Path(uri.removeprefix(prefix)) if uri.startswith(prefix) else None
