"""Opening a store by its address; one in a file is made where it is missing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from bench.spec import RefusedInput
from bench.tracking.owner import is_worker
from bench.tracking.sqlite import schema
from bench.tracking.sqlite.store import SQLiteStore
from bench.tracking.store import Store, ensure_study, make_open_error
from bench.tracking.uri import check_file, check_local, sqlite_path


def prepare(uri: str, study: str) -> str:
    """Open the store, make it and the study where missing, and return MLflow's id of the study.

    Raises:
        RefusedInput: the store cannot be opened, does not answer or can only be read; the study
            was deleted.
    """
    return ensure_study(open_store(uri, writes=True), study)


def open_store(uri: str, *, writes: bool = False) -> Store:
    """Open a store, and say once where its tables are of another MLflow.

    Args:
        writes: make a file that is missing; a reader makes and changes nothing.

    Raises:
        RefusedInput: it cannot be opened, does not answer, or can only be read.
        StoreLost: the same in a worker, whose parent has opened it.
    """
    path = sqlite_path(uri)
    if writes and path is not None and not schema.has_tables(path):
        _make_file(uri, path.absolute())
    store = find_store(uri)
    if isinstance(store, SQLiteStore):
        if writes:
            store.check_writable()
        if store.notice and not is_worker():
            print(store.notice, file=sys.stderr)
            store.notice = ""
    return store


def find_store(uri: str) -> Store:
    """Do the same and say nothing."""
    path = sqlite_path(uri)
    # an optimizer may change the working folder: from here on that moves no store
    return _open(uri, None if path is None else path.absolute())


def exists(uri: str) -> bool:
    """Tell whether there is a file with tables; of stores of other kinds that is not known."""
    path = sqlite_path(uri)
    return path is not None and schema.has_tables(path)


@lru_cache(maxsize=4)
def _open(uri: str, path: Path | None) -> Store:
    if path is None:
        # MLflow takes seconds to import, and stores in a file do not need it
        from bench.tracking.server.store import ClientStore

        return ClientStore(uri)
    try:
        check_local(uri, path)
        check_file(uri, path)
        if not schema.has_tables(path):
            raise RefusedInput(
                f"tracking.uri={uri}: there is no file {path} with records. Run optbench first, or "
                "name its store"
            )
        revision = schema.check_columns(uri, path)
    except (OSError, sqlite3.Error) as error:
        raise make_open_error(uri, error) from error
    return SQLiteStore(uri, path, revision)


def _make_file(uri: str, path: Path) -> None:
    """Make a store that is missing, where one may be."""
    try:
        check_local(uri, path)
        check_file(uri, path)
        _create(uri, path)
    except (OSError, sqlite3.Error) as error:
        raise make_open_error(uri, error) from error


def _create(uri: str, path: Path) -> None:
    """Make the tables, one process at a time: two would die in each other's migrations.

    A new store is made beside its place and moved there when it is whole: a process that is killed
    meanwhile leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        if schema.has_tables(path):  # made while this process waited
            return
        new = path.with_name(f".{path.name}.new")
        _copy_template(uri, new)
        with closing(sqlite3.connect(new)) as store, store:
            default = (path.parent / "artifacts" / "Default").as_uri()
            store.execute("UPDATE experiments SET artifact_location = ?", (default,))
        schema.write_ahead(new)
        new.replace(path)


def _copy_template(uri: str, new: Path) -> None:
    """Write an empty store. MLflow's migrations take seconds: they run once a version and machine.

    The template may be removed at any time; where it is damaged it is made anew.
    """
    folder = Path(os.environ.get("OPTBENCH_CACHE") or Path.home() / ".cache" / "optbench")
    template = folder / f"mlflow-{version('mlflow')}.db"
    with suppress(OSError, sqlite3.Error):
        shutil.copyfile(template, new)
        if schema.is_current(new):
            return
    with TemporaryDirectory() as scratch:
        empty = Path(scratch) / "empty.db"
        # MLflow takes seconds to import, and is needed for the first store of a machine alone
        from bench.tracking.server.store import connect

        connect(f"sqlite:///{empty}")
        if not schema.is_current(empty):
            raise RefusedInput(
                f"tracking.uri={uri}: MLflow {version('mlflow')} makes stores that this optbench "
                f"does not know (schema {schema.read_revision(empty)}). Install another version: "
                "pip install mlflow==3.17.2"
            )
        shutil.copyfile(empty, new)
    with suppress(OSError), TemporaryDirectory(dir=_make_folder(folder)) as scratch:
        copy = shutil.copyfile(new, Path(scratch) / "new.db")
        copy.replace(template)


def _make_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
