"""Arrays that are slow to make, kept in a file that is named by what they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np


def kept(path: Path, make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays by name, from the file where it is there; else made, and written there.

    Args:
        path: ends in ``.npz``; another one for whatever ``make`` depends on.
    """
    if path.exists():
        with np.load(path) as file:
            return dict(file)
    arrays = dict(make())
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as part:
        np.savez(part, **arrays)  # type: ignore[arg-type]
    Path(part.name).replace(path)  # whole or not at all: other processes may look for it now
    return arrays


def fingerprint(files: Iterable[Path], root: Path, *rule: object) -> str:
    """16 hexadecimal digits that change with any file's path, length or time, and with ``rule``."""
    sha = hashlib.sha256(repr(rule).encode())
    for file in files:
        stat = file.stat()
        sha.update(f"{file.relative_to(root)}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return sha.hexdigest()[:16]
