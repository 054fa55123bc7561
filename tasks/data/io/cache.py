"""What a loader made of its files, kept for the next start: nothing is read, split or hashed twice.

It is found by the files' paths, sizes and times, the loader's options, and the code of this
package, so that a change of any of them makes it anew. ``OPTBENCH_CACHE`` names the folder (default
``~/.cache/optbench``); it may be removed at any time, and where it cannot be written nothing is
kept. Whatever is wrong with a file there, it is made anew.

A file is a checksum, a line of JSON and, behind it, the arrays as they lie in memory. It is no
pickle: reading it runs nothing.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import numpy as np

from tasks.data.dataset import SPLITS, Dataset, Split
from tasks.data.io.mapped import is_large

Made = TypeVar("Made")
ALIGNED = 64  # bytes: where an array may begin
LONGEST = 1 << 24  # bytes of the line of JSON


def load_or_make(
    name: str, files: Iterable[Path], options: Mapping[str, Any], make: Callable[[], Made]
) -> Made:
    """Return what ``make`` gives, with its arrays mapped from the cache where it was made before.

    Args:
        name: of the loader.
        files: all that it reads.
        options: all else that its result depends on; what JSON can write.
        make: gives a Dataset, or what JSON can write.
    """
    folder = Path(os.environ.get("OPTBENCH_CACHE") or Path.home() / ".cache" / "optbench")
    path = folder / f"{name}-{_hash_inputs(files, options)}.data"
    with contextlib.suppress(Exception):  # not there, or damaged in any way
        return cast("Made", _read(path))
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


def _read(path: Path) -> object:
    """Read what ``_write`` wrote; raises whatever it meets where anything else is there."""
    if not path.is_file():  # opening a pipe would wait for ever
        raise FileNotFoundError(path)
    with path.open("rb") as file:
        checksum, _, line = file.readline(LONGEST).partition(b" ")
        if int(checksum, 16) != zlib.crc32(line):
            raise ValueError(path)
        header = json.loads(line)
        if header["size"] != os.fstat(file.fileno()).st_size:
            raise ValueError(path)
    if "arrays" not in header:
        return header["value"]
    arrays = [_map_array(path, **described) for described in header["arrays"]]
    train, val, test = (Split(*arrays[at : at + 2]) for at in range(0, len(arrays), 2))
    values = {**header["value"], "classes": tuple(header["value"]["classes"])}
    if any(map(is_large, arrays)):  # not read as a whole before a trial does
        return Dataset(train, val, test, **values)
    made = Dataset(train, val, test, **{**values, "fingerprint": ""})
    if made.fingerprint != values["fingerprint"]:
        raise ValueError(path)
    return made


def _map_array(path: Path, dtype: str, shape: list[int], offset: int) -> np.ndarray:
    numbers = np.dtype(dtype)
    if numbers.kind not in "biuf":  # bytes of a file are no Python objects
        raise ValueError(path)
    return np.memmap(path, numbers, "r", offset, tuple(shape))


def _write(path: Path, made: object) -> None:
    """Whole or not at all: other processes may look for it now."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent) as scratch:
        new = Path(scratch) / path.name
        _write_file(new, made)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        new.replace(path)


def _write_file(path: Path, made: object) -> None:
    arrays: list[np.ndarray] = []
    header: dict[str, Any] = {"value": made}
    if isinstance(made, Dataset):
        arrays = [array for name in SPLITS for array in getattr(made, name)]
        names = [one.name for one in fields(Dataset) if one.name not in SPLITS]
        header = {"value": {name: getattr(made, name) for name in names}, "arrays": []}
    room = _round_up(len(json.dumps(header)) + 128 * (1 + len(arrays)))
    size = room
    for array in arrays:
        described = {"dtype": array.dtype.str, "shape": array.shape, "offset": _round_up(size)}
        header["arrays"].append(described)
        size = _round_up(size) + array.nbytes
    line = json.dumps({**header, "size": size}).encode()
    line = line.ljust(room - len("00000000 \n")) + b"\n"
    with path.open("wb") as file:
        file.write(b"%08x " % zlib.crc32(line) + line)
        for array in arrays:
            file.write(bytes(_round_up(file.tell()) - file.tell()))
            file.write(np.ascontiguousarray(array).data)


def _round_up(size: int) -> int:
    """The next place where an array may begin."""
    return -(-size // ALIGNED) * ALIGNED
