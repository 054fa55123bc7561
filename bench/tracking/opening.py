"""Opening a store by its address; one in a file is made where it is missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from bench.tracking.sqlite.schema import embedded, has_write_ahead_log
from bench.tracking.sqlite.store import EmbeddedStore
from bench.tracking.store import Store, cannot_open, found_or_made
from bench.tracking.uri import check_file, check_local, sqlite_path


def opened(uri: str) -> Store:
    """A store that is there.

    Raises:
        RefusedInput: it cannot be opened or does not answer.
        StoreLost: the same in a worker, whose parent has opened it.
    """
    path = sqlite_path(uri)
    # an optimizer may change the working folder: from here on that moves no store
    return _opened(uri, None if path is None else path.absolute())


def prepare(uri: str, study: str) -> str:
    """Open the store, creating it and the study where missing; returns MLflow's number of it.

    Raises:
        RefusedInput: the store cannot be opened or does not answer; the study was deleted.
    """
    return found_or_made(opened(uri), study)


@lru_cache(maxsize=4)
def _opened(uri: str, path: Path | None) -> Store:
    if path is not None:
        try:
            check_local(uri, path)
            check_file(uri, path)
            if not has_write_ahead_log(path):
                _create(path)
            if embedded(f"sqlite:///{path}"):
                return EmbeddedStore(uri, path)
        except (OSError, sqlite3.Error) as error:
            raise cannot_open(uri, error) from error
    from bench.tracking.server.store import (
        ClientStore,  # with MLflow, which takes seconds to import
    )

    return ClientStore(uri)


def _create(path: Path) -> None:
    """Make the tables, one process at a time: two would die in each other's migrations.

    A new store is made beside its place and moved there when it is whole: a process that is killed
    meanwhile leaves nothing that MLflow could not go on with.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if has_write_ahead_log(path):  # made while this process waited
            return
        if path.exists() and path.stat().st_size:  # MLflow made it: bring it to its present form
            _by_mlflow(path)
        else:
            new = path.with_name(f".{path.name}.new")
            new.unlink(missing_ok=True)
            with closing(sqlite3.connect(new)) as store:
                store.executescript(_empty())
                store.execute(
                    "UPDATE experiments SET artifact_location = ?",
                    ((path.parent / "artifacts" / "Default").as_uri(),),
                )
                store.commit()
            new.replace(path)
        with closing(sqlite3.connect(path, timeout=60)) as store:
            store.execute("PRAGMA journal_mode=WAL")  # readers do not block writers


def _empty() -> str:
    """An empty store in SQL. MLflow's migrations make it in seconds, so that is done once."""
    from tasks.data.io.cache import text

    return text("store", (), {"mlflow": version("mlflow")}, _dumped)


def _dumped() -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        _by_mlflow(path)
        with closing(sqlite3.connect(path)) as store:
            return "\n".join(store.iterdump())


def _by_mlflow(path: Path) -> None:
    from bench.tracking.server.store import connect

    connect(f"sqlite:///{path}")
