"""Arrays too large for memory, mapped from a file: only rows that are asked for are read."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LIMIT = 256 << 20
"""Bytes up to which an array is taken into memory; float32 makes four of each of them."""
CHUNK = 16 << 20  # bytes that are read at once where all of them are needed


def read_bytes(path: Path) -> np.ndarray:
    """A file's bytes, uint8 ``[n]``: in memory, or mapped where they are many."""
    if path.stat().st_size <= LIMIT:
        return np.fromfile(path, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r")


def is_large(array: np.ndarray) -> bool:
    """Whether an array is to stay in its file."""
    return array.nbytes > LIMIT and _file(array) is not None


def iterate_chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """All rows, some at a time; those of a large one are given back before the next."""
    rows = max(1, CHUNK * len(array) // max(1, array.nbytes)) if is_large(array) else len(array)
    for start in range(0, len(array), max(1, rows)):
        yield array[start : start + rows]
        release(array)


def release(array: np.ndarray) -> None:
    """Pages of a large array that were read no longer count as this process's memory.

    They stay in the system's cache, from which the next reader has them.
    """
    file = _file(array)
    if file is not None and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)


def _file(array: np.ndarray) -> mmap.mmap | None:
    """What an array, or a view of one, is mapped from; None: it lies in memory."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
