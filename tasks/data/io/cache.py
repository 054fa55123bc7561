"""What a loader made of its files, kept for the next start: nothing is read, split or hashed twice.

It is found by the files' paths, sizes and times, the loader's options, and the code of this
package, so that a change of any of them makes it anew. ``OPTBENCH_CACHE`` names the folder (default
``~/.cache/optbench``); it may be removed at any time, and where it cannot be written nothing is
kept.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import joblib

Made = TypeVar("Made")


def load_or_make(
    name: str, files: Iterable[Path], options: Mapping[str, Any], make: Callable[[], Made]
) -> Made:
    """Return what ``make`` gives, with its arrays mapped from the cache where it was made before.

    Args:
        name: of the loader.
        files: all that it reads.
        options: all else that its result depends on; what JSON can write.
    """
    folder = Path(os.environ.get("OPTBENCH_CACHE") or Path.home() / ".cache" / "optbench")
    path = folder / f"{name}-{_hash_inputs(files, options)}.joblib"
    # joblib.Memory (1.6) does not fit: it prints a traceback for a damaged file, raises once the
    # result is made where its folder cannot be written, and clears what another version wrote
    with contextlib.suppress(Exception):  # not there, or damaged in any way
        return cast("Made", joblib.load(path, mmap_mode="r"))
    made = make()
    with contextlib.suppress(OSError):
        _write(path, made)
    return made


def _hash_inputs(files: Iterable[Path], options: Mapping[str, Any]) -> str:
    sha = hashlib.sha256(f"{_hash_code()} {json.dumps(options, sort_keys=True)}".encode())
    for file in files:
        stat = file.stat()
        sha.update(f"\0{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    return sha.hexdigest()[:16]


@functools.cache
def _hash_code() -> str:
    """Changes with any line of the loaders."""
    sha = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        sha.update(file.read_bytes())
    return sha.hexdigest()


def _write(path: Path, made: object) -> None:
    """Whole or not at all: other processes may look for it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as scratch:
        joblib.dump(made, Path(scratch) / path.name)
        (Path(scratch) / path.name).replace(path)
