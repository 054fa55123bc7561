"""Addresses of stores: their kinds, the default, and the file of a SQLite one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from bench.spec import RefusedInput
from bench.tracking.sqlite.schema import open_for_reading

DEFAULT = "sqlite:///outputs/optbench.db"

SCHEMES = ("sqlite", "postgresql", "mysql", "mssql", "http", "https", "databricks")
"""Kinds of MLflow store that can be tracked to."""

NETWORK_FILESYSTEMS = (
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "panfs"),
    *("ceph", "glusterfs", "orangefs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone"),
)
"""File systems that machines share; 9p is none, for containers stand on it."""


def check_uri(uri: str) -> None:
    """Refuse an address that is no MLflow store; a bare folder is none since MLflow 3.13."""
    scheme = urlsplit(uri).scheme.partition("+")[0]
    if scheme not in SCHEMES:
        raise RefusedInput(
            f"tracking.uri={uri}: no such kind of store; use sqlite:///PATH.db, postgresql://… or "
            "http://HOST:PORT of an MLflow server"
        )
    path = sqlite_path(uri)
    if scheme == "sqlite" and (path is None or path.name in ("", ":memory:") or "?" in uri):
        raise RefusedInput(
            f"tracking.uri={uri}: no file; what is kept in memory is lost at the end; use "
            "sqlite:///PATH.db (four slashes for an absolute path)"
        )


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a SQLite store; None for any other."""
    prefix = "sqlite:///"
    return Path(uri.removeprefix(prefix)) if uri.startswith(prefix) else None


def is_database(uri: str) -> bool:
    """Tell whether it is a database's own address, with no MLflow server before it."""
    return not uri.startswith(("http", "databricks"))


def check_file(uri: str, path: Path) -> None:
    """Refuse a file that is no store of MLflow, before anything is written into it.

    SQLite alone opens it; see ``bench.tracking.sqlite.schema.has_write_ahead_log``.
    """
    if path.is_dir():
        raise _make_refusal(uri, "is a folder")
    if not path.exists() or not path.stat().st_size:
        return
    try:
        with closing(open_for_reading(path)) as store:
            rows = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            store.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:  # busy: whoever opens it next waits
        return
    except sqlite3.DatabaseError as error:
        foreign = error.sqlite_errorcode == sqlite3.SQLITE_NOTADB
        raise _make_refusal(
            uri, "is no SQLite file" if foreign else f"is damaged ({error})"
        ) from error
    tables = {name for (name,) in rows}
    half = [name for name in tables if name.startswith("_alembic_tmp_")]
    if half:
        raise _make_refusal(uri, f"was left half made by an earlier process (table {half[0]})")
    if tables and not {"experiments", "runs", "alembic_version"} <= tables:
        raise _make_refusal(uri, f"holds somebody else's tables ({', '.join(sorted(tables)[:3])})")


def _make_refusal(uri: str, what: str) -> RefusedInput:
    return RefusedInput(
        f"tracking.uri={uri}: {what}; name another file, one of MLflow or one that is not there yet"
    )


def check_local(uri: str, path: Path) -> None:
    """Refuse a SQLite store on a file system that machines share: SQLite breaks there.

    Its write-ahead log needs memory that all its users share, see sqlite.org/wal.html.
    """
    import psutil  # 10 ms: a refusal and a stored result need none

    mounts = psutil.disk_partitions(all=True)
    kind = find_filesystem(path.resolve(), ((one.mountpoint, one.fstype) for one in mounts))
    if kind in NETWORK_FILESYSTEMS:
        raise RefusedInput(
            f"tracking.uri={uri}: {path.parent} is on a network file system ({kind}), where SQLite "
            "loses writes; use a path on a local disk, or an MLflow server (http://HOST:PORT)"
        )


def find_filesystem(path: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """Return the kind of file system that an absolute path is on.

    Args:
        mounts: folder and kind of each file system, in the order in which they were mounted.
    """
    deepest, deepest_kind = -1, ""
    for folder, kind in mounts:
        depth = len(Path(folder).parts)
        # of two on one folder the later counts
        if depth >= deepest and path.is_relative_to(folder):
            deepest, deepest_kind = depth, kind
    return deepest_kind
