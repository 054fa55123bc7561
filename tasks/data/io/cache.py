"""What a loader made of its files, kept for the next start: nothing is read, split or hashed twice.

It is found by the files' paths, sizes and times, the loader's options, and the code of this
package, so that a change of any of them makes it anew. ``OPTBENCH_CACHE`` names the folder (default
``~/.cache/optbench``); it may be removed at any time, and where it cannot be written nothing is
kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, Split

FACTS, TEXT = "dataset.json", "text"
Made = TypeVar("Made")


def dataset(
    name: str, files: Iterable[Path], options: Mapping[str, Any], make: Callable[[], Dataset]
) -> Dataset:
    """The data set that ``make`` gives, from the cache where it was made before.

    Args:
        name: of the loader.
        files: all that it reads.
        options: all else that its result depends on; what JSON can write.
    """
    return _once(_place(name, files, options), make, _read, _save)


def text(
    name: str, files: Iterable[Path], options: Mapping[str, Any], make: Callable[[], str]
) -> str:
    """The same of a text: a fingerprint of data that stay in their files, the scripts of a page."""
    return _once(
        _place(name, files, options),
        make,
        lambda folder: (folder / TEXT).read_text("utf-8"),
        lambda folder, made: (folder / TEXT).write_text(made, "utf-8"),
    )


def _once(
    folder: Path,
    make: Callable[[], Made],
    read: Callable[[Path], Made],
    save: Callable[[Path, Made], object],
) -> Made:
    """What the folder holds; where it is not there, or damaged, it is made and put there."""
    with contextlib.suppress(OSError, ValueError):
        return read(folder)
    made = make()
    with contextlib.suppress(OSError):
        _write(folder, lambda new: save(new, made))
    return made


def _place(name: str, files: Iterable[Path], options: Mapping[str, Any]) -> Path:
    named = os.environ.get("OPTBENCH_CACHE")
    kept = Path(named) if named else Path.home() / ".cache" / "optbench"
    return kept / f"{name}-{_key(files, options)}"


def _key(files: Iterable[Path], options: Mapping[str, Any]) -> str:
    sha = hashlib.sha256(f"{_code()} {json.dumps(options, sort_keys=True)}".encode())
    for file in files:
        stat = file.stat()
        sha.update(f"\0{file.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode())
    return sha.hexdigest()[:16]


@cache
def _code() -> str:
    """Changes with any line of the loaders."""
    sha = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        sha.update(file.read_bytes())
    return sha.hexdigest()


def _write(folder: Path, fill: Callable[[Path], object]) -> None:
    """Whole or not at all: other processes may look for it now."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(mkdtemp(dir=folder.parent))
    try:
        fill(new)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _save(folder: Path, made: Dataset) -> None:
    for name in SPLITS:
        for what, array in zip(Split._fields, getattr(made, name), strict=True):
            np.save(folder / f"{name}_{what}.npy", array)
    facts = {
        "classes": made.classes,
        "fingerprint": made.fingerprint,
        "vocabulary_size": made.vocabulary_size,
        "ignored": made.ignored,
    }
    (folder / FACTS).write_text(json.dumps(facts))


def _read(folder: Path) -> Dataset:
    facts = json.loads((folder / FACTS).read_text())
    train, val, test = (
        Split(*(np.load(folder / f"{name}_{what}.npy", mmap_mode="r") for what in Split._fields))
        for name in SPLITS
    )
    facts["classes"] = tuple(facts["classes"])
    return Dataset(train, val, test, **facts)
