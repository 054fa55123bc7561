"""Stores of other MLflows: made by MLflow's own migrations, up to a revision."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy
from alembic import command
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base


def make_store(path: Path, revision: str) -> None:
    """Make an empty store; as MLflow does, its oldest tables first, then migrations."""
    url = f"sqlite:///{path}"
    engine = sqlalchemy.create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    migrate(path, revision)


def migrate(path: Path, revision: str = "head") -> None:
    """Run the migrations that lead to a revision."""
    command.upgrade(_get_alembic_config(f"sqlite:///{path}"), revision)


def set_revision(path: Path, revision: str) -> None:
    """Write the number of an unknown MLflow into a store."""
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE alembic_version SET version_num = ?", (revision,))
